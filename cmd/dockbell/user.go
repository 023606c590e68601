package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"dockbell/models/account"
	"dockbell/models/fault"
)

func userCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Add, list and change the people who sign in",
		Long:  "These commands work on the data folder, with or without a running server. A password is asked for without being shown, or read from the first line of stdin.",
	}
	c.AddCommand(userAdd(), userList(), userPassword(), userRole(), userDelete())
	return c
}

func userAdd() *cobra.Command {
	role := string(account.Reader)
	c := &cobra.Command{
		Use:   "add NAME [--role owner|contributor|reader]",
		Short: "Add a person",
		Example: "  dockbell user add ada --role owner\n" +
			"  pass show dockbell/ada | dockbell user add ada --role contributor",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withData(c, func(ctx context.Context, d data) error {
				first, err := d.accounts.NeedsSetup(ctx)
				if err != nil {
					return err
				}
				if first && !strings.EqualFold(role, string(account.Owner)) {
					return fault.New(fault.Conflict, "The first person must be an owner: add --role owner.")
				}
				password, err := readPassword(c)
				if err != nil {
					return err
				}
				_, err = d.accounts.CreateUser(ctx, account.UserDraft{Name: args[0], Password: password, Role: role})
				return err
			})
		},
	}
	c.Flags().StringVar(&role, "role", role, "owner, contributor or reader")
	addPlace(c)
	return c
}

func userList() *cobra.Command {
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the people",
		Example: "  dockbell user list",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withData(c, func(ctx context.Context, d data) error {
				all, err := d.db.Users(ctx)
				if err != nil {
					return err
				}
				return table(c, []string{"NAME", "ROLE", "CREATED"}, all, func(u account.User) []any {
					return []any{u.Name, u.Role, day(u.Created)}
				})
			})
		},
	}
	addPlace(c)
	return c
}

func userPassword() *cobra.Command {
	return changeUser(&cobra.Command{
		Use:     "password NAME",
		Short:   "Give a person a new password; their sessions end",
		Example: "  dockbell user password ada",
		Args:    cobra.ExactArgs(1),
	}, func(c *cobra.Command, accounts *account.Service, u account.User, _ []string) error {
		password, err := readPassword(c)
		if err != nil {
			return err
		}
		_, err = accounts.SetPassword(c.Context(), u.ID, password)
		return err
	})
}

func userRole() *cobra.Command {
	return changeUser(&cobra.Command{
		Use:     "role NAME owner|contributor|reader",
		Short:   "Change what a person may do",
		Example: "  dockbell user role ada contributor",
		Args:    cobra.ExactArgs(2),
	}, func(c *cobra.Command, accounts *account.Service, u account.User, args []string) error {
		_, err := accounts.SetRole(c.Context(), u.ID, args[1])
		return err
	})
}

func userDelete() *cobra.Command {
	return changeUser(&cobra.Command{
		Use:     "delete NAME",
		Short:   "Remove a person; their sessions end",
		Example: "  dockbell user delete ada",
		Args:    cobra.ExactArgs(1),
	}, func(c *cobra.Command, accounts *account.Service, u account.User, _ []string) error {
		return accounts.DeleteUser(c.Context(), u.ID)
	})
}

// changeUser completes a command whose first argument names a person.
func changeUser(c *cobra.Command, change func(*cobra.Command, *account.Service, account.User, []string) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		return withData(c, func(ctx context.Context, d data) error {
			u, err := d.db.UserByName(ctx, args[0])
			if err != nil {
				return err
			}
			return change(c, d.accounts, u, args)
		})
	}
	addPlace(c)
	return c
}

// readPassword asks twice on a terminal; otherwise the first line of stdin is the password.
func readPassword(c *cobra.Command) (string, error) {
	in := c.InOrStdin()
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 2*account.MaxPassword)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	first, err := ask(c, f, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := ask(c, f, "Once more: ")
	if err == nil && first != second {
		err = fault.In("password", "The two passwords are not the same. Nothing was changed.")
	}
	return first, err
}

func ask(c *cobra.Command, terminal *os.File, question string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(c.ErrOrStderr(), question)
	typed, err := interruptible(c.Context(), func() ([]byte, error) { return term.ReadPassword(fd) })
	fmt.Fprintln(c.ErrOrStderr())
	if c.Context().Err() != nil {
		return "", errors.Join(err, term.Restore(fd, before)) // the read goes on and would leave the terminal without its echo
	}
	return string(typed), err
}
