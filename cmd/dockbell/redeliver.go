package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// again names deliveries by their events or by their own numbers.
type again struct{ events, deliveries values }

func webhookRedeliver() *cobra.Command {
	var f careful
	var what again
	c := &cobra.Command{
		Use:   "redeliver --registry REGISTRY --name NAME {--event ID... | --delivery NUMBER...} [--dry-run] [--yes]",
		Short: "Send single deliveries of a webhook again",
		Long: "Sends deliveries again with the same ID and the same bytes, with the whole retry schedule before them. They are named by their events, as list-events shows them, " +
			"or by their numbers, which receivers get as webhook-id. All of them are looked up before the first is sent.",
		Example: "  dockbell webhook redeliver -r mycontainerregistry -n deployhook --event 1b5c7a6e-7d0c-4a53-93f5-0d6a7d3c5a11\n" +
			"  dockbell webhook redeliver -r mycontainerregistry -n deployhook --delivery 913036227895992321 913036227895992322 --yes",
	}
	c.Flags().Var(&what.events, "event", "ids of events")
	c.Flags().Var(&what.deliveries, "delivery", "numbers of deliveries")
	f.add(c)
	for _, name := range []string{"event", "delivery"} {
		complete(c, name, cobra.NoFileCompletions)
	}
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		bodies := what.bodies()
		if len(bodies) == 0 {
			return usage("say what is sent again: --event or --delivery")
		}
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		path := reg.webhook(at.name) + "/redeliver"
		counted, err := a.redeliver(ctx, path, bodies, true)
		if err != nil {
			return err
		}
		switch {
		case f.dryRun:
			if err := out.show(counted, redeliveredColumns); err != nil {
				return err
			}
			return changesPending{deliveries(len(counted))}
		case !f.yes && isTerminal(c.InOrStdin()) && !confirm(c, "Send "+deliveries(len(counted))+" again?"):
			return errors.New("nothing was changed")
		}
		done, err := a.redeliver(ctx, path, bodies, false)
		if err != nil {
			return fmt.Errorf("%w (%d of %s sent again before)", err, len(done), deliveries(len(bodies)))
		}
		return out.show(done, redeliveredColumns)
	})
}

// bodies are what the API takes, one for each delivery.
func (w again) bodies() (all []object) {
	for _, id := range w.events.list {
		all = append(all, object{"event": id})
	}
	for _, number := range w.deliveries.list {
		all = append(all, object{"delivery": number})
	}
	return all
}

// redeliver looks deliveries up, or sends them again.
func (a *client) redeliver(ctx context.Context, path string, bodies []object, dryRun bool) (all []object, err error) {
	for i, body := range bodies {
		a.progress.say("Delivery %d of %d", i+1, len(bodies))
		body["dryRun"] = dryRun
		answer, err := a.call(ctx, http.MethodPost, path, body)
		if err != nil {
			return all, err
		}
		all = append(all, answer)
	}
	a.progress.done()
	return all, nil
}
