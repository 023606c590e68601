package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// person is somebody at a command line of their own, signed in to a running house.
type person struct {
	*runningHouse
	token string
}

// signIn gives the test a configuration folder and signs in with a new token of this role.
func (h *runningHouse) signIn(role string, more ...string) *person {
	h.t.Helper()
	withoutProfile(h.t.(*testing.T))
	p := &person{runningHouse: h, token: h.newToken(role, more...).Token}
	p.ok("login", h.url, "--token", p.token)
	return p
}

func (h *runningHouse) newToken(role string, more ...string) credentials {
	h.t.Helper()
	return readCredentials(h.t.(*testing.T), h.command(append([]string{"token", "create", "--name", "cli", "--role", role}, more...)...))
}

// ok runs a command that has to work and gives what it printed. A word "..." stands for the registry.
func (p *person) ok(args ...string) string {
	p.t.Helper()
	out, stderr, code := p.do(args...)
	if code != exitDone {
		p.t.Fatalf("dockbell %v ended with %d: %s", args, code, stderr)
	}
	return out
}

func (p *person) do(args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	for i, arg := range args {
		if arg == "..." {
			args[i] = houseRegistry
		}
	}
	return run(p.t.(*testing.T), args...)
}

// refused runs a command that has to fail with this code and one line that says why.
func (p *person) refused(code int, why string, args ...string) {
	p.t.Helper()
	out, stderr, got := p.do(args...)
	if got != code || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, why) || out != "" {
		p.t.Errorf("dockbell %v: code %d, stdout %q, stderr %q; want code %d and %q", args, got, out, stderr, code, why)
	}
}

// receiver answers webhooks with 200.
func receiver(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	t.Cleanup(s.Close)
	return s.URL
}

// TestWebhooksOnTheCommandLine goes through every verb of az against the real API.
func TestWebhooksOnTheCommandLine(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	called := strings.Replace(receiver(t), "http://", "http://app:canary-user@", 1) + "/acr"

	made := p.ok("webhook", "create", "-r", "...", "--name", "DeployHook", "--uri", called, "--actions", "push", "delete",
		"--headers", "Authorization=Bearer canary=value", "X-Empty", "--scope", "team/api:*", "--tags", "team=core", "empty=", "-o", "json")
	var hook struct {
		Name, Location, Status, Scope, ResourceGroup, ProvisioningState, ID string
		Actions                                                             []string
		Tags                                                                map[string]string
	}
	if err := json.Unmarshal([]byte(made), &hook); err != nil {
		t.Fatal(err)
	}
	if hook.Name != "DeployHook" || hook.Location != "local" || hook.Status != "enabled" || hook.Scope != "team/api:*" || hook.ResourceGroup != "dockbell" ||
		hook.ProvisioningState != "Succeeded" || strings.Join(hook.Actions, " ") != "push delete" || len(hook.Tags) != 2 || hook.Tags["team"] != "core" {
		t.Errorf("created %s", made)
	}
	wantTable := "NAME        LOCATION    ACTIONS             SCOPE       STATUS\n----------  ----------  ------------------  ----------  --------\n" +
		"DeployHook  local       ['push', 'delete']  team/api:*  enabled\n"
	for _, args := range [][]string{{"list", "-r", "..."}, {"show", "-r", "...", "-n", "deployhook"}, {"show", "-r", "MyContainerRegistry", "-g", "DOCKBELL", "-n", "DEPLOYHOOK"}} {
		if got := p.ok(append(append([]string{"webhook"}, args...), "-o", "table")...); got != wantTable {
			t.Errorf("%v:\n%s", args, got)
		}
	}
	if got := p.ok("webhook", "get-config", "-r", "...", "-n", "deployhook", "-o", "json"); !strings.Contains(got, `"serviceUri": "`+called+`"`) || !strings.Contains(got, `"Authorization": "Bearer canary=value"`) {
		t.Errorf("get-config: %s", got)
	}

	changed := p.ok("webhook", "update", "-r", "...", "-n", "deployhook", "--status", "disabled", "--headers", "", "--scope", "", "--tags", "")
	if !strings.Contains(changed, `"status": "disabled"`) || !strings.Contains(changed, `"scope": ""`) || !strings.Contains(changed, `"tags": {}`) {
		t.Errorf("updated %s", changed)
	}
	if got := p.ok("webhook", "get-config", "-r", "...", "-n", "deployhook", "-o", "table"); strings.Contains(got, "canary=value") || !strings.Contains(got, called) {
		t.Errorf("after clearing the headers: %s", got)
	}

	var ping struct{ ID string }
	if err := json.Unmarshal([]byte(p.ok("webhook", "ping", "-r", "...", "-n", "deployhook", "-o", "json")), &ping); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^` + ping.ID + `  ping +200 OK +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	var events string
	for deadline := time.Now().Add(20 * time.Second); !line.MatchString(events); time.Sleep(20 * time.Millisecond) {
		if events = p.ok("webhook", "list-events", "-r", "...", "-n", "deployhook", "-o", "table"); time.Now().After(deadline) {
			t.Fatalf("the ping is not answered in\n%s", events)
		}
	}
	if strings.Contains(events+p.ok("webhook", "list-events", "-r", "...", "-n", "deployhook", "-o", "yaml"), "canary") {
		t.Error("list-events shows a secret")
	}

	p.refused(exitNotFound, "nosuchhook", "webhook", "show", "-r", "...", "-n", "nosuchhook")
	p.refused(exitNotFound, "nosuchregistry", "webhook", "list", "-r", "nosuchregistry")
	p.refused(exitRefused, "InvalidParameter", "webhook", "create", "-r", "...", "-n", "bad-name", "--uri", "ftp://x", "--actions", "push")
	p.refused(exitNotFound, "Its locations are: local", "webhook", "create", "-r", "...", "-n", "marshook", "--uri", called, "--actions", "push", "-l", "mars")
	p.refused(exitUsage, "pull", "webhook", "update", "-r", "...", "-n", "deployhook", "--actions", "pull")

	if out := p.ok("webhook", "delete", "-r", "...", "-n", "deployhook"); out != "" {
		t.Errorf("delete prints %q", out)
	}
	if _, stderr, code := p.do("webhook", "delete", "-r", "...", "-n", "deployhook"); code != exitDone || !strings.Contains(stderr, "there was no webhook") {
		t.Errorf("a second delete: %d, %q", code, stderr)
	}
	if got := p.ok("webhook", "list", "-r", "..."); got != "[]\n" {
		t.Errorf("after deleting: %s", got)
	}
}

// TestWatch: --watch writes what is there, every event that comes and every answer, and ends well with Ctrl-C.
func TestWatch(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	p.ok("webhook", "create", "-r", "...", "-n", "watched", "--uri", receiver(t), "--actions", "push")
	ctx, stop := context.WithCancel(t.Context())
	out := &lockedBuffer{}
	ended := make(chan int)
	go func() {
		ended <- execute(ctx, []string{"webhook", "list-events", "-r", houseRegistry, "-n", "watched", "--watch", "--interval", "20ms", "-o", "json"}, out, io.Discard)
	}()
	var ids []string
	for range 3 {
		var ping struct{ ID string }
		if err := json.Unmarshal([]byte(p.ok("webhook", "ping", "-r", "...", "-n", "watched", "-o", "json")), &ping); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, ping.ID)
		for deadline := time.Now().Add(20 * time.Second); !answeredOnce(t, out.String(), ping.ID); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is not watched in\n%s", ping.ID, out)
			}
		}
	}
	stop()
	if code := <-ended; code != exitDone {
		t.Errorf("Ctrl-C ends it with %d", code)
	}
	at := -1
	for _, id := range ids {
		next := strings.Index(out.String(), id)
		if next <= at {
			t.Errorf("%s is out of order in\n%s", id, out)
		}
		at = next
	}
}

// answeredOnce reports whether a line has the event with its answer, and fails when two have it.
func answeredOnce(t *testing.T, lines, id string) bool {
	t.Helper()
	n := 0
	for line := range strings.Lines(lines) {
		var ev object
		if !strings.HasSuffix(line, "\n") || json.Unmarshal([]byte(line), &ev) != nil {
			continue
		}
		if pick(ev, "id") == id && pick(ev, "eventResponseMessage", "statusCode") == "200" {
			n++
		}
	}
	if n > 1 {
		t.Errorf("%s is written %d times in\n%s", id, n, lines)
	}
	return n > 0
}

// TestWatchedTable: rows are appended under one heading, oldest first.
func TestWatchedTable(t *testing.T) {
	var buf bytes.Buffer
	c := &cobra.Command{}
	c.SetOut(&buf)
	out := addOutput(c)
	if err := out.format.Set("table"); err != nil {
		t.Fatal(err)
	}
	w := &watcher{out: out}
	for _, page := range [][]object{nil, {{"id": "11111111-aaaa-4bbb-8ccc-000000000001"}}, {{"id": "2", "eventResponseMessage": object{"reasonPhrase": "Timeout"}}}} {
		if err := w.write(page); err != nil {
			t.Fatal(err)
		}
	}
	want := "ID                                    ACTION        IMAGE                     HTTP STATUS    TIMESTAMP\n" +
		"------------------------------------  ------------  ------------------------  -------------  -----------\n" +
		"11111111-aaaa-4bbb-8ccc-000000000001\n2                                                                             Timeout\n"
	if buf.String() != want {
		t.Errorf("got\n%s\nwant\n%s", buf.String(), want)
	}
}

// TestRegistriesOnTheCommandLine goes through the verbs of az acr.
func TestRegistriesOnTheCommandLine(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("owner")
	if got := p.ok("registry", "check-name", "-n", "TeamRegistry", "-o", "table"); got != "NameAvailable\n---------------\nTrue\n" {
		t.Errorf("check-name:\n%s", got)
	}
	made := p.ok("registry", "create", "-n", "TeamRegistry", "-g", "team", "--sku", "basic", "--tags", "team=core", "-o", "table")
	if !regexp.MustCompile(`(?m)^TeamRegistry +team +local +Basic +\S+ +\S+Z +False$`).MatchString(made) {
		t.Errorf("created\n%s", made)
	}
	if got := p.ok("registry", "list", "-o", "table"); !strings.Contains(got, "TeamRegistry") || !strings.Contains(got, houseRegistry) {
		t.Errorf("list:\n%s", got)
	}
	if got := p.ok("registry", "list", "-g", "TEAM", "-o", "json"); !strings.Contains(got, "TeamRegistry") || strings.Contains(got, houseRegistry) {
		t.Errorf("list of a group:\n%s", got)
	}
	if got := p.ok("registry", "show-usage", "-n", "teamregistry", "-o", "table"); !regexp.MustCompile(`(?m)^Webhooks +2 +0 +Count$`).MatchString(got) {
		t.Errorf("show-usage:\n%s", got)
	}
	for range 2 {
		p.ok("webhook", "create", "-r", "teamregistry", "-n", "hook"+newID()[:8], "--uri", "https://hooks.example.com", "--actions", "push")
	}
	p.refused(exitRefused, "QuotaExceeded", "webhook", "create", "-r", "teamregistry", "-n", "onetoomany", "--uri", "https://hooks.example.com", "--actions", "push")
	p.refused(exitRefused, "admin", "registry", "credential", "show", "-n", "teamregistry")
	if got := p.ok("registry", "update", "-n", "teamregistry", "--sku", "Standard", "--admin-enabled", "true", "--anonymous-pull-enabled", "TRUE"); !strings.Contains(got, `"anonymousPullEnabled": true`) || !strings.Contains(got, `"name": "Standard"`) {
		t.Errorf("update: %s", got)
	}
	before, renewed := p.passwords("show"), p.passwords("renew", "--password-name", "password2")
	if before[0] != renewed[0] || before[1] == renewed[1] {
		t.Errorf("renewing password2 turned %q into %q", before, renewed)
	}
	p.refused(exitUsage, "add --yes", "registry", "delete", "-n", "teamregistry")
	p.ok("registry", "delete", "-n", "teamregistry", "--yes")
	p.refused(exitNotFound, "teamregistry", "registry", "show", "-n", "teamregistry")
}

// TestReplicationsOnTheCommandLine adds a location, hangs a webhook there and takes it away again.
func TestReplicationsOnTheCommandLine(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("owner")
	row := regexp.MustCompile(`(?m)^westeurope +westeurope +Succeeded +Ready +True$`)
	if got := p.ok("registry", "replication", "create", "-r", "...", "-l", "West Europe", "--tags", "a=b", "-o", "table"); !row.MatchString(got) {
		t.Errorf("created\n%s", got)
	}
	if got := p.ok("registry", "replication", "list", "-r", "...", "-o", "table"); !row.MatchString(got) {
		t.Errorf("list:\n%s", got)
	}
	if got := p.ok("webhook", "create", "-r", "...", "-n", "westhook", "--uri", "https://hooks.example.com", "--actions", "push", "-l", "westeurope"); !strings.Contains(got, `"location": "westeurope"`) {
		t.Errorf("a webhook there: %s", got)
	}
	if got := p.ok("registry", "replication", "update", "-r", "...", "-n", "WestEurope", "--tags", "", "--region-endpoint-enabled", "false"); !strings.Contains(got, `"tags": {}`) || !strings.Contains(got, `"regionEndpointEnabled": false`) {
		t.Errorf("updated %s", got)
	}
	p.ok("webhook", "delete", "-r", "...", "-n", "westhook")
	p.ok("registry", "replication", "delete", "-r", "...", "-n", "westeurope")
	p.refused(exitNotFound, "", "registry", "replication", "show", "-r", "...", "-n", "westeurope")
}

func (p *person) passwords(verb string, more ...string) [2]string {
	p.t.Helper()
	var got struct {
		Username  string
		Passwords []struct{ Value string }
	}
	out := p.ok(append([]string{"registry", "credential", verb, "-n", "teamregistry", "-o", "json"}, more...)...)
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Passwords) != 2 || got.Username == "" {
		p.t.Fatalf("%v: %s", err, out)
	}
	return [2]string{got.Passwords[0].Value, got.Passwords[1].Value}
}

// TestReaderOnTheCommandLine: a reader lists and sees events, never a secret, and changes nothing; the line says why.
func TestReaderOnTheCommandLine(t *testing.T) {
	h := startHouse(t)
	h.signIn("contributor").ok("webhook", "create", "-r", "...", "-n", "deployhook", "--uri", "https://app:canary@hooks.example.com", "--actions", "push", "--headers", "A=canary")
	p := h.signIn("reader")
	if got := p.ok("webhook", "list", "-r", "...") + p.ok("webhook", "list-events", "-r", "...", "-n", "deployhook"); strings.Contains(got, "canary") {
		t.Errorf("a reader sees %s", got)
	}
	for _, args := range [][]string{
		{"webhook", "get-config", "-r", "...", "-n", "deployhook"}, {"webhook", "export", "-r", "..."}, {"webhook", "delete", "-r", "...", "-n", "deployhook"},
		{"webhook", "ping", "-r", "...", "-n", "deployhook"}, {"registry", "delete", "-n", "...", "--yes"}, {"registry", "update", "-n", "...", "--sku", "Basic"},
	} {
		p.refused(exitRefused, "AuthorizationFailed", args...)
	}
}

// TestProfile: the profile is for its user alone; the environment wins over it; signing out removes it.
func TestProfile(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("reader")
	path, err := profilePath()
	if err != nil {
		t.Fatal(err)
	}
	for place, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(place); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", place, info, err)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	p.refused(exitRefused, "chmod 600", "registry", "list")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}

	t.Setenv(envToken, "dkb_wrong")
	p.refused(exitRefused, "dockbell login", "registry", "list")
	t.Setenv(envToken, "")
	t.Setenv(envURL, h.url)
	p.refused(exitUsage, envToken, "registry", "list")
	t.Setenv(envURL, "")

	p.ok("logout")
	if _, err := os.Stat(path); err == nil {
		t.Error("the profile is still there")
	}
	p.refused(exitRefused, "dockbell login", "registry", "list")
	t.Setenv(envToken, p.token)
	p.refused(exitUsage, envURL, "registry", "list")
	t.Setenv(envURL, h.url+"/")
	if got := p.ok("registry", "list", "-o", "table"); !strings.Contains(got, houseRegistry) {
		t.Errorf("by the environment:\n%s", got)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a command with the environment's token left a profile")
	}
	p.refused(exitRefused, "InvalidAuthenticationToken", "login", h.url, "--token", "dkb_wrong")
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused sign-in left a profile")
	}
}

// TestTrust: a server with its own CA is trusted with --ca, and not without.
func TestTrust(t *testing.T) {
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	withoutProfile(t)
	p := &person{runningHouse: h, token: h.newToken("reader").Token}
	p.refused(exitRefused, "--ca ca.pem", "login", h.https, "--token", p.token)
	none := filepath.Join(t.TempDir(), "none.pem")
	write(t, none, "no certificate")
	p.refused(exitRefused, "PEM", "login", h.https, "--token", p.token, "--ca", none)
	p.ok("login", h.https, "--token", p.token, "--ca", filepath.Join(h.data, "ca.pem"))
	if got := p.ok("registry", "list", "-o", "table"); !strings.Contains(got, houseRegistry) {
		t.Errorf("over HTTPS:\n%s", got)
	}
	t.Setenv(envURL, h.https) // the same server: its CA holds for the environment's token too
	t.Setenv(envToken, p.token)
	p.ok("registry", "list")
}

// TestNamesAreCompleted: the shell is offered what the server has, and nothing but silence when it cannot be asked.
func TestNamesAreCompleted(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	p.ok("webhook", "create", "-r", "...", "-n", "deployhook", "--uri", "https://hooks.example.com", "--actions", "push")
	offers := func(line string) string {
		t.Helper()
		out, _, _ := p.do(append([]string{"__complete"}, shellWords(line)...)...)
		words, _, _ := strings.Cut(out, "\n:")
		var names []string
		for word := range strings.Lines(words) {
			name, _, _ := strings.Cut(strings.TrimSpace(word), "\t")
			names = append(names, name)
		}
		return strings.Join(names, " ")
	}
	for line, want := range map[string]string{
		"webhook list --registry ''":                             houseRegistry,
		"registry show -n ''":                                    houseRegistry,
		"webhook show -r mycontainerregistry --name ''":          "deployhook",
		"webhook show --name ''":                                 ":4",
		"webhook create --actions ''":                            "push delete quarantine chart_push chart_delete",
		"webhook create --actions push quarantine ''":            "delete chart_push chart_delete",
		"webhook update --status ''":                             "enabled disabled",
		"webhook list -o ''":                                     "json table tsv yaml none",
		"registry create --sku ''":                               "Basic Standard Premium",
		"registry replication show -r mycontainerregistry -n ''": "local",
		"webhook up": "update",
	} {
		if got := offers(line); got != want {
			t.Errorf("%s: offered %q, want %q", line, got, want)
		}
	}
	p.ok("logout")
	if got := offers("webhook list --registry ''"); got != ":4" {
		t.Errorf("signed out: offered %q", got)
	}
}

// TestCompletionScripts: the scripts for the shells parse in those that are installed.
func TestCompletionScripts(t *testing.T) {
	for shell, check := range map[string][]string{"bash": {"-n"}, "zsh": {"-n"}, "fish": {"--no-execute"}} {
		script, stderr, code := run(t, "completion", shell)
		if code != exitDone || !strings.Contains(script, "dockbell") {
			t.Errorf("%s: code %d, %s", shell, code, stderr)
		}
		file := filepath.Join(t.TempDir(), "dockbell."+shell)
		write(t, file, script)
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not installed: its script was written but not parsed", shell)
			continue
		}
		if out, err := exec.CommandContext(t.Context(), shell, append(check, file)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}
