package azure_test

import (
	"strings"
	"testing"
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
