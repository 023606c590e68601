package azure_test

import (
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
)

// TestDeliveryStandsBesideAzure: how a webhook is delivered can be set and read, and no resource of Azure's shows it; a paused webhook is
// enabled there.
func TestDeliveryStandsBesideAzure(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.registryAt("acmereg1") + "/webhooks/hook1"
	c.put(h.registryAt("acmereg1"), `{"location":"eastus","sku":{"name":"Premium"}}`).status(200)
	made := c.put(at, `{"location":"eastus","properties":{"serviceUri":"https://hooks.example.com","actions":["push"],"delivery":{"maxInFlight":4,"rate":90,"ordered":true}}}`).status(200)
	if strings.Contains(made.body, "maxInFlight") {
		t.Errorf("Azure's resource shows what it does not know: %s", made.body)
	}
	own := c.get(at + "/delivery").status(200)
	if own.body != `{"format":"azure","retry":"default","timeoutSeconds":10,"signed":false,"maxInFlight":4,"rate":90,"ordered":true,"paused":false}`+"\n" {
		t.Errorf("the delivery: %s", own.body)
	}
	for body, target := range map[string]string{
		`{"maxInFlight":17}`: "maxInFlight", `{"maxInFlight":1.5}`: "maxInFlight", `{"rate":"9"}`: "rate", `{"rate":-1}`: "rate", `{"ordered":"yes"}`: "ordered", `{"retry":"x"}`: "retry",
	} {
		if got := c.patch(at, `{"properties":{"delivery":`+body+`}}`).status(400).at("error.target"); got != target {
			t.Errorf("%s: target %v, want %s", body, got, target)
		}
	}
	c.post(at + "/pause").status(200)
	if got := c.get(at).status(200).at("properties.status"); got != "enabled" {
		t.Errorf("a paused webhook is %v, want enabled", got)
	}
	if !strings.Contains(c.get(at+"/delivery").body, `"paused":true`) {
		t.Error("the delivery does not say that it is paused")
	}
	c.put(at, `{"location":"eastus","properties":{"serviceUri":"https://hooks.example.com/2","actions":["push"]}}`).status(200)
	if !strings.Contains(c.get(at+"/delivery").body, `"maxInFlight":4,"rate":90,"ordered":true,"paused":true`) {
		t.Error("a PUT of Azure's changed how it is delivered")
	}
	c.do("POST", at+"/resume", `{"send":"some"}`).status(400)
	if got := c.do("POST", at+"/resume", `{"send":"all","rate":60}`).status(200).body; got != `{"sent":0,"dropped":0,"dryRun":false}`+"\n" {
		t.Errorf("resumed: %s", got)
	}
	c.do("POST", at+"/resume", `{}`).status(409)
}

// TestSigningSecretsAreRenewed for who may see secrets, and for a webhook that signs.
func TestSigningSecretsAreRenewed(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.registryAt("acmereg1") + "/webhooks/hook1"
	c.put(h.registryAt("acmereg1"), `{"location":"eastus","sku":{"name":"Premium"}}`).status(200)
	c.put(at, `{"location":"eastus","properties":{"serviceUri":"https://hooks.example.com","actions":["push"]}}`).status(200)
	c.post(at+"/getSigningSecrets").status(200).says("secrets.0", nil)
	c.post(at+"/rotateSigningSecret").status(409).says("error.target", "signed")
	c.patch(at, `{"properties":{"delivery":{"signed":true}}}`).status(200)
	before := c.post(at+"/getSigningSecrets").status(200).says("secrets.0.expires", nil).says("secrets.1", nil).at("secrets.0.secret")
	r := c.post(at+"/rotateSigningSecret").status(200).says("secrets.1.secret", before).says("secrets.1.expires", h.Now().Add(24*time.Hour).Format(time.RFC3339))
	if now := r.at("secrets.0.secret"); now == before || !strings.HasPrefix(now.(string), "whsec_") {
		t.Errorf("the new secret is %v", now)
	}
	h.client(account.Reader).post(at + "/getSigningSecrets").status(403)
	h.client(account.Reader).post(at + "/rotateSigningSecret").status(403)
	all := strings.Join(h.record(), "\n")
	if !strings.Contains(all, "webhook.getSigningSecrets") || !strings.Contains(all, "signingSecret") || strings.Contains(all, "whsec_") {
		t.Errorf("the record: %s", all)
	}
}
