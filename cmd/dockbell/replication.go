package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func replicationGroup() *cobra.Command {
	c := &cobra.Command{
		Use:   "replication",
		Short: "Manage the further locations of a registry",
		Long:  "A webhook listens to one location of its registry: home, or one that is added here. These commands have the flags and the output of `az acr replication`.",
	}
	c.AddCommand(replicationList(), replicationShow(), replicationCreate(), replicationUpdate(), replicationDelete())
	return c
}

// onReplications completes a command that works on the replications of one registry, or on one of them when named.
func onReplications(c *cobra.Command, named bool, run func(ctx context.Context, a *client, path string, out *output) error) *cobra.Command {
	var at hookAt
	at.registryFlags(c)
	if named {
		at.nameFlag(c, "name of the replication, by default its location", completeReplications)
	}
	return apiCommand(c, func(ctx context.Context, a *client, out *output) error {
		if err := at.check(c, named); err != nil {
			return err
		}
		reg, err := a.registry(ctx, at.target)
		if err != nil {
			return err
		}
		return run(ctx, a, strings.TrimSuffix(reg.path+"/replications/"+url.PathEscape(at.name), "/"), out)
	})
}

func replicationList() *cobra.Command {
	return onReplications(&cobra.Command{
		Use:     "list --registry REGISTRY",
		Short:   "List the locations of a registry",
		Example: "  dockbell registry replication list -r mycontainerregistry",
	}, false, func(ctx context.Context, a *client, path string, out *output) error {
		all, err := a.all(ctx, http.MethodGet, path)
		if err != nil {
			return err
		}
		a.progress.done()
		return out.show(flatAll(all), replicationColumns)
	})
}

func replicationShow() *cobra.Command {
	return onReplications(&cobra.Command{
		Use:     "show --registry REGISTRY --name NAME",
		Short:   "Show a replication",
		Example: "  dockbell registry replication show -r mycontainerregistry -n westeurope",
	}, true, func(ctx context.Context, a *client, path string, out *output) error {
		return a.showAnswer(ctx, question{method: http.MethodGet, path: path}, out, replicationColumns)
	})
}

func replicationCreate() *cobra.Command {
	var name, location string
	var tags values
	c := &cobra.Command{
		Use:     "create --registry REGISTRY --location LOCATION [--name NAME]",
		Short:   "Add a location to a registry",
		Example: "  dockbell registry replication create -r mycontainerregistry -l westeurope",
	}
	c.Flags().StringVarP(&location, "location", "l", "", "the location, such as westeurope")
	c.Flags().StringVarP(&name, "name", "n", "", "name (default: the location)")
	c.Flags().Var(&tags, "tags", "tags as KEY=VALUE")
	for _, free := range []string{"location", "name", "tags"} {
		complete(c, free, cobra.NoFileCompletions)
	}
	required(c, "location")
	return onReplications(c, false, func(ctx context.Context, a *client, path string, out *output) error {
		name := orWord(name, strings.ToLower(strings.ReplaceAll(location, " ", "")))
		if err := pathWord("--name", name); err != nil {
			return err
		}
		body := object{"location": location, "properties": object{}}
		if tags.given {
			body["tags"] = tags.pairs()
		}
		return a.showAnswer(ctx, question{method: http.MethodPut, path: path + "/" + url.PathEscape(name), body: body}, out, replicationColumns)
	})
}

func replicationUpdate() *cobra.Command {
	var tags values
	c := &cobra.Command{
		Use:     "update --registry REGISTRY --name NAME [--tags TAG...] [--region-endpoint-enabled true|false]",
		Short:   "Change a replication; what is not given stays as it is",
		Example: "  dockbell registry replication update -r mycontainerregistry -n westeurope --tags team=core",
	}
	c.Flags().Var(&tags, "tags", "tags as KEY=VALUE; '' clears them")
	complete(c, "tags", cobra.NoFileCompletions)
	endpoint := addOneOf(c, "region-endpoint-enabled", "whether clients are led to it", "true", "false")
	return onReplications(c, true, func(ctx context.Context, a *client, path string, out *output) error {
		properties := object{}
		if endpoint.word != "" {
			properties["regionEndpointEnabled"] = endpoint.word == "true"
		}
		body := object{"properties": properties}
		if tags.given {
			body["tags"] = tags.pairs()
		}
		return a.showAnswer(ctx, question{method: http.MethodPatch, path: path, body: body}, out, replicationColumns)
	})
}

func replicationDelete() *cobra.Command {
	return onReplications(&cobra.Command{
		Use:     "delete --registry REGISTRY --name NAME",
		Short:   "Take a location away from a registry",
		Example: "  dockbell registry replication delete -r mycontainerregistry -n westeurope",
	}, true, func(ctx context.Context, a *client, path string, _ *output) error {
		_, err := a.call(ctx, http.MethodDelete, path, nil)
		return err
	})
}

// completeReplications offers the replications of the registry that stands on the command line.
func completeReplications(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return offered(c, func(ctx context.Context, a *client) ([]object, error) {
		return a.below(ctx, c, "/replications")
	})
}
