package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
)

var secretColumns = []column{at("SECRET", "secret"), at("SIGNS UNTIL", "expires")}

func webhookSecrets() *cobra.Command {
	return secretCall(&cobra.Command{
		Use:     "show-secret --registry REGISTRY --name NAME",
		Short:   "Show the signing secrets in clear, the newest first",
		Example: "  dockbell webhook show-secret -r mycontainerregistry -n deployhook | jq -r '.[0].secret'",
	}, "/getSigningSecrets")
}

func webhookRotate() *cobra.Command {
	return secretCall(&cobra.Command{
		Use:     "rotate-secret --registry REGISTRY --name NAME",
		Short:   "Renew the signing secret; the one before signs beside it for 24 hours",
		Long:    "Makes a new signing secret and prints all that sign, the newest first. Each request then carries a signature of both, so that a receiver takes the new secret when it likes within 24 hours.",
		Example: "  dockbell webhook rotate-secret -r mycontainerregistry -n deployhook",
	}, "/rotateSigningSecret")
}

// secretCall makes a call that answers with signing secrets, and shows the list of them.
func secretCall(c *cobra.Command, action string) *cobra.Command {
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		answer, err := a.call(ctx, http.MethodPost, reg.webhook(at.name)+action, nil)
		if err != nil {
			return err
		}
		all := []object{}
		for _, s := range objectsOf(answer["secrets"]) {
			all = append(all, shaped(s, object{"expires": nil}))
		}
		return out.show(all, secretColumns)
	})
}
