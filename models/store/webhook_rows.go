package store

import (
	"cmp"
	"encoding/json"
	"time"

	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

type webhookRow struct {
	ID             string `gorm:"primaryKey"`
	Registry       string
	RegistryKey    string
	Name           string
	NameKey        string
	Location       string
	URISealed      []byte
	HeadersSealed  []byte
	Actions        string
	Status         string
	Scope          string
	Tags           string
	Format         string
	Retry          string
	Timeout        int64
	SecretsSealed  []byte
	Version        int64
	DisabledReason string
	CreatedBy      string
	CreatedByKind  string
	Created        int64
	UpdatedBy      string
	UpdatedByKind  string
	Updated        int64
	Paused         int64
	MaxInFlight    int64
	Rate           int64
	Ordered        int64
}

// TableName is GORM's question for the table.
func (webhookRow) TableName() string { return "webhooks" }

// webhookChanges are the columns that an update writes, cleared ones too; the others are for life.
var webhookChanges = []string{
	"uri_sealed", "headers_sealed", "actions", "status", "scope", "tags", "format", "retry", "timeout", "secrets_sealed",
	"version", "disabled_reason", "updated_by", "updated_by_kind", "updated", "paused", "max_in_flight", "rate", "ordered",
}

// webhookStateRow is what deliveries did to a webhook.
type webhookStateRow struct {
	WebhookID      string `gorm:"primaryKey"`
	LastStatus     int64
	LastCause      string
	LastDurationUS int64 `gorm:"column:last_duration_us"`
	LastAt         int64
	FailingSince   int64
	PausedUntil    int64
	RateWhole      int64
	DrainRate      int64
	DrainLast      int64
	Dead           int64
	ProbeGap       int64
	ProbeAt        int64
	ProbeSince     int64
	FailedRow      int64
	GivenUp        int64
	Told           int64
	Recovered      int64
}

// TableName is GORM's question for the table.
func (webhookStateRow) TableName() string { return "webhook_states" }

// headerJSON is one header inside a row.
type headerJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// secretJSON is one signing secret inside a sealed value.
type secretJSON struct {
	Value   string `json:"value"`
	Expires int64  `json:"expires"` // microseconds; 0: current
}

func rowOfWebhook(w webhook.Webhook, s *sealer) webhookRow {
	headers := make([]headerJSON, 0, len(w.Headers))
	for _, h := range w.Headers {
		headers = append(headers, headerJSON(h))
	}
	secrets := make([]secretJSON, 0, len(w.SigningSecrets))
	for _, sec := range w.SigningSecrets {
		secrets = append(secrets, secretJSON{sec.Value, micros(sec.Expires)})
	}
	at := func(column string) place { return place{"webhooks", column, w.ID} }
	return webhookRow{
		ID: w.ID, Registry: string(w.Registry), RegistryKey: w.Registry.Key(), Name: string(w.Name), NameKey: w.Key(),
		Location:      string(w.Location),
		URISealed:     s.seal(at("uri_sealed"), []byte(w.ServiceURI.String())),
		HeadersSealed: s.seal(at("headers_sealed"), []byte(toJSON(headers))),
		Actions:       toJSON(w.Actions), Status: string(w.Status), Scope: w.Scope.String(), Tags: toJSON(w.Tags),
		Format: w.Format, Retry: cmp.Or(w.Retry.String(), string(webhook.RetryDefault)), Timeout: w.Timeout.Microseconds(),
		SecretsSealed: s.seal(at("secrets_sealed"), []byte(toJSON(secrets))),
		Version:       w.Version, DisabledReason: w.DisabledReason,
		CreatedBy: w.CreatedBy, CreatedByKind: w.CreatedByKind, Created: micros(w.Created),
		UpdatedBy: w.UpdatedBy, UpdatedByKind: w.UpdatedByKind, Updated: micros(w.Updated),
		Paused: micros(w.Paused), MaxInFlight: int64(w.MaxInFlight), Rate: int64(w.Rate), Ordered: flag(w.Ordered),
	}
}

// webhook opens what is sealed.
func (row webhookRow) webhook(s *sealer) (webhook.Webhook, error) {
	w := webhook.Webhook{
		ID: row.ID, Registry: registry.Name(row.Registry), Name: webhook.Name(row.Name), Location: registry.Location(row.Location),
		Status: webhook.Status(row.Status), Scope: webhook.StoredScope(row.Scope), Format: row.Format,
		Timeout: time.Duration(row.Timeout) * time.Microsecond, Version: row.Version, DisabledReason: row.DisabledReason,
		CreatedBy: row.CreatedBy, CreatedByKind: row.CreatedByKind, Created: moment(row.Created),
		UpdatedBy: row.UpdatedBy, UpdatedByKind: row.UpdatedByKind, Updated: moment(row.Updated),
		Paused: moment(row.Paused), MaxInFlight: int(row.MaxInFlight), Rate: int(row.Rate), Ordered: row.Ordered != 0,
	}
	uri, err := s.open(place{"webhooks", "uri_sealed", row.ID}, row.URISealed)
	if err != nil {
		return w, err
	}
	w.ServiceURI = webhook.StoredURI(string(uri))
	if w.Retry, err = webhook.ParseRetry(row.Retry); err != nil {
		return w, err
	}
	var actions []event.Action
	if err := fromJSON(row.Actions, &actions); err != nil {
		return w, err
	}
	w.Actions = actions
	if err := fromJSON(row.Tags, &w.Tags); err != nil {
		return w, err
	}
	err = row.openSecrets(&w, s)
	return w, err
}

func (row webhookRow) openSecrets(w *webhook.Webhook, s *sealer) error {
	var headers []headerJSON
	if err := s.openJSON(place{"webhooks", "headers_sealed", row.ID}, row.HeadersSealed, &headers); err != nil {
		return err
	}
	for _, h := range headers {
		w.Headers = append(w.Headers, webhook.Header(h))
	}
	var secrets []secretJSON
	if err := s.openJSON(place{"webhooks", "secrets_sealed", row.ID}, row.SecretsSealed, &secrets); err != nil {
		return err
	}
	for _, sec := range secrets {
		w.SigningSecrets = append(w.SigningSecrets, webhook.Secret{Value: sec.Value, Expires: moment(sec.Expires)})
	}
	return nil
}

// openJSON opens a sealed list.
func (s *sealer) openJSON(p place, sealed []byte, v any) error {
	plain, err := s.open(p, sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, v)
}
