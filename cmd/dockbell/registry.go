package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"dockbell/models/registry"
)

func registryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "registry",
		Short: "Manage registries",
		Long:  "These commands speak the server's management API, with the flags and the output of `az acr`. Sign in first with dockbell login, or set " + envURL + " and " + envToken + ".",
	}
	c.AddCommand(registryList(), registryShow(), registryCreate(), registryUpdate(), registryDelete(), registryCheckName(), registryUsage(), registryCredential(), replicationGroup())
	return c
}

// apiCommand completes a command that speaks to the server and shows an answer.
func apiCommand(c *cobra.Command, run func(ctx context.Context, a *client, out *output) error) *cobra.Command {
	out := addOutput(c)
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		a, err := connect(c)
		if err != nil {
			return err
		}
		defer a.progress.done()
		return run(c.Context(), a, out)
	}
	return c
}

// showAnswer makes one call and shows the resource that it gives.
func (a *client) showAnswer(ctx context.Context, q question, out *output, columns []column) error {
	answer, err := a.do(ctx, q)
	if err == nil && answer == nil {
		err = errors.New("the server answered with nothing")
	}
	if err != nil {
		return err
	}
	return out.show(flat(answer), columns)
}

// addRegistry gives a command the flags that name one registry.
func addRegistry(c *cobra.Command, t *target) {
	c.Flags().StringVarP(&t.registry, "name", "n", "", "name of the registry")
	addGroup(c, &t.group)
	complete(c, "name", completeRegistries)
	required(c, "name")
}

func addGroup(c *cobra.Command, group *string) {
	c.Flags().StringVarP(group, "resource-group", "g", "", "resource group (default: wherever it is)")
	complete(c, "resource-group", cobra.NoFileCompletions)
}

// onRegistry completes a command that works on one registry.
func onRegistry(c *cobra.Command, run func(ctx context.Context, a *client, reg found, out *output) error) *cobra.Command {
	var t target
	addRegistry(c, &t)
	return apiCommand(c, func(ctx context.Context, a *client, out *output) error {
		var err error
		if t.registry, err = registryName(c, t.registry); err != nil {
			return err
		}
		reg, err := a.registry(ctx, t)
		if err != nil {
			return err
		}
		return run(ctx, a, reg, out)
	})
}

func registryList() *cobra.Command {
	var group string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the registries",
		Example: "  dockbell registry list\n  dockbell registry list -g dockbell -o json | jq -r '.[].loginServer'",
	}
	addGroup(c, &group)
	return apiCommand(c, func(ctx context.Context, a *client, out *output) error {
		all, err := a.registries(ctx, group)
		if err != nil {
			return err
		}
		a.progress.done()
		return out.show(flatAll(all), registryColumns)
	})
}

func registryShow() *cobra.Command {
	return onRegistry(&cobra.Command{
		Use:     "show --name REGISTRY",
		Short:   "Show a registry",
		Example: "  dockbell registry show -n mycontainerregistry",
	}, func(_ context.Context, _ *client, reg found, out *output) error {
		return out.show(flat(reg.resource), registryColumns)
	})
}

// registryFlags are the flags that describe a registry.
type registryFlags struct {
	sku, admin, anonymous *oneOf
	tags                  values
}

func (f *registryFlags) add(c *cobra.Command) {
	var tiers []string
	for _, t := range registry.Tiers {
		tiers = append(tiers, string(t))
	}
	f.sku = addOneOf(c, "sku", "tier, which sets the quotas", tiers...)
	f.admin = addOneOf(c, "admin-enabled", "whether the admin user may sign in", "true", "false")
	f.anonymous = addOneOf(c, "anonymous-pull-enabled", "whether pulling needs no sign-in", "true", "false")
	c.Flags().Var(&f.tags, "tags", "tags as KEY=VALUE; '' clears them")
	complete(c, "tags", cobra.NoFileCompletions)
}

// body holds what was given on the command line, and nothing else.
func (f *registryFlags) body() object {
	properties := object{}
	if f.admin.word != "" {
		properties["adminUserEnabled"] = f.admin.word == "true"
	}
	if f.anonymous.word != "" {
		properties["anonymousPullEnabled"] = f.anonymous.word == "true"
	}
	body := object{"properties": properties}
	if f.sku.word != "" {
		body["sku"] = object{"name": f.sku.word}
	}
	if f.tags.given {
		body["tags"] = f.tags.pairs()
	}
	return body
}

func registryCreate() *cobra.Command {
	var f registryFlags
	var name, group, location string
	c := &cobra.Command{
		Use:     "create --name REGISTRY --sku Basic|Standard|Premium",
		Short:   "Create a registry",
		Example: "  dockbell registry create -n teamregistry --sku Premium\n  dockbell registry create -n teamregistry -g team --sku Basic -l eastus --tags team=core",
	}
	c.Flags().StringVarP(&name, "name", "n", "", "name of the registry: 5 to 50 letters and digits")
	c.Flags().StringVarP(&group, "resource-group", "g", defaultGroup, "resource group")
	c.Flags().StringVarP(&location, "location", "l", "", "home location (default: that of the server)")
	for _, free := range []string{"name", "resource-group", "location"} {
		complete(c, free, cobra.NoFileCompletions)
	}
	f.add(c)
	required(c, "name", "sku")
	return apiCommand(c, func(ctx context.Context, a *client, out *output) error {
		if err := pathWord("--name", name); err != nil {
			return err
		}
		root, err := a.groupPath(ctx, orWord(group, defaultGroup))
		if err != nil {
			return err
		}
		body := f.body()
		if body["location"] = location; location == "" {
			if body["location"], err = a.homeLocation(ctx); err != nil {
				return err
			}
		}
		return a.showAnswer(ctx, question{method: http.MethodPut, path: root + provider + "/registries/" + url.PathEscape(name), body: body}, out, registryColumns)
	})
}

// homeLocation is where registries are made when nobody says where: the first location that the server names.
func (a *client) homeLocation(ctx context.Context) (string, error) {
	root, err := a.subscriptionPath(ctx)
	if err != nil {
		return "", err
	}
	all, err := a.all(ctx, http.MethodGet, root+"/locations")
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", usage("the server names no location: give one with --location")
	}
	return pick(all[0], "name"), nil
}

func registryUpdate() *cobra.Command {
	var f registryFlags
	c := &cobra.Command{
		Use:     "update --name REGISTRY [--sku TIER] [--admin-enabled true|false] ...",
		Short:   "Change a registry; what is not given stays as it is",
		Example: "  dockbell registry update -n mycontainerregistry --sku Standard\n  dockbell registry update -n mycontainerregistry --anonymous-pull-enabled true",
	}
	f.add(c)
	return onRegistry(c, func(ctx context.Context, a *client, reg found, out *output) error {
		return a.showAnswer(ctx, question{method: http.MethodPatch, path: reg.path, body: f.body()}, out, registryColumns)
	})
}

func registryDelete() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:     "delete --name REGISTRY [--yes]",
		Short:   "Delete a registry with its content, webhooks and history",
		Example: "  dockbell registry delete -n teamregistry\n  dockbell registry delete -n teamregistry --yes",
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return onRegistry(c, func(ctx context.Context, a *client, reg found, _ *output) error {
		switch name := printable(pick(reg.resource, "name")); {
		case yes:
		case !isTerminal(c.InOrStdin()):
			return usage("there is no terminal to ask on: add --yes to delete %s with all its content", name)
		case !confirm(c, "Delete the registry "+name+" with all its content, webhooks and history?"):
			return errors.New("nothing was deleted")
		}
		_, err := a.call(ctx, http.MethodDelete, reg.path, nil)
		return err
	})
}

func registryCheckName() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:     "check-name --name REGISTRY",
		Short:   "Say whether a name is valid and free",
		Example: "  dockbell registry check-name -n teamregistry",
	}
	c.Flags().StringVarP(&name, "name", "n", "", "the name")
	complete(c, "name", cobra.NoFileCompletions)
	required(c, "name")
	return apiCommand(c, func(ctx context.Context, a *client, out *output) error {
		root, err := a.subscriptionPath(ctx)
		if err != nil {
			return err
		}
		answer, err := a.call(ctx, http.MethodPost, root+provider+"/checkNameAvailability", object{"name": name, "type": "Microsoft.ContainerRegistry/registries"})
		if err != nil {
			return err
		}
		return out.show(shaped(answer, nameShape), filledColumns(nameColumns, answer))
	})
}

// filledColumns leaves out what has nothing to show, as az does with tables it has no columns for.
func filledColumns(columns []column, o object) []column {
	var filled []column
	for _, col := range columns {
		if col.cell(o) != "" {
			filled = append(filled, col)
		}
	}
	return filled
}

func registryUsage() *cobra.Command {
	return onRegistry(&cobra.Command{
		Use:     "show-usage --name REGISTRY",
		Short:   "Show the quotas of a registry and how much of them is used",
		Example: "  dockbell registry show-usage -n mycontainerregistry",
	}, func(ctx context.Context, a *client, reg found, out *output) error {
		answer, err := a.call(ctx, http.MethodGet, reg.path+"/listUsages", nil)
		if err != nil {
			return err
		}
		if out.chosen() == "table" {
			return out.show(objectsOf(answer["value"]), usageColumns)
		}
		return out.show(answer, nil)
	})
}

func registryCredential() *cobra.Command {
	c := &cobra.Command{
		Use:   "credential",
		Short: "Show and renew the passwords of the admin user",
	}
	c.AddCommand(onRegistry(&cobra.Command{
		Use:     "show --name REGISTRY",
		Short:   "Show the admin user and its passwords",
		Example: "  dockbell registry credential show -n mycontainerregistry",
	}, func(ctx context.Context, a *client, reg found, out *output) error {
		return a.showCredential(ctx, reg, "/listCredentials", nil, out)
	}), credentialRenew())
	return c
}

func credentialRenew() *cobra.Command {
	c := &cobra.Command{
		Use:     "renew --name REGISTRY --password-name password|password2",
		Short:   "Replace one of the two passwords; the old one ends",
		Example: "  dockbell registry credential renew -n mycontainerregistry --password-name password2",
	}
	which := addOneOf(c, "password-name", "which password", "password", "password2")
	required(c, "password-name")
	return onRegistry(c, func(ctx context.Context, a *client, reg found, out *output) error {
		return a.showCredential(ctx, reg, "/regenerateCredential", object{"name": which.word}, out)
	})
}

func (a *client) showCredential(ctx context.Context, reg found, suffix string, body any, out *output) error {
	answer, err := a.call(ctx, http.MethodPost, reg.path+suffix, body)
	if err != nil {
		return err
	}
	return out.show(answer, credentialColumns)
}
