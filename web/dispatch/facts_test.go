package dispatch

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"dockbell/models/webhook"
)

// TestFactsHoldNoSecret is why no sentence can tell one: a sentence knows its facts and nothing else of the webhook.
func TestFactsHoldNoSecret(t *testing.T) {
	secret := webhook.Webhook{
		ServiceURI:     webhook.StoredURI("https://canary:canary@hooks.example.com:8443/canary?token=canary"),
		Headers:        webhook.Headers{{Name: "X-Key", Value: "canary"}},
		SigningSecrets: []webhook.Secret{{Value: "whsec_canary"}},
	}
	facts := factsOf(&secret)
	if facts.Host != "hooks.example.com" || facts.Port != "8443" || facts.Timeout != webhook.DefaultTimeout {
		t.Errorf("%+v does not say where it goes and how long it may take", facts)
	}
	req, err := http.NewRequest(http.MethodPost, secret.ServiceURI.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	moved := &http.Response{StatusCode: 302, Request: req, Header: http.Header{"Location": {"https://canary:canary@new.example.com/hook"}}}
	facts.Location = locationOf(moved)
	if facts.Location != "https://new.example.com/hook" {
		t.Errorf("redirected to %q", facts.Location)
	}
	if all := fmt.Sprintf("%+v", facts); strings.Contains(all, "canary") {
		t.Errorf("a secret is among the facts: %s", all)
	}
}
