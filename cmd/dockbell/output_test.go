package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// TestOutputs compares every format with what az 2.45 wrote of the same resources (testdata/output).
func TestOutputs(t *testing.T) {
	for name, columns := range map[string][]column{
		"webhooks": hookColumns, "webhook": hookColumns, "none": hookColumns, "events": eventColumns, "config": configColumns, "ping": pingColumns,
		"registry": registryColumns, "usage": usageColumns, "credential": credentialColumns, "taken": nameColumns,
	} {
		result := readResult(t, name)
		for _, format := range []string{"json", "table", "tsv", "yaml"} {
			t.Run(name+"."+format, func(t *testing.T) {
				shown := result
				if name == "usage" && format == "table" {
					shown = objectsOf(result.(object)["value"])
				}
				got := shownAs(t, format, shown, columns)
				want, err := os.ReadFile(filepath.Join("testdata", "output", name+"."+format))
				if err != nil {
					t.Fatal(err)
				}
				if format == "yaml" { // quotes differ between writers, what is read does not
					if diff := cmp.Diff(decodeYAML(t, string(want)), decodeYAML(t, got)); diff != "" {
						t.Error(diff)
					}
					return
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// readResult reads an answer of the API and lifts it as az does.
func readResult(t *testing.T, name string) any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "output", name+".in.json"))
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if list, ok := v.([]any); ok {
		return flatAll(objectsOf(list))
	}
	return flat(v.(object))
}

func shownAs(t *testing.T, format string, result any, columns []column) string {
	t.Helper()
	var buf bytes.Buffer
	c := &cobra.Command{}
	c.SetOut(&buf)
	out := addOutput(c)
	if err := out.format.Set(format); err != nil {
		t.Fatal(err)
	}
	if err := out.show(result, columns); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func decodeYAML(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

// TestHostileTable: what strangers choose neither steers the terminal nor breaks the table.
func TestHostileTable(t *testing.T) {
	evil := "200\x1b[2J\u009b31m OK\nfake row\t\u202e\x00"
	got := shownAs(t, "table", []object{{"id": evil, "eventResponseMessage": object{"reasonPhrase": evil}}}, eventColumns)
	if strings.ContainsAny(got, "\x1b\u009b\x00\u202e\t") || strings.Count(got, "\n") != 3 {
		t.Errorf("%q", got)
	}
	text := shownAs(t, "json", object{"id": evil}, nil)
	var back map[string]string
	if err := json.Unmarshal([]byte(text), &back); err != nil || back["id"] != evil || strings.ContainsAny(text, "\x1b\u009b\x00\u202e\t") {
		t.Errorf("%v: %q", err, text)
	}
	if yaml := shownAs(t, "yaml", object{"id": evil}, nil); strings.ContainsAny(yaml, "\x1b\u009b\x00") {
		t.Errorf("%q", yaml)
	}
	tsv := shownAs(t, "tsv", []object{{"id": evil, "x": "y"}}, nil)
	if strings.Count(tsv, "\n") != 1 || strings.Count(tsv, "\t") != 1 || strings.Contains(tsv, "\x1b") {
		t.Errorf("%q", tsv)
	}
}

// TestWideTable: widths are counted in characters, not bytes.
func TestWideTable(t *testing.T) {
	got := shownAs(t, "table", []object{{"name": "ünïcödé", "status": "a"}, {"name": "plain", "status": "b"}}, []column{at("N", "name"), at("S", "status")})
	want := "N        S\n-------  ---\nünïcödé  a\nplain    b\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
