package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// object is one resource as the management API sends it, or as az shows it: properties lifted to the top.
type object = map[string]any

// output writes results in the formats of az; the golden files of testdata/output were written by az itself.
type output struct {
	c      *cobra.Command
	format *oneOf
}

// addOutput gives a command the flag -o.
func addOutput(c *cobra.Command) *output {
	o := &output{c: c, format: &oneOf{words: []string{"json", "table", "tsv", "yaml", "none"}}}
	c.Flags().VarP(o.format, "output", "o", "output format (default table on a terminal, else json)")
	complete(c, "output", cobra.FixedCompletions(o.format.words, cobra.ShellCompDirectiveNoFileComp))
	return o
}

// chosen is the format of this run: people get a table, programs what az would give them.
func (o *output) chosen() string {
	switch {
	case o.format.word != "":
		return o.format.word
	case isTerminal(o.c.OutOrStdout()):
		return "table"
	}
	return "json"
}

// show writes one result, an object or a list of them, with these columns when it is a table.
func (o *output) show(result any, columns []column) error {
	w := o.c.OutOrStdout()
	switch o.chosen() {
	case "json":
		return writeJSON(w, result)
	case "yaml":
		return writeYAML(w, result)
	case "tsv":
		return writeTSV(w, result)
	case "table":
		return writeTable(w, columns, listOf(result))
	}
	return nil
}

func listOf(result any) []object {
	switch r := result.(type) {
	case object:
		return []object{r}
	case []object:
		return r
	}
	return nil
}

func writeJSON(w io.Writer, result any) error { return encodeJSON(w, result, "  ") }

// encodeJSON writes JSON with the characters escaped that steer a terminal: Go's encoder leaves those above 0x7e as they are.
func encodeJSON(w io.Writer, result any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(result); err != nil {
		return err
	}
	var safe strings.Builder
	for _, r := range text.String() {
		if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) && r <= 0xffff {
			fmt.Fprintf(&safe, `\u%04x`, r)
			continue
		}
		safe.WriteRune(r)
	}
	_, err := io.WriteString(w, safe.String())
	return err
}

func writeYAML(w io.Writer, result any) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(plainNumbers(result)); err != nil {
		return err
	}
	return enc.Close()
}

// plainNumbers turns the numbers of JSON into Go's, which YAML writes without quotes.
func plainNumbers(x any) any {
	switch x := x.(type) {
	case object:
		all := object{}
		for k, v := range x {
			all[k] = plainNumbers(v)
		}
		return all
	case []object:
		all := []any{}
		for _, v := range x {
			all = append(all, plainNumbers(v))
		}
		return all
	case []any:
		all := []any{}
		for _, v := range x {
			all = append(all, plainNumbers(v))
		}
		return all
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		n, _ := x.Float64() // too large a number becomes infinite, which no resource holds
		return n
	}
	return x
}

// writeTSV writes a line per object with its values in the order of their keys: a list as its length, an object as nothing.
func writeTSV(w io.Writer, result any) error {
	for _, item := range listOf(result) {
		var cells []string
		for _, key := range sortedKeys(item) {
			switch v := item[key].(type) {
			case []any:
				cells = append(cells, fmt.Sprint(len(v)))
			case object:
				cells = append(cells, "")
			default:
				cells = append(cells, printable(python(v)))
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(m object) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
