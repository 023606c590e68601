package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/source"
)

func sourceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "source",
		Short: "Make, list, change, rotate and delete sources: where events of other registries come in",
		Long: "A source is an address, /ingest/NAME, to which another registry sends its events, and the token with which it does.\n" +
			"These commands work on the data folder, with or without a running server.",
	}
	c.AddCommand(sourceCreate(), sourceList(), sourceUpdate(), sourceRotate(), sourceDelete())
	return c
}

func sourceCreate() *cobra.Command {
	var d source.Draft
	c := &cobra.Command{
		Use:   "create --name NAME --kind KIND --registry REGISTRY [--location LOCATION] [--rate N] [--space MIB] [--networks CIDRS]",
		Short: "Make a source and print its address and token, once, as JSON",
		Long:  "Makes a source. A registry that is not there is made too, as an external one: it has webhooks, events and history, and no images.",
		Example: "  dockbell source create --name harbor --kind harbor --registry acmeharbor\n" +
			"  dockbell source create --name edge --kind distribution --registry acmeedge --location westus --rate 500 | jq -r .token",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withSources(c, func(ctx context.Context, d2 data, sources *source.Service) error {
				if err := d2.ensureBuiltIn(ctx, d.Registry); err != nil {
					return err
				}
				made, err := sources.Create(ctx, d, commandLine)
				if err != nil {
					return err
				}
				return printSource(c, made)
			})
		},
	}
	c.Flags().StringVar(&d.Name, "name", "", "the last part of its address")
	c.Flags().StringVar(&d.Registry, "registry", "", "whose events they are; an external registry is made where there is none of that name")
	c.Flags().StringVar(&d.Location, "location", "", "where its events happen; empty: the registry's home")
	addSourceLimits(c, &d.Rate, &d.Space, &d.Networks)
	kind := addOneOf(c, "kind", "how the registry tells its events", source.KindNames()...)
	c.PreRun = func(*cobra.Command, []string) { d.Kind = kind.String() }
	required(c, "name", "kind", "registry")
	addSourcePlace(c)
	return c
}

func sourceList() *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the sources, without their tokens",
		Example: "  dockbell source list",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withSources(c, func(ctx context.Context, _ data, sources *source.Service) error {
				all, err := sources.List(ctx)
				if err != nil {
					return err
				}
				headings := []string{"NAME", "KIND", "REGISTRY", "LOCATION", "RATE", "KEPT", "ACCEPTED", "DUPLICATE", "IGNORED", "REJECTED", "LAST EVENT"}
				return table(c, headings, all, func(s source.Source) []any {
					n := s.Counts
					return []any{s.Name, s.Kind, s.Registry, s.Location, rateWord(s.Rate), keptWord(s), n.Accepted, n.Duplicates, n.Ignored, n.Rejected, day(n.Last)}
				})
			})
		},
	}
	addSourcePlace(c)
	return c
}

func rateWord(perSecond int) string {
	if perSecond == 0 {
		return "none"
	}
	return strconv.Itoa(perSecond) + "/s"
}

// keptWord says how much is kept of a source, and of how much that may be.
func keptWord(s source.Source) string {
	kept := fmt.Sprintf("%.1f MiB", float64(s.Counts.Kept)/(1<<20)) //nolint:mnd // as it is written
	if s.Space > 0 {
		kept += fmt.Sprintf(" of %d", s.Space)
	}
	return kept
}

func sourceUpdate() *cobra.Command {
	var rate, space int
	var networks string
	c := &cobra.Command{
		Use:     "update NAME [--rate N] [--space MIB] [--networks CIDRS]",
		Short:   "Give a source other limits at once; its address and token stay",
		Example: "  dockbell source update harbor --space 20480\n  dockbell source update edge --rate 500 --networks 10.0.0.0/8",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var change source.Change
			for name, set := range map[string]func(){
				"rate": func() { change.Rate = &rate }, "space": func() { change.Space = &space }, "networks": func() { change.Networks = &networks },
			} {
				if c.Flags().Changed(name) {
					set()
				}
			}
			if change == (source.Change{}) {
				return usage("say what changes: --rate, --space or --networks")
			}
			return withSources(c, func(ctx context.Context, _ data, sources *source.Service) error {
				_, err := sources.Change(ctx, source.Name(args[0]), change)
				return err
			})
		},
	}
	addSourceLimits(c, &rate, &space, &networks)
	addSourcePlace(c)
	return c
}

// addSourceLimits gives a command the flags of what a source may send.
func addSourceLimits(c *cobra.Command, rate, space *int, networks *string) {
	c.Flags().IntVar(rate, "rate", source.DefaultRate, "events per second that it may send, ten times as many at once; 0: no limit")
	c.Flags().IntVar(space, "space", source.DefaultSpace, "MiB that may be kept of what it sends, until retention removes it; 0: no limit")
	c.Flags().StringVar(networks, "networks", "", "CIDRs from which it may send, with commas between them; empty: from everywhere")
}

func sourceRotate() *cobra.Command {
	c := &cobra.Command{
		Use:     "rotate NAME",
		Short:   "Give a source another token and print it, once, as JSON; the old one ends at once",
		Example: "  dockbell source rotate harbor",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withSources(c, func(ctx context.Context, _ data, sources *source.Service) error {
				made, err := sources.Rotate(ctx, source.Name(args[0]))
				if err != nil {
					return err
				}
				return printSource(c, made)
			})
		},
	}
	addSourcePlace(c)
	return c
}

func sourceDelete() *cobra.Command {
	c := &cobra.Command{
		Use:     "delete NAME",
		Short:   "End a source at once; its events and its registry stay",
		Example: "  dockbell source delete harbor",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withSources(c, func(ctx context.Context, _ data, sources *source.Service) error {
				return sources.Delete(ctx, source.Name(args[0]))
			})
		},
	}
	addSourcePlace(c)
	return c
}

// addSourcePlace gives a command the settings that say which data it works on and where that is reached.
func addSourcePlace(c *cobra.Command) {
	addSettings(c, "data", "database", "key-file", "listen", "public-url", "registries")
}

func printSource(c *cobra.Command, made source.Issued) error {
	return json.NewEncoder(c.OutOrStdout()).Encode(struct {
		Name  source.Name `json:"name"`
		URL   string      `json:"url"`
		Token string      `json:"token"`
	}{made.Source.Name, made.URL, made.Token})
}

// withSources is withData with the service of sources.
func withSources(c *cobra.Command, work func(context.Context, data, *source.Service) error) error {
	return withData(c, func(ctx context.Context, d data) error {
		public, err := d.public(ctx)
		if err != nil {
			return err
		}
		return work(ctx, d, newSources(d.db, d.registries(public), public))
	})
}

// registries is the service of registries of a command.
func (d data) registries(public string) *registry.Service {
	return &registry.Service{
		Store: d.db, Groups: d.db, Keys: d.db, Host: hostOf(public), Now: d.db.Now, NewID: newID, Region: registry.Location(d.cfg.Location),
	}
}

// servedKey is the setting under which a server notes where it is reached.
const servedKey = "site.public"

// public is where this Dockbell is reached: as it is set, else as a server said last, else by the listener's setting.
func (d data) public(ctx context.Context) (string, error) {
	if d.cfg.PublicURL != "" {
		return strings.TrimSuffix(d.cfg.PublicURL, "/"), nil
	}
	served, err := d.db.Setting(ctx, servedKey)
	if served == "" {
		served = fmt.Sprintf("http://%s", d.cfg.Listen)
	}
	return served, err
}

// ensureBuiltIn makes the built-in registries of the first start when it has not been and the name is one of theirs: or it
// would become an external one.
func (d data) ensureBuiltIn(ctx context.Context, name string) error {
	named := slices.ContainsFunc(d.cfg.Registries, func(r string) bool { return registry.Name(r).Is(registry.Name(name)) })
	if _, err := d.db.Registry(ctx, registry.Name(name)); !named || !fault.Is(err, fault.NotFound) {
		return nil // whoever uses the registry says what is wrong with it
	}
	public, err := d.public(ctx)
	if err != nil {
		return err
	}
	return d.registries(public).Ensure(ctx, d.cfg.Registries)
}
