package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestSpreadValues(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"webhook create --actions push delete -r reg", "webhook create --actions push --actions delete -r reg"},
		{"webhook create -r reg --headers A=1 B= C --tags x=y", "webhook create -r reg --headers A=1 --headers B= --headers C --tags x=y"},
		{"webhook create --actions=push delete --uri u", "webhook create --actions=push --actions delete --uri u"},
		{"webhook update --headers '' --scope ''", "webhook update --headers '' --scope ''"},
		{"webhook create --actions push -- delete x", "webhook create --actions push -- delete x"},
		{"webhook list -r reg", "webhook list -r reg"},
		{"registry update -n reg --tags a=b c=d", "registry update -n reg --tags a=b --tags c=d"},
		{"frobnicate --actions a b", "frobnicate --actions a b"},
		{"version --tags a b", "version --tags a b"},
		{"__complete webhook create --actions push ''", "__complete webhook create --actions push --actions ''"},
		{"__complete webhook create --actions", "!"},
		{"webhook create --actions", "!"},
		{"webhook create --actions --uri u", "!"},
	} {
		got, err := spreadValues(commands(), shellWords(c.line))
		if (err != nil) != (c.want == "!") {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if diff := cmp.Diff(shellWords(c.want), got); err == nil && diff != "" {
			t.Errorf("%s: %s", c.line, diff)
		}
	}
}

// shellWords splits at blanks; ” is an empty word.
func shellWords(line string) []string {
	words := strings.Split(line, " ")
	for i, w := range words {
		if w == "''" {
			words[i] = ""
		}
	}
	return words
}

// TestHookFlags: what was given goes into the body, what was not stays out of it, and "" clears.
func TestHookFlags(t *testing.T) {
	for _, c := range []struct {
		line string
		want object
	}{
		{"", object{}},
		{"--uri http://x --status DISABLED --scope a:*", object{"serviceUri": "http://x", "status": "disabled", "scope": "a:*"}},
		{"--actions push --actions Chart_Push,delete", object{"actions": []string{"push", "chart_push", "delete"}}},
		{"--headers A=b=c --headers B --headers C=", object{"customHeaders": map[string]string{"A": "b=c", "B": "", "C": ""}}},
		{"--headers '' --scope ''", object{"customHeaders": map[string]string{}, "scope": ""}},
	} {
		var f hookFlags
		cmd := &cobra.Command{}
		f.add(cmd)
		if err := cmd.ParseFlags(strings.Fields(strings.ReplaceAll(c.line, " ''", "="))); err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		got, err := f.properties(cmd)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.line, diff)
		}
	}
}

// TestWrongUsage: a mistake in the command line ends with exit code 2 and one line, before anything is sent.
func TestWrongUsage(t *testing.T) {
	withoutProfile(t)
	t.Setenv(envURL, "http://127.0.0.1:1")
	t.Setenv(envToken, "dkb_none")
	for _, line := range []string{
		"webhook", "webhook frobnicate", "webhook create", "webhook create -r reg -n hook1 --uri http://x",
		"webhook create -r reg -n hook1 --uri http://x --actions", "webhook create -r reg -n hook1 --uri http://x --actions pull",
		"webhook create -r reg -n hook1 --uri http://x --actions push --status on", "webhook list", "webhook list -r reg -o xml", "webhook show -r reg",
		"webhook show -r reg -n ''", "webhook show -r '' -n hook1", "webhook show -r .. -n hook1", "webhook list -r reg extra",
		"webhook list-events -r reg -n hook1 --watch --interval 0s", "webhook apply", "webhook apply -f /nowhere/webhooks.yaml",
		"registry create -n teamregistry", "registry create -n teamregistry --sku Gold", "registry credential renew -n reg --password-name third",
		"login ftp://x", "login https://u:p@x", "login https://x/path", "login http://dockbell.example.com", "login https://x --client-id a --token b",
		"login https://x --client-secret s", "logout now",
	} {
		_, stderr, code := run(t, shellWords(line)...)
		if line == "webhook" {
			continue // a group alone prints its help
		}
		if code != exitUsage || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: code %d, stderr %q", line, code, stderr)
		}
	}
}

// TestHelpOfEveryCommand: every command has its help, and all but groups examples.
func TestHelpOfEveryCommand(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || c.Runnable() && c.Example == "" {
			t.Errorf("%s lacks its description or examples", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the example %q is not indented", c.CommandPath(), line)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(commands())
	out, _, code := run(t, "webhook", "create", "--help")
	for _, want := range []string{"Examples:", "--actions values", "-r, --registry"} {
		if code != exitDone || !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

// withoutProfile gives a test a configuration folder of its own and an environment that names no server.
func withoutProfile(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv(envURL, "")
	t.Setenv(envToken, "")
}
