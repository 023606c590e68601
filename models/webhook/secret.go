package webhook

import (
	"context"
	"time"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

// How signing secrets are renewed.
const (
	SecretOverlap = 24 * time.Hour // so long the secret before signs too, so that receivers change when they like
	mostSecrets   = 3              // that sign together
)

// Rotate renews the signing secret of a webhook; the one before signs beside it for a day.
func (s *Service) Rotate(ctx context.Context, reg registry.Name, name Name, by string) (Webhook, error) {
	return s.Update(ctx, Draft{Registry: reg, Name: string(name), Rotate: true}, 0, by)
}

// Secrets gives a webhook with its signing secrets in clear. That somebody read them is recorded.
func (s *Service) Secrets(ctx context.Context, reg registry.Name, name Name) (Webhook, error) {
	w, err := s.Store.Webhook(ctx, reg, name)
	if err != nil {
		return w, err
	}
	return w, s.Store.AddAudit(noted(ctx, "webhook.getSigningSecrets", w, nil))
}

// applyRotate renews the secret of a webhook that signs.
func (s *Service) applyRotate(w *Webhook, d Draft) error {
	if !d.Rotate {
		return nil
	}
	if len(w.SigningSecrets) == 0 {
		return &fault.Error{Code: fault.Conflict, Field: "signed", Message: "The webhook does not sign, so there is no secret to renew. Turn signing on."}
	}
	w.SigningSecrets = rotated(w.SigningSecrets, s.Now())
	return nil
}

// rotated puts a new secret before those that still sign.
func rotated(secrets []Secret, now time.Time) []Secret {
	all := []Secret{{Value: NewSigningSecret()}}
	end := now.Add(SecretOverlap)
	for _, old := range secrets {
		if old.Expires.IsZero() || old.Expires.After(end) {
			old.Expires = end
		}
		if old.Expires.After(now) && len(all) < mostSecrets {
			all = append(all, old)
		}
	}
	return all
}
