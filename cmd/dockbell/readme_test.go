package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readRoot(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// firsts gives the first group of every match, sorted, each once.
func firsts(pattern, text string) []string {
	var all []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestReadmeListsTargets keeps the README's table equal to the Makefile's targets, and its text to targets that exist.
func TestReadmeListsTargets(t *testing.T) {
	readme := readRoot(t, "README.md")
	targets := firsts("(?m)^([a-z]+):.*## ", readRoot(t, "Makefile"))
	if listed := firsts("(?m)^\\| `make ([a-z]+)` \\|", readme); !slices.Equal(listed, targets) {
		t.Errorf("README.md lists %v, the Makefile has %v", listed, targets)
	}
	for _, named := range firsts("(?m)(?:`|^)make ([a-z]+)", readme) {
		if !slices.Contains(targets, named) {
			t.Errorf("README.md says make %s, which is no target", named)
		}
	}
}

// TestReadmeNamesWhatExists holds its commands to the program's, and its paths to files.
func TestReadmeNamesWhatExists(t *testing.T) {
	readme := readRoot(t, "README.md")
	named := firsts("bin/dockbell ([a-z]+)", readme)
	if len(named) == 0 {
		t.Error("README.md names no command")
	}
	for _, name := range named {
		if found, _, err := commands().Find([]string{name}); err != nil || found.Name() != name {
			t.Errorf("README.md says dockbell %s, which is no command", name)
		}
	}
	paths := firsts("`((?:cmd|models|views|web|static|\\.ci)/[^` ]*)`", readme)
	paths = append(paths, firsts(`(?:^|[^!])\[[^]]*\]\(([^)#:]+)\)`, readme)...)
	if len(paths) < 20 {
		t.Errorf("only %d paths were found in README.md", len(paths))
	}
	for _, path := range paths {
		if found, err := filepath.Glob(filepath.Join(root, path)); err != nil || len(found) == 0 {
			t.Errorf("README.md names %s, which is not there", path)
		}
	}
	for _, list := range firsts("`(go test \\./[^`]*)`", readme) {
		for _, word := range strings.Fields(list) {
			folder, of := strings.CutSuffix(word, "/...")
			if of = of || strings.HasPrefix(word, "./"); !of {
				continue
			}
			if info, err := os.Stat(filepath.Join(root, folder)); err != nil || !info.IsDir() {
				t.Errorf("README.md tests %s, which is no package", word)
			}
		}
	}
}
