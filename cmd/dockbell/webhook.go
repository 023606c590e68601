package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"dockbell/models/event"
	"dockbell/models/webhook"
)

func webhookCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "webhook",
		Short: "Manage the webhooks of a registry",
		Long:  "These commands speak the server's management API, with the flags and the output of `az acr webhook`. Sign in first with dockbell login, or set " + envURL + " and " + envToken + ".",
	}
	c.AddCommand(webhookCreate(), webhookUpdate(), webhookDelete(), webhookShow(), webhookList(), webhookConfig(), webhookSecrets(), webhookRotate(), webhookPing(), webhookEvents(),
		webhookRedeliver(), webhookRecover(), webhookReplay(), webhookDrop(), webhookPause(), webhookResume(), webhookDelivery(), webhookApply(), webhookExport())
	return c
}

// hookFlags are the flags that describe a webhook, as az names them.
type hookFlags struct {
	uri, scope, location   string
	actions, headers, tags values
	status                 *oneOf

	deliveryFlags
}

func (f *hookFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.uri, "uri", "", "service URI that is called")
	c.Flags().Var(&f.actions, "actions", "actions that fire it: push, delete, quarantine, chart_push, chart_delete")
	c.Flags().Var(&f.headers, "headers", "custom headers as KEY=VALUE; '' clears them")
	c.Flags().StringVar(&f.scope, "scope", "", "repository[:tag] that fires it: foo is foo:latest, foo:* every tag; empty is everything")
	c.Flags().Var(&f.tags, "tags", "tags as KEY=VALUE; '' clears them")
	f.status = addOneOf(c, "status", "whether it is called", string(webhook.Enabled), string(webhook.Disabled))
	f.deliveryFlags.add(c)
	complete(c, "actions", f.completeActions)
	for _, free := range []string{"uri", "headers", "scope", "tags"} {
		complete(c, free, cobra.NoFileCompletions)
	}
}

// completeActions offers the actions that are not on the line yet.
func (f *hookFlags) completeActions(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var words []cobra.Completion
	for _, a := range event.Subscribable {
		if !slices.Contains(f.actionWords(), string(a.Action)) {
			words = append(words, cobra.CompletionWithDesc(string(a.Action), a.Hint))
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// properties are those that were given on the command line, and no others: an absent one keeps its value.
func (f *hookFlags) properties(c *cobra.Command) (object, error) {
	p := object{}
	if c.Flags().Changed("uri") {
		p["serviceUri"] = f.uri
	}
	if f.actions.given {
		if _, err := webhook.ParseActions(f.actionWords()); err != nil {
			return nil, usage("--actions: %w", err)
		}
		p["actions"] = f.actionWords()
	}
	if f.headers.given {
		p["customHeaders"] = f.headers.pairs()
	}
	if c.Flags().Changed("scope") {
		p["scope"] = f.scope
	}
	if f.status.word != "" {
		p["status"] = f.status.word
	}
	d, err := f.deliveryFlags.properties(c)
	if d != nil {
		p["delivery"] = d
	}
	return p, err
}

// actionWords takes commas too: --actions push,delete.
func (f *hookFlags) actionWords() []string {
	return strings.FieldsFunc(strings.ToLower(strings.Join(f.actions.list, " ")), func(r rune) bool { return r == ' ' || r == ',' })
}

// hookCommand completes a command that works on one registry, and on one webhook of it when named.
func hookCommand(c *cobra.Command, named bool, run func(ctx context.Context, a *client, at hookAt, out *output) error) *cobra.Command {
	var at hookAt
	at.flags(c, named)
	out := addOutput(c)
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := at.check(c, named); err != nil {
			return err
		}
		a, err := connect(c)
		if err != nil {
			return err
		}
		defer a.progress.done()
		return run(c.Context(), a, at, out)
	}
	return c
}

// hookAt says which webhook, or replication, of which registry a command is about.
type hookAt struct {
	target
	name string
}

func (at *hookAt) flags(c *cobra.Command, named bool) {
	at.registryFlags(c)
	if named {
		at.nameFlag(c, "name of the webhook", completeWebhooks)
	}
}

func (at *hookAt) registryFlags(c *cobra.Command) {
	c.Flags().StringVarP(&at.target.registry, "registry", "r", "", "name of the registry")
	addGroup(c, &at.group)
	complete(c, "registry", completeRegistries)
	required(c, "registry")
}

func (at *hookAt) nameFlag(c *cobra.Command, help string, names cobra.CompletionFunc) {
	c.Flags().StringVarP(&at.name, "name", "n", "", help)
	complete(c, "name", names)
	required(c, "name")
}

func (at *hookAt) check(c *cobra.Command, named bool) error {
	var err error
	if at.target.registry, err = registryName(c, at.target.registry); err == nil && named {
		err = pathWord("--name", at.name)
	}
	return err
}

// registryName checks a registry's name and cuts off what follows it in a login server, as az does.
func registryName(c *cobra.Command, text string) (string, error) {
	name, suffix, long := strings.Cut(text, ".")
	if long && name != "" {
		fmt.Fprintf(c.ErrOrStderr(), "dockbell: the registry is %s; .%s was cut off\n", name, suffix)
	}
	return name, pathWord("the registry's name", name)
}

// pathWord refuses what cannot stand alone in a path.
func pathWord(what, text string) error {
	if text == "" || text == "." || text == ".." {
		return usage("%s is empty", what)
	}
	return nil
}

func webhookCreate() *cobra.Command {
	var f hookFlags
	c := &cobra.Command{
		Use:   "create --registry REGISTRY --name NAME --uri URI --actions ACTION...",
		Short: "Create a webhook",
		Example: "  dockbell webhook create -r mycontainerregistry -n deployhook --uri https://hooks.example.com/acr --actions push delete\n" +
			"  dockbell webhook create -r mycontainerregistry -n stagehook --uri https://hooks.example.com/acr --actions push \\\n" +
			"      --scope 'team/api:*' --headers \"Authorization=Bearer $TOKEN\" X-Team=core --tags team=core\n" +
			"  dockbell webhook create -r mycontainerregistry -n chathook --uri https://hooks.slack.com/services/T0/B0/x --actions push --format slack",
	}
	f.add(c)
	c.Flags().StringVarP(&f.location, "location", "l", "", "location whose pushes are announced (default: the registry's home)")
	complete(c, "location", cobra.NoFileCompletions)
	required(c, "uri", "actions")
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		properties, err := f.properties(c)
		if err != nil {
			return err
		}
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		body := object{"location": orWord(f.location, pick(reg.resource, "location")), "properties": properties}
		if properties["status"] == nil {
			properties["status"] = webhook.Enabled
		}
		if f.tags.given {
			body["tags"] = f.tags.pairs()
		}
		return a.showAnswer(ctx, question{method: http.MethodPut, path: reg.webhook(at.name), body: body}, out, hookColumns)
	})
}

func webhookUpdate() *cobra.Command {
	var f hookFlags
	c := &cobra.Command{
		Use:   "update --registry REGISTRY --name NAME [--uri URI] [--actions ACTION...] ...",
		Short: "Change a webhook; what is not given stays as it is",
		Example: "  dockbell webhook update -r mycontainerregistry -n deployhook --status disabled\n" +
			"  dockbell webhook update -r mycontainerregistry -n deployhook --max-in-flight 2 --rate 60 --ordered\n" +
			"  dockbell webhook update -r mycontainerregistry -n deployhook --retry 5s,5m,1h --timeout 30s --signed\n" +
			"  dockbell webhook update -r mycontainerregistry -n deployhook --headers '' --scope ''",
	}
	f.add(c)
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		properties, err := f.properties(c)
		if err != nil {
			return err
		}
		body := object{"properties": properties}
		if f.tags.given {
			body["tags"] = f.tags.pairs()
		}
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		return a.showAnswer(ctx, question{method: http.MethodPatch, path: reg.webhook(at.name), body: body}, out, hookColumns)
	})
}

func webhookDelete() *cobra.Command {
	c := &cobra.Command{
		Use:     "delete --registry REGISTRY --name NAME",
		Short:   "Delete a webhook; what still waits for it is cancelled",
		Example: "  dockbell webhook delete -r mycontainerregistry -n deployhook",
	}
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, _ *output) error {
		reg, err := a.registry(ctx, at.target)
		if err == nil {
			_, err = a.call(ctx, http.MethodDelete, reg.webhook(at.name), nil)
		}
		if err == nil && a.status == http.StatusNoContent { // done all the same, as az sees it
			fmt.Fprintf(c.ErrOrStderr(), "dockbell: there was no webhook called %s\n", printable(at.name))
		}
		return err
	})
}

// hookCall is a command that makes one call about a webhook and shows the answer.
func hookCall(c *cobra.Command, method, suffix string, columns []column) *cobra.Command {
	return hookCommand(c, true, func(ctx context.Context, a *client, at hookAt, out *output) error {
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		return a.showAnswer(ctx, question{method: method, path: reg.webhook(at.name) + suffix}, out, columns)
	})
}

func webhookShow() *cobra.Command {
	return hookCall(&cobra.Command{
		Use:     "show --registry REGISTRY --name NAME",
		Short:   "Show a webhook",
		Example: "  dockbell webhook show -r mycontainerregistry -n deployhook -o yaml",
	}, http.MethodGet, "", hookColumns)
}

func webhookConfig() *cobra.Command {
	return hookCall(&cobra.Command{
		Use:     "get-config --registry REGISTRY --name NAME",
		Short:   "Show the service URI and the custom headers, secrets in clear",
		Example: "  dockbell webhook get-config -r mycontainerregistry -n deployhook | jq -r .serviceUri",
	}, http.MethodPost, "/getCallbackConfig", configColumns)
}

func webhookPing() *cobra.Command {
	return hookCall(&cobra.Command{
		Use:     "ping --registry REGISTRY --name NAME",
		Short:   "Call the service URI once, to try it; prints the id of the event",
		Example: "  dockbell webhook ping -r mycontainerregistry -n deployhook",
	}, http.MethodPost, "/ping", pingColumns)
}

func webhookList() *cobra.Command {
	return hookCommand(&cobra.Command{
		Use:     "list --registry REGISTRY",
		Short:   "List the webhooks of a registry",
		Example: "  dockbell webhook list -r mycontainerregistry\n  dockbell webhook list -r mycontainerregistry -o json | jq -r '.[].name'",
	}, false, func(ctx context.Context, a *client, at hookAt, out *output) error {
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		all, err := a.webhooks(ctx, reg)
		if err != nil {
			return err
		}
		a.progress.done()
		return out.show(flatAll(all), hookColumns)
	})
}
