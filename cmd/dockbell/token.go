package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dockbell/models/account"
	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
)

// commandLine is who did it, where the portal would name a user.
const commandLine = "command line"

func tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke tokens for programs",
		Long:  "A token is a client id with a secret, for `docker login` and `az login`, and a Bearer for every API.\nThese commands work on the data folder, with or without a running server.",
	}
	c.AddCommand(tokenCreate(), tokenList(), tokenRevoke())
	return c
}

func tokenCreate() *cobra.Command {
	var draft account.TokenDraft
	c := &cobra.Command{
		Use:   "create --name NAME --role owner|contributor|reader [--registry REGISTRY] [--rights RIGHTS] [--repositories PATTERNS]",
		Short: "Make a token and print it, once, as JSON",
		Example: "  dockbell token create --name ci --role contributor --registry mycontainerregistry\n" +
			"  dockbell token create --name deploy --role reader --rights pull --repositories 'team/*,base/*'\n" +
			"  dockbell token create --name ops --role owner | jq -r .token",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withData(c, func(ctx context.Context, d data) error {
				if err := d.hasRegistry(ctx, draft.Registry); err != nil {
					return err
				}
				made, err := d.accounts.IssueToken(ctx, draft, commandLine)
				if err != nil {
					return err
				}
				return json.NewEncoder(c.OutOrStdout()).Encode(map[string]string{
					"clientId": made.Token.ClientID, "clientSecret": made.ClientSecret, "token": made.Bearer,
				})
			})
		},
	}
	c.Flags().StringVar(&draft.Name, "name", "", "what the token is for")
	c.Flags().StringVar(&draft.Role, "role", "", "owner, contributor or reader")
	c.Flags().StringVar(&draft.Registry, "registry", "", "the one registry it is valid for; empty: all")
	c.Flags().StringVar(&draft.Rights, "rights", "", "only these rights on images: pull, push, delete, quarantine; empty: all of the role")
	c.Flags().StringVar(&draft.Repositories, "repositories", "", "only in these repositories, * and ? stand for any text; empty: all")
	required(c, "name", "role")
	addPlace(c)
	return c
}

func tokenList() *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tokens, without their secrets",
		Example: "  dockbell token list",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withData(c, func(ctx context.Context, d data) error {
				all, err := d.db.Tokens(ctx)
				if err != nil {
					return err
				}
				return table(c, []string{"CLIENT ID", "NAME", "ROLE", "REGISTRY", "CREATED", "LAST USED"}, all, func(t account.Token) []any {
					return []any{t.ClientID, t.Name, t.Role, orWord(string(t.Registry), "all"), day(t.Created), day(t.LastUsed)}
				})
			})
		},
	}
	addPlace(c)
	return c
}

func tokenRevoke() *cobra.Command {
	c := &cobra.Command{
		Use:     "revoke CLIENT-ID",
		Short:   "End a token at once",
		Example: "  dockbell token revoke 5f0c6d1e-8a0f-4b52-9a53-0f0f6f6f6f6f",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withData(c, func(ctx context.Context, d data) error {
				return d.accounts.RevokeToken(ctx, args[0])
			})
		},
	}
	addPlace(c)
	return c
}

// addPlace gives a command the settings that say which data it works on.
func addPlace(c *cobra.Command) {
	addSettings(c, "data", "database", "key-file")
}

func required(c *cobra.Command, flags ...string) {
	for _, f := range flags {
		if err := c.MarkFlagRequired(f); err != nil {
			panic(err) // the flag does not exist
		}
	}
}

// data is what the commands beside the server work on.
type data struct {
	cfg      Config
	db       *store.DB
	accounts *account.Service
}

// withData opens the data, beside a server if one runs, for the time of one command.
func withData(c *cobra.Command, work func(context.Context, data) error) (err error) {
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	if err := prepareFolder(cfg); err != nil {
		return err
	}
	if _, missing := os.Stat(string(cfg.Database)); missing != nil && !cfg.Database.Postgres() {
		fmt.Fprintf(c.ErrOrStderr(), "dockbell: there was no database at %s; it is made now. Is this the data folder of your server?\n", cfg.Database)
	}
	key, err := loadKey(cfg)
	if err != nil {
		return err
	}
	db, err := openStore(c.Context(), cfg, key, newLog(c.ErrOrStderr(), cfg.Log))
	if err != nil {
		return err
	}
	defer func() {
		if closing := db.Close(); err == nil {
			err = closing
		}
	}()
	c.SetContext(audit.By(c.Context(), audit.Actor{Name: commandLine, Client: c.CommandPath()}))
	return work(c.Context(), data{cfg, db, newAccounts(db)})
}

// hasRegistry refuses the name of a registry that is not there, nor will be made by the first start.
func (d data) hasRegistry(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	_, err := d.db.Registry(ctx, registry.Name(name))
	if fault.Is(err, fault.NotFound) && slices.ContainsFunc(d.cfg.Registries, func(r string) bool { return registry.Name(r).Is(registry.Name(name)) }) {
		return nil
	}
	return err
}

// table writes rows under their headings.
func table[T any](c *cobra.Command, headings []string, rows []T, cells func(T) []any) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	line := func(cells []any) {
		for i, cell := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	}
	var head []any
	for _, h := range headings {
		head = append(head, h)
	}
	line(head)
	for _, r := range rows {
		line(cells(r))
	}
	return w.Flush()
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func orWord(text, word string) string {
	if text == "" {
		return word
	}
	return text
}
