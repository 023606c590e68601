package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

var shownCode = regexp.MustCompile(`open the page (\S+/device) .*enter the code ([A-Z]{4}-[A-Z]{4})`)

// with is the same az with further variables in its environment.
func (az *azUser) with(variables ...string) *azUser {
	return &azUser{t: az.t, env: append(append([]string{}, az.env...), variables...)}
}

// knows wants az to be signed in as somebody of this name and kind.
func (az *azUser) knows(name, kind string) {
	az.t.Helper()
	got := strings.Fields(az.run("account", "show", "--query", "[user.name, user.type, environmentName, tenantId]", "-o", "tsv"))
	if len(got) != 4 || got[0] != name || got[1] != kind || got[2] != "Dockbell" {
		az.t.Errorf("az account show says %q, want %s, a %s", got, name, kind)
	}
}

// TestAzureCLISignsIn signs in with the real az in each of its ways that needs no browser; the browser's is walked over HTTP
// elsewhere, because az listens on a fixed port for it.
func TestAzureCLISignsIn(t *testing.T) {
	t.Parallel()
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	az := newAzUser(t, h) // as a service principal, in a tenant given as a GUID

	az.run("login", "-u", houseOwner, "-p", housePassword)
	az.knows(houseOwner, "user")
	_, complaint, code := az.try("login", "-u", houseOwner, "-p", "wrong")
	if code != 1 || !strings.Contains(complaint, "That user name and password don’t match") {
		t.Errorf("a wrong password: %d, %s", code, complaint)
	}

	p := h.principal("reader")
	az.run("login", "--service-principal", "-u", p.ClientID, "-p", p.ClientSecret, "--tenant", "dockbell")
	az.knows(p.ClientID, "servicePrincipal")

	az.with("MSI_ENDPOINT="+h.https+"/msi/token?key="+p.Token).run("login", "--identity")
	az.with("APPSETTING_WEBSITE_SITE_NAME=x", "MSI_ENDPOINT="+h.https+"/msi/token", "MSI_SECRET="+p.Token).run("login", "--identity")

	az.signInByDevice(h)
	az.knows(houseOwner, "user")
	h.stop()
	h.args = append(h.args, "--listen-tls="+hostOf(h.https)) // az knows the address
	h.start()
	if got := strings.TrimSpace(az.run("acr", "list", "--query", "[].name", "-o", "tsv")); got != houseRegistry {
		t.Errorf("after a restart of the server az lists %q", got)
	}
}

// signInByDevice confirms in the portal the code that az shows.
func (az *azUser) signInByDevice(h *runningHouse) {
	az.t.Helper()
	c := exec.CommandContext(az.t.Context(), "az", "login", "--use-device-code")
	said := &lockedBuffer{}
	c.Env, c.Stderr = append(append([]string{}, az.env...), "AZURE_CORE_ONLY_SHOW_ERRORS=no"), said
	if err := c.Start(); err != nil {
		az.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	for {
		if shown := shownCode.FindStringSubmatch(said.String()); shown != nil {
			if shown[1] != h.url+"/device" {
				az.t.Errorf("az shows the page %s", shown[1])
			}
			h.approve(shown[2])
			break
		}
		select {
		case err := <-ended:
			az.t.Fatalf("az login --use-device-code ended before it showed a code: %v, %s", err, said)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := <-ended; err != nil {
		az.t.Fatalf("az login --use-device-code: %v, %s", err, said)
	}
}
