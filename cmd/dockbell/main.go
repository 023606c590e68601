// Command dockbell is the webhook portal for container registries: one binary with the portal, a registry and the delivery of webhooks.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"dockbell/models/fault"
)

// The exit codes (INTERFACE.md).
const (
	exitDone     = 0
	exitRefused  = 1
	exitUsage    = 2
	exitNotFound = 3
	exitPending  = 4 // a command that compares found changes and was asked to make none
)

func main() {
	// Whatever this process creates is for its user alone.
	syscall.Umask(0o077)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// commands are all of them in the order of the help text.
func commands() *cobra.Command {
	root := &cobra.Command{
		Use:           "dockbell",
		Short:         "The webhook portal for container registries",
		Long:          "Dockbell rings when an image lands: push to its registry and your webhooks are called, with a history of every call.\n\nSettings come from flags, DOCKBELL_* variables and a YAML file (--config), in this order.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().String("config", "", "YAML file with settings")
	root.AddCommand(serveCommand(), webhookCommand(), registryCommand(), loginCommand(), logoutCommand(), tokenCommand(), sourceCommand(), userCommand(),
		backupCommand(), restoreCommand(), migrateCommand(), configCommand(), doctorCommand(), versionCommand())
	return root
}

// execute runs one command line and gives the exit code; a failure is one line on stderr.
func execute(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := commands()
	root.SetOut(out)
	root.SetErr(errOut)
	refuseStrangers(root)
	markFailures(root)
	args, err := spreadValues(root, args)
	if err == nil {
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = failure{errors.New("interrupted")}
	}
	fmt.Fprintln(errOut, "dockbell: "+oneLine(err))
	return exitCode(err)
}

// failure is an error of a command's own work; every other error is one of the command line.
type failure struct{ error }

// Unwrap gives the error itself.
func (f failure) Unwrap() error { return f.error }

// refuseStrangers lets groups refuse a word that is none of their commands, as cobra does for the root alone.
func refuseStrangers(root *cobra.Command) {
	for _, group := range root.Commands() {
		refuseStrangers(group)
		if group.HasSubCommands() && !group.Runnable() {
			group.RunE = func(c *cobra.Command, args []string) error {
				if len(args) > 0 {
					return usage("unknown command %q for %q", args[0], c.CommandPath())
				}
				return c.Help()
			}
		}
	}
}

func markFailures(c *cobra.Command) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			if err := run(c, args); err != nil {
				return failure{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		markFailures(sub)
	}
}

func exitCode(err error) int {
	var bad badSetting
	var wrong errUsage
	var pending changesPending
	var own failure
	switch {
	case !errors.As(err, &own) || errors.As(err, &bad) || errors.As(err, &wrong):
		return exitUsage
	case errors.As(err, &pending):
		return exitPending
	}
	switch fault.CodeOf(err) {
	case fault.NotFound:
		return exitNotFound
	case fault.Invalid:
		return exitUsage
	default:
		return exitRefused
	}
}

// oneLine writes every fault's sentence, or the error, without line breaks. A cause belongs to it here: the reader owns the machine.
func oneLine(err error) string {
	text := err.Error()
	if faults := fault.All(err); len(faults) > 1 {
		var parts []string
		for _, f := range faults {
			parts = append(parts, f.Error())
		}
		text = strings.Join(parts, " ")
	}
	return strings.Join(strings.Fields(text), " ")
}
