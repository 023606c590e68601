package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// codeShown is what login prints for a person to enter on a page of the server.
var codeShown = regexp.MustCompile(`Open (\S+) and enter the code (\S+) to sign in\.\n`)

// TestSignInByCode: a person enters the code on the server's page; the sign-in then is in the portal, and ends there.
func TestSignInByCode(t *testing.T) {
	h := startHouse(t)
	withoutProfile(t)
	browser := h.signedIn()
	p := &person{runningHouse: h}

	login := func(answer string) (code int, said string) {
		t.Helper()
		errOut := &lockedBuffer{}
		ended := make(chan int)
		go func() { ended <- execute(t.Context(), []string{"login", h.url}, &lockedBuffer{}, errOut) }()
		var shown []string
		for deadline := time.Now().Add(20 * time.Second); shown == nil; time.Sleep(5 * time.Millisecond) {
			if shown = codeShown.FindStringSubmatch(errOut.String()); time.Now().After(deadline) {
				t.Fatalf("no code is shown: %s", errOut)
			}
		}
		resp, err := browser.PostForm(shown[1], url.Values{"code": {shown[2]}, "answer": {answer}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the page %s answers %s", shown[1], resp.Status)
		}
		return <-ended, errOut.String()
	}
	if code, said := login("no"); code != exitRefused || !strings.Contains(said, "access_denied") {
		t.Errorf("refused on the page: %d, %s", code, said)
	}
	if _, err := loadProfile(); err == nil {
		t.Error("a refused sign-in left a profile")
	}
	if code, said := login("yes"); code != exitDone || !strings.HasSuffix(said, "Signed in to "+h.url+".\n") {
		t.Fatalf("%d, %s", code, said)
	}
	if got := p.ok("registry", "list", "-o", "table"); !strings.Contains(got, houseRegistry) {
		t.Errorf("signed in by code:\n%s", got)
	}

	kept, err := loadProfile()
	if err != nil || kept.AccessToken == "" || kept.RefreshToken == "" || kept.Token != "" {
		t.Fatalf("%v: %+v", err, kept)
	}
	before := kept.RefreshToken
	kept.Expires = time.Now().Add(-time.Hour) // as it is the next morning
	if err := kept.save(); err != nil {
		t.Fatal(err)
	}
	p.ok("registry", "list")
	if kept, err = loadProfile(); err != nil || kept.RefreshToken == before || time.Until(kept.Expires) < time.Minute {
		t.Errorf("the tokens were not renewed: %v", err)
	}

	page := h.fetch(browser, h.url+"/settings/sign-ins")
	revoke := regexp.MustCompile(`action="(/settings/sign-ins/[^"]+/revoke)"`).FindStringSubmatch(page)
	if revoke == nil || !strings.Contains(page, "command line") {
		t.Fatalf("the portal does not list the sign-in:\n%s", page)
	}
	resp, err := browser.PostForm(h.url+revoke[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p.refused(exitRefused, "the sign-in has ended: run dockbell login "+h.url+" again", "registry", "list")
}

// TestSignInByClientID: a program signs in with the pair that token create prints; what it holds goes on after a restart.
func TestSignInByClientID(t *testing.T) {
	h := startHouse(t)
	withoutProfile(t)
	made := h.newToken("contributor")
	p := &person{runningHouse: h}
	p.refused(exitRefused, "invalid_client", "login", h.url, "--client-id", made.ClientID, "--client-secret", "wrong")
	p.ok("login", h.url, "--client-id", made.ClientID, "--client-secret", made.ClientSecret)
	if got := p.ok("registry", "list", "-o", "table"); !strings.Contains(got, houseRegistry) {
		t.Errorf("signed in:\n%s", got)
	}
	kept, err := loadProfile()
	if err != nil || kept.AccessToken == "" || kept.ClientSecret != made.ClientSecret {
		t.Errorf("%v: %+v", err, kept)
	}
	h.command("token", "revoke", made.ClientID)
	p.refused(exitRefused, "", "registry", "list")
}

// TestSameAsAz types the same commands into az and into dockbell and compares what they print. The two differ in one thing: az
// cuts times to microseconds.
func TestSameAsAz(t *testing.T) {
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	az := newAzUser(t, h)
	withoutProfile(t)
	p := &person{runningHouse: h}
	p.ok("login", h.https, "--token", h.newToken("owner").Token, "--ca", filepath.Join(h.data, "ca.pem"))
	az.acr("webhook create -r mycontainerregistry -n azhook --uri " + receiver(t) + " --actions push delete --headers A=b=c X-Empty --tags team=core --scope team/api:*")
	p.ok("webhook", "create", "-r", "...", "-n", "ownhook", "--uri", receiver(t), "--actions", "push", "delete", "--headers", "A=b=c", "X-Empty", "--tags", "team=core", "--scope", "team/api:*")
	p.ok("webhook", "ping", "-r", "...", "-n", "azhook")
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.ok("webhook", "list-events", "-r", "...", "-n", "azhook", "-o", "table"), "200 OK"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the ping is not answered")
		}
	}
	for _, c := range []struct{ command, formats string }{
		{"webhook list -r mycontainerregistry", "json table tsv"},
		{"webhook show -r mycontainerregistry -n ownhook", "json table"},
		{"webhook get-config -r mycontainerregistry -n ownhook", "json table"},
		{"webhook list-events -r mycontainerregistry -n azhook", "json table"},
		{"list", "table"},
		{"show-usage -n mycontainerregistry", "json table"},
		{"check-name -n mycontainerregistry", "json table"},
		{"check-name -n freename", "json table"},
	} {
		for format := range strings.FieldsSeq(c.formats) {
			line := c.command + " -o " + format
			own := strings.Fields(line)
			if own[0] != "webhook" {
				own = append([]string{"registry"}, own...)
			}
			if diff := cmp.Diff(microseconds(az.acr(line)), microseconds(p.ok(own...))); diff != "" {
				t.Errorf("%s (-az +dockbell):\n%s", line, diff)
			}
		}
	}
}

var fraction = regexp.MustCompile(`(T\d\d:\d\d:\d\d)\.(\d{6})\d*(Z|\+00:00)`)

// microseconds writes times as az does.
func microseconds(text string) string { return fraction.ReplaceAllString(text, "$1.$2+00:00") }

// TestEventShape: az prints the fields of an event that have no value as null, but leaves a part that is missing whole as one null.
func TestEventShape(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "output", "events.in.json"))
	if err != nil {
		t.Fatal(err)
	}
	var events []object
	if err := json.Unmarshal(text, &events); err != nil {
		t.Fatal(err)
	}
	chart, ping := shaped(events[0], eventShape), shaped(events[len(events)-1], eventShape)
	content := func(ev object) object { return ev["eventRequestMessage"].(object)["content"].(object) }
	if digest, there := content(chart)["target"].(object)["digest"]; !there || digest != nil {
		t.Errorf("a chart without a digest: %v", chart)
	}
	for _, missing := range []string{"target", "request", "actor", "source"} {
		if v, there := content(ping)[missing]; !there || v != nil {
			t.Errorf("a ping's %s: %v", missing, v)
		}
	}
	if v, there := ping["eventResponseMessage"]; !there || v != nil {
		t.Errorf("a ping without an answer: %v", v)
	}
	if _, there := content(events[0])["actor"]; there {
		t.Error("what was read was changed")
	}
}
