package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestSourceCommands makes, lists, rotates and deletes sources on a data folder, before there is a server and beside one.
func TestSourceCommands(t *testing.T) {
	data := "--data=" + t.TempDir()
	do := func(args ...string) (string, string, int) {
		return run(t, append(append([]string{"source"}, args...), data)...)
	}
	issued := func(out string) (made struct{ Name, URL, Token string }) {
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		return made
	}
	out, stderr, code := do("create", "--name", "edge", "--kind", "Distribution", "--registry", "acmeedge", "--location", "West US", "--rate", "0", "--space", "7", "--public-url", "https://bell.example.com")
	if code != exitDone {
		t.Fatal(stderr)
	}
	if made := issued(out); made.Name != "edge" || made.URL != "https://bell.example.com/ingest/edge" || !strings.HasPrefix(made.Token, "dks_") {
		t.Errorf("made %+v", made)
	}
	if out, _, _ = do("create", "--name", "hub", "--kind", "dockerhub", "--registry", "acmehub1"); !strings.HasSuffix(issued(out).URL, "/ingest/hub/"+issued(out).Token) {
		t.Errorf("a kind without headers has the address %s", out)
	}
	if _, stderr, code = do("create", "--name", "own", "--kind", "acr", "--registry", "mycontainerregistry"); code != exitDone {
		t.Errorf("a source of a registry that the first start makes: %s", stderr)
	}
	for want, args := range map[string][]string{
		"There is a source edge already": {"create", "--name", "EDGE", "--kind", "zot", "--registry", "acmeedge"},
		"is not a location of acmeedge":  {"create", "--name", "far", "--kind", "zot", "--registry", "acmeedge", "--location", "mars"},
		"A registry name has 5 to 50":    {"create", "--name", "far", "--kind", "zot", "--registry", "x"},
		"choose from distribution, zot":  {"create", "--name", "far", "--kind", "ftp", "--registry", "acmeedge"},
		"There is no source nowhere":     {"delete", "nowhere"},
		"The space is a number of MiB":   {"update", "hub", "--space", "-1"},
	} {
		if _, stderr, code := do(args...); code == exitDone || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q lacks %q", args, code, stderr, want)
		}
	}
	if out, _, _ = do("list"); !strings.Contains(out, "westus") || !strings.Contains(out, "none") || !strings.Contains(out, "0.0 MiB of 7 ") || !strings.Contains(out, "of 10240 ") || strings.Count(out, "\n") != 4 {
		t.Errorf("the list is\n%s", out)
	}
	if _, stderr, code := do("update", "edge", "--space", "9", "--rate", "3"); code != exitDone {
		t.Error(stderr)
	}
	if out, _, _ = do("list"); !strings.Contains(out, "0.0 MiB of 9 ") || !strings.Contains(out, "3/s") {
		t.Errorf("the changed list is\n%s", out)
	}
	if _, _, code := do("update", "edge"); code != exitUsage {
		t.Errorf("an update that changes nothing: exit %d", code)
	}
	before, _, _ := do("rotate", "edge")
	if _, _, code := do("delete", "edge"); code != exitDone {
		t.Error("edge is not deleted")
	}
	if _, _, code := do("rotate", "edge"); code != exitNotFound || issued(before).Token == "" {
		t.Errorf("rotating what is gone: exit %d", code)
	}
}

// TestASourceOfARunningServer: what the command prints works at once, and ends at once.
func TestASourceOfARunningServer(t *testing.T) {
	p := startProcess(t, t.TempDir())
	out, stderr, code := run(t, "source", "create", "--name", "edge", "--kind", "distribution", "--registry", "acmeedge", "--data="+p.data)
	var made struct{ URL, Token string }
	if code != exitDone || json.Unmarshal([]byte(out), &made) != nil {
		t.Fatal(stderr)
	}
	post := func(body string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, made.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+made.Token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := post(`{"events":[]}`); got != http.StatusAccepted {
		t.Errorf("it is answered with %d", got)
	}
	const good = `{"id":"1","action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","repository":"edge/app","tag":"v1"}}`
	post(`{"events":[` + good + `,{"id":"2","action":"pull","target":{}},{"id":"3","action":"push","target":{"repository":"../x","tag":"v1"}},{"id":"4","action":"pull","target":{}}]}`)
	post(`{"events":[` + good + `]}`)
	counted := p.metrics(t)
	for _, line := range []string{`{verdict="accepted"} 1`, `{verdict="duplicate"} 1`, `{verdict="ignored"} 2`, `{verdict="rejected"} 1`} {
		if !strings.Contains(counted, "dockbell_source_events_total"+line+"\n") {
			t.Errorf("the metrics lack %s: %s", line, regexp.MustCompile(`dockbell_source.*`).FindAllString(counted, -1))
		}
	}
	for _, line := range []string{`{limit="rate"} 0`, `{limit="space"} 0`} {
		if !strings.Contains(counted, "dockbell_source_refusals_total"+line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if _, stderr, code := run(t, "source", "delete", "edge", "--data="+p.data); code != exitDone {
		t.Fatal(stderr)
	}
	if got := post(`{"events":[]}`); got != http.StatusUnauthorized {
		t.Errorf("deleted, it is answered with %d", got)
	}
}
