package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// values is a flag that takes several values after it, as az's do: --actions push delete. Set to "" alone it is given and empty,
// which clears what is stored.
type values struct {
	given bool
	list  []string
}

// String shows nothing as the default.
func (v *values) String() string { return strings.Join(v.list, " ") }

// Set adds one value.
func (v *values) Set(text string) error {
	v.given = true
	if text != "" {
		v.list = append(v.list, text)
	}
	return nil
}

// Type is the word in the help text.
func (v *values) Type() string { return "values" }

// pairs reads KEY=VALUE values, split at the first =; a value without one is a key with nothing (as az).
func (v *values) pairs() map[string]string {
	all := map[string]string{}
	for _, text := range v.list {
		key, value, _ := strings.Cut(text, "=")
		all[key] = value
	}
	return all
}

// errUsage is wrong usage that shows only when the command runs.
type errUsage struct{ error }

func usage(format string, args ...any) error { return errUsage{fmt.Errorf(format, args...)} }

// spreadValues gives every value of a flag of values the flag's name, because cobra takes one value after a flag:
// --actions push delete becomes --actions push --actions delete.
func spreadValues(root *cobra.Command, args []string) ([]string, error) {
	words := args
	if completing(args) {
		words = args[1:]
	}
	c, _, err := root.Find(words)
	if err != nil {
		return args, nil //nolint:nilerr // cobra finds the same mistake and says it in its own words
	}
	var spread []string
	open, fresh := "", false // the flag that takes the next words; fresh until it got one
	for i, word := range args {
		switch {
		case open != "" && !strings.HasPrefix(word, "-"):
			spread = append(spread, open, word)
			fresh = false
			continue
		case fresh:
			return nil, usage("%s needs at least one value", open)
		case word == "--":
			return append(spread, args[i:]...), nil
		}
		name, _, attached := strings.Cut(word, "=")
		open, fresh = "", false
		if takesValues(c, name) {
			open, fresh = name, !attached
		}
		if !fresh {
			spread = append(spread, word)
		}
	}
	if fresh {
		return nil, usage("%s needs at least one value", open)
	}
	return spread, nil
}

func completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

func takesValues(c *cobra.Command, word string) bool {
	name, long := strings.CutPrefix(word, "--")
	if !long {
		return false
	}
	f := c.Flags().Lookup(name)
	if f == nil {
		return false
	}
	_, many := f.Value.(*values)
	return many
}

// oneOf is a flag with a closed list of words, compared without regard to case.
type oneOf struct {
	word  string
	words []string
}

// String is the word that was chosen.
func (o *oneOf) String() string { return o.word }

// Type is the word in the help text.
func (o *oneOf) Type() string { return strings.Join(o.words, "|") }

// Set takes one of the words.
func (o *oneOf) Set(text string) error {
	i := slices.IndexFunc(o.words, func(w string) bool { return strings.EqualFold(w, text) })
	if i < 0 {
		return errors.New("choose from " + strings.Join(o.words, ", "))
	}
	o.word = o.words[i]
	return nil
}

// addOneOf adds a flag with a closed list of words and completes them.
func addOneOf(c *cobra.Command, name, help string, words ...string) *oneOf {
	o := &oneOf{words: words}
	c.Flags().Var(o, name, help)
	complete(c, name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	return o
}

func complete(c *cobra.Command, flag string, by cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, by); err != nil {
		panic(err) // the flag does not exist
	}
}
