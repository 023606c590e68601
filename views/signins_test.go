package views

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"dockbell/models/account"
)

func signInSamples() map[string]variants {
	c := account.Code{UserCode: nasty, Redirect: nasty, Asker: account.Asker{Client: nasty, Agent: nasty, Addr: nasty}, Created: now}
	g := account.Grant{ID: "1", Kind: account.KindUser, Name: nasty, Method: account.ByDevice, Asker: c.Asker, Created: now, Used: now}
	program := g
	program.Kind, program.Method = account.KindToken, account.BySecret
	full := Connect{
		Secure: nasty, Plain: nasty, Suffix: nasty, Tenant: nasty, OwnCA: true, Fingerprint: nasty, Registry: nasty, LoginServer: nasty, User: nasty,
	}
	return map[string]variants{
		"DevicePage":     {"empty": DevicePage(bareShell(), Request{}), "full": DevicePage(aShell(), Request{Typed: nasty, Error: nasty})},
		"DeviceAskPage":  {"empty": DeviceAskPage(bareShell(), Request{}), "full": DeviceAskPage(aShell(), Request{Code: c})},
		"DeviceDonePage": {"yes": DeviceDonePage(aShell(), nasty, true), "no": DeviceDonePage(aShell(), nasty, false)},
		"AuthorizePage":  {"empty": AuthorizePage(bareShell(), "", account.Code{}), "full": AuthorizePage(aShell(), nasty, c)},
		"SignInsPage": {
			"empty": SignInsPage(bareShell(), SignInList{}),
			"full":  SignInsPage(aShell(), SignInList{All: []account.Grant{g, program}, Base: "/settings/sign-ins", Whose: true}),
		},
		"ConnectPage": {"empty": ConnectPage(bareShell(), Connect{}), "full": ConnectPage(aShell(), full)},
	}
}

// TestCloudFile: what az reads is JSON, whatever the address holds.
func TestCloudFile(t *testing.T) {
	text, err := Connect{Secure: "https://dock:8443", Suffix: `."x`}.Cloud()
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]map[string]string
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if file["endpoints"]["activeDirectory"] != "https://dock:8443/adfs" || file["suffixes"]["acrLoginServerEndpoint"] != `."x` {
		t.Errorf("%s", text)
	}
}

// TestConnectCommands: what people paste fits the installation.
func TestConnectCommands(t *testing.T) {
	for name, c := range map[string]struct {
		facts       Connect
		want, never string
	}{
		"own CA":    {Connect{Secure: "https://localhost:8443", Plain: "http://localhost:8080", OwnCA: true}, "curl -fsSo dockbell-ca.pem http://localhost:8080/ca.pem", "-fsSko"},
		"CA by TLS": {Connect{Secure: "https://dock", Plain: "https://dock", OwnCA: true}, "curl -fsSko dockbell-ca.pem https://dock/ca.pem", "--listen-tls"},
		"public CA": {Connect{Secure: "https://dock", Plain: "https://dock"}, "az cloud register --name Dockbell --endpoint-resource-manager https://dock", "ca.pem"},
		"no HTTPS":  {Connect{Plain: "http://localhost:8080"}, "dockbell serve --listen-tls", "az cloud"},
	} {
		var page strings.Builder
		if err := ConnectPage(aShell(), c.facts).Render(context.Background(), &page); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page.String(), c.want) || strings.Contains(page.String(), c.never) {
			t.Errorf("%s: %q is missing, or %q is there", name, c.want, c.never)
		}
	}
}
