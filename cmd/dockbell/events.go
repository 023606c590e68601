package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

func webhookEvents() *cobra.Command {
	var watch bool
	var every time.Duration
	c := &cobra.Command{
		Use:   "list-events --registry REGISTRY --name NAME [--watch]",
		Short: "List what was sent to a webhook and what came back",
		Long:  "Lists the events of a webhook, the newest first. With --watch the latest are written oldest first and every new one, or one whose answer came, follows as a line, until Ctrl-C; -o json then writes one object per line.",
		Example: "  dockbell webhook list-events -r mycontainerregistry -n deployhook\n" +
			"  dockbell webhook list-events -r mycontainerregistry -n deployhook --watch\n" +
			"  dockbell webhook list-events -r mycontainerregistry -n deployhook --watch -o json | jq --unbuffered .eventResponseMessage.statusCode",
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "go on and write every new event")
	c.Flags().DurationVar(&every, "interval", 2*time.Second, "how often --watch asks")
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		if every <= 0 {
			return usage("--interval is a time such as 2s")
		}
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		list := reg.webhook(at.name) + "/listEvents"
		if watch {
			return (&watcher{a: a, list: list, out: out, every: every}).run(ctx)
		}
		all, err := a.all(ctx, http.MethodPost, list)
		if err != nil {
			return err
		}
		a.progress.done()
		for i := range all {
			all[i] = shaped(all[i], eventShape)
		}
		return out.show(all, eventColumns)
	})
}

// watcher follows the events of a webhook.
type watcher struct {
	a      *client
	list   string
	out    *output
	every  time.Duration
	shown  map[string]bool // ids, and ids with the answer that was written
	widths []int           // of the table's columns, which only grow
}

// run writes what is new until ctx ends.
func (w *watcher) run(ctx context.Context) error {
	for {
		news, err := w.news(ctx)
		if err == nil {
			w.a.progress.done()
			err = w.write(news)
		}
		if err == nil {
			err = w.a.pause(ctx, w.every)
		}
		if errors.Is(err, context.Canceled) {
			return nil // Ctrl-C is how it ends
		}
		if err != nil {
			return err
		}
	}
}

// news reads the newest events back to the first that was written, oldest first; the first time one page of them.
func (w *watcher) news(ctx context.Context) ([]object, error) {
	first := w.shown == nil
	var fresh []object
	err := w.a.pages(ctx, http.MethodPost, w.list, func(page []object) bool {
		var known bool
		for _, ev := range page {
			known = known || w.shown[pick(ev, "id")]
			if !w.shown[answered(ev)] {
				fresh = append(fresh, shaped(ev, eventShape))
			}
		}
		return !first && !known
	})
	if err != nil {
		return nil, err
	}
	if first {
		w.shown = map[string]bool{}
	}
	for _, ev := range fresh {
		w.shown[pick(ev, "id")], w.shown[answered(ev)] = true, true
	}
	slices.Reverse(fresh)
	return fresh, nil
}

// answered is an event with its answer of the moment.
func answered(ev object) string { return pick(ev, "id") + " " + eventStatus(ev) }

// write appends events in a form that can go on for ever: lines.
func (w *watcher) write(events []object) error {
	to := w.out.c.OutOrStdout()
	if w.out.chosen() == "table" {
		return w.writeRows(to, events)
	}
	for _, ev := range events {
		if err := w.writeOne(to, ev); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) writeOne(to io.Writer, ev object) error {
	switch w.out.chosen() {
	case "json":
		return encodeJSON(to, ev, "")
	case "yaml":
		text, err := yaml.Marshal(plainNumbers(ev))
		if err == nil {
			_, err = fmt.Fprintf(to, "---\n%s", text)
		}
		return err
	case "tsv":
		return writeTSV(to, ev)
	}
	return nil
}

func (w *watcher) writeRows(to io.Writer, events []object) error {
	first := w.widths == nil
	if first {
		w.widths = columnWidths(eventColumns)
		w.widths[0], w.widths[1], w.widths[2] = 36, 12, 24 // an id, the longest action, most images
	}
	var rows [][]string
	for _, ev := range events {
		row := cellsOf(eventColumns, ev)
		for i, cell := range row {
			w.widths[i] = max(w.widths[i], len(cell))
		}
		rows = append(rows, row)
	}
	if first {
		writeHead(to, eventColumns, w.widths)
	}
	for _, row := range rows {
		if _, err := io.WriteString(to, tableLine(row, w.widths)); err != nil {
			return err
		}
	}
	return nil
}
