package dispatch

import (
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"dockbell/models/webhook"
)

// nameSignature is the header as it is sent: in lower case, as the specification writes it.
var nameSignature = "webhook-signature"

// TestPublishedVector reproduces the signature that the specification and its libraries publish.
func TestPublishedVector(t *testing.T) {
	h := http.Header{}
	err := sign(h, []webhook.Secret{{Value: secret}}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := h[nameSignature]; err != nil || len(got) != 1 || got[0] != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signed %q, %v", got, err)
	}
}

func TestEveryCurrentSecretSigns(t *testing.T) {
	now := time.Now()
	renewed, old, gone := webhook.NewSigningSecret(), webhook.NewSigningSecret(), webhook.NewSigningSecret()
	h := http.Header{}
	err := sign(h, []webhook.Secret{{Value: renewed}, {Value: old, Expires: now.Add(time.Hour)}, {Value: gone, Expires: now}}, "7", now, []byte("x"))
	if err != nil || len(strings.Fields(h[nameSignature][0])) != 2 {
		t.Fatalf("signed %q, %v; want two signatures", h, err)
	}
	canonical := http.Header{}
	for name, values := range h {
		canonical.Set(name, values[0])
	}
	for key, want := range map[string]bool{renewed: true, old: true, gone: false} {
		verifier, err := standardwebhooks.NewWebhook(key)
		if err != nil {
			t.Fatal(err)
		}
		if got := verifier.Verify([]byte("x"), canonical); (got == nil) != want {
			t.Errorf("verified with %v, want success %v", got, want)
		}
	}
}

func TestUnsignedAddsNothing(t *testing.T) {
	h := http.Header{}
	expired := webhook.Secret{Value: secret, Expires: time.Now().Add(-time.Hour)}
	for _, secrets := range [][]webhook.Secret{nil, {expired}} {
		if err := sign(h, secrets, "7", time.Now(), nil); err != nil || len(h) != 0 {
			t.Errorf("added %v, %v", h, err)
		}
	}
	if err := sign(h, []webhook.Secret{{Value: "whsec_!"}}, "7", time.Now(), nil); err == nil {
		t.Error("a secret that is none signs")
	}
}
