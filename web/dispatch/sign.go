package dispatch

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"dockbell/models/webhook"
)

// sign sets the three headers of Standard Webhooks, with one signature for every secret that has not expired. The id is
// the same on every attempt, the timestamp is this attempt's. Without such a secret nothing is added, as in Azure.
func sign(h http.Header, secrets []webhook.Secret, id string, at time.Time, body []byte) error {
	var signatures []string
	for _, s := range secrets {
		if !s.Expires.IsZero() && !at.Before(s.Expires) {
			continue
		}
		signer, err := standardwebhooks.NewWebhook(s.Value)
		if err != nil {
			return err
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	if len(signatures) == 0 {
		return nil
	}
	h[standardwebhooks.HeaderWebhookID] = []string{id}
	h[standardwebhooks.HeaderWebhookTimestamp] = []string{strconv.FormatInt(at.Unix(), 10)}
	h[standardwebhooks.HeaderWebhookSignature] = []string{strings.Join(signatures, " ")}
	return nil
}
