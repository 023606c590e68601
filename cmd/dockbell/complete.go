package main

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// shellPatience is how long the shell waits for names from the server.
const shellPatience = 3 * time.Second

// completeRegistries offers the registries of the server that is signed in to.
func completeRegistries(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return offered(c, func(ctx context.Context, a *client) ([]object, error) {
		group, err := c.Flags().GetString("resource-group")
		if err != nil {
			return nil, err
		}
		return a.registries(ctx, group)
	})
}

// completeWebhooks offers the webhooks of the registry that stands on the command line.
func completeWebhooks(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return offered(c, func(ctx context.Context, a *client) ([]object, error) {
		return a.below(ctx, c, "/webhooks")
	})
}

// below lists what the registry on the command line has.
func (a *client) below(ctx context.Context, c *cobra.Command, list string) ([]object, error) {
	name, err := c.Flags().GetString("registry")
	if err != nil || name == "" {
		return nil, err
	}
	reg, err := a.registry(ctx, target{registry: name})
	if err != nil {
		return nil, err
	}
	return a.all(ctx, http.MethodGet, reg.path+list)
}

// offered asks the server for names. Whatever fails offers nothing: a shell's line is no place for errors.
func offered(c *cobra.Command, ask func(context.Context, *client) ([]object, error)) ([]cobra.Completion, cobra.ShellCompDirective) {
	a, err := connect(c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	a.progress = &progress{}
	ctx, cancel := context.WithTimeout(c.Context(), shellPatience)
	defer cancel()
	all, err := ask(ctx, a)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, o := range all {
		names = append(names, printable(pick(o, "name")))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
