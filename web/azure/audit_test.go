package azure_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"dockbell/models/account"
	"dockbell/models/audit"
)

// record is what is on record, oldest first, one line each; lines of other registries and of tokens are left out.
func (h *house) record() []string {
	h.t.Helper()
	page, err := h.db.Audit(h.t.Context(), audit.Filter{})
	h.must(err)
	var lines []string
	for _, e := range page.Entries {
		if e.Registry != "acmereg1" {
			continue
		}
		line := fmt.Sprintf("%s by %s with %s: %s", e.Object, e.Actor.Name, e.Actor.Client, e.Action)
		for _, c := range e.Changes {
			line += fmt.Sprintf(" %s=%s>%s", c.Field, c.From, c.To)
		}
		lines = append(lines, line)
	}
	slices.Reverse(lines)
	return lines
}

// TestTheRecordOfChanges: who, with which client, what; secrets never, refused changes never.
func TestTheRecordOfChanges(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	c.head = http.Header{"User-Agent": {"AZURECLI/2.45.0 (DEB)"}, "Commandname": {"acr create"}}
	reg := h.registryAt("acmereg1")
	c.put(reg, `{"location":"eastus","sku":{"name":"Basic"}}`).status(200)
	c.patch(reg, `{"sku":{"name":"Premium"},"properties":{"adminUserEnabled":true}}`).status(200)
	c.head = http.Header{"User-Agent": {"azsdk-go-armcontainerregistry/v1.2.0"}}
	c.put(reg+"/replications/westus", `{"location":"westus"}`).status(200)
	c.post(reg + "/listCredentials").status(200)
	c.do(http.MethodPost, reg+"/regenerateCredential", `{"name":"password2"}`).status(200)
	at := reg + "/webhooks/hook1"
	c.put(at, `{"location":"eastus","properties":{"serviceUri":"https://u:c4nary@hooks.example.com/a","actions":["push"],"customHeaders":{"X-Key":"c4nary1"}}}`).status(200)
	c.patch(at, `{"properties":{"scope":"foo","customHeaders":{"X-Key":"c4nary2"}}}`).status(200)
	c.patch(at, `{"properties":{"scope":"Foo"}}`).status(400)
	c.post(at + "/getCallbackConfig").status(200)
	h.client(account.Reader).delete(at).status(403)
	c.delete(at).status(200)
	c.delete(at).status(204)
	c.delete(reg).status(200)
	got := h.record()
	want := []string{
		"acmereg1 by the owner with az acr create: registry.create group=>dockbell location=>eastus sku=>Basic",
		"acmereg1 by the owner with az acr create: registry.update sku=Basic>Premium adminUserEnabled=false>true",
		"acmereg1 by the owner with Go SDK: registry.update replications=>westus",
		"acmereg1 by the owner with Go SDK: registry.listCredentials",
		"acmereg1 by the owner with Go SDK: registry.regenerateCredential password2=******>another ******",
		"hook1 by the owner with Go SDK: webhook.create location=>eastus serviceUri=>https://******@hooks.example.com/a customHeaders=>X-Key: ****** actions=>push status=>enabled",
		"hook1 by the owner with Go SDK: webhook.update scope=>foo customHeaders=******>another ******",
		"hook1 by the owner with Go SDK: webhook.getCallbackConfig",
		"hook1 by the owner with Go SDK: webhook.delete",
		"acmereg1 by the owner with Go SDK: registry.delete",
	}
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if !strings.HasPrefix(g, w) || w == "" {
			t.Errorf("line %d is\n%s\nwant\n%s", i, g, w)
		}
	}
	if all := strings.Join(got, "\n"); strings.Contains(all, "c4nary") {
		t.Errorf("a secret is on record: %s", all)
	}
}
