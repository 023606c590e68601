package notice

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// Settings say who is told of the webhooks of a registry, beside the portal.
type Settings struct {
	Recipients []string // mail addresses
	WebhookID  string   // of a webhook of the same registry whose format has words for notices; "": none
}

// Mail is a notice on its way to one recipient.
type Mail struct {
	ID       int64
	Notice   Notice
	To       string
	Attempts int       // this one included
	Problem  string    // what the last attempt came to
	Next     time.Time // when it is tried again; zero: never
}

// mostRecipients bounds how many people one notice is mailed to.
const mostRecipients = 20

// ParseRecipients reads mail addresses, separated by commas, blanks or lines; each once. Faults are at field "recipients".
func ParseRecipients(text string) ([]string, error) {
	var all []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }) {
		a, err := mail.ParseAddress(word)
		if err != nil || a.Address != word || len(word) > 254 || strings.ContainsFunc(word, func(r rune) bool { return r < '!' || r > '~' }) {
			return nil, fault.In("recipients", "%.80q is not a mail address such as ada@example.com.", word)
		}
		if !slices.ContainsFunc(all, func(have string) bool { return strings.EqualFold(have, word) }) {
			all = append(all, word)
		}
	}
	if len(all) > mostRecipients {
		return nil, fault.In("recipients", "These are %d addresses, and at most %d are mailed to. Use the address of a list.", len(all), mostRecipients)
	}
	return all, nil
}

// SettingsStore is what Service needs of the database.
type SettingsStore interface {
	Webhooks(ctx context.Context, reg registry.Name) ([]webhook.Webhook, error)
	NoticeSettings(ctx context.Context, reg registry.Name) (Settings, error)
	PutNoticeSettings(ctx context.Context, reg registry.Name, s Settings) error
}

// Service is the only way to change who is told.
type Service struct {
	Store   SettingsStore
	Formats []string // names of the payload formats that have words for notices
}

// Settings gives who is told of the webhooks of a registry.
func (s *Service) Settings(ctx context.Context, reg registry.Name) (Settings, error) {
	return s.Store.NoticeSettings(ctx, reg)
}

// Able are the webhooks of a registry that notices can go through.
func (s *Service) Able(ctx context.Context, reg registry.Name) ([]webhook.Webhook, error) {
	hooks, err := s.Store.Webhooks(ctx, reg)
	return slices.DeleteFunc(hooks, func(w webhook.Webhook) bool { return !slices.Contains(s.Formats, w.Format) }), err
}

// Replace chooses who is told: the addresses of a text, and a webhook by its name, "" for none. Every wrong field has its fault.
func (s *Service) Replace(ctx context.Context, reg registry.Name, recipients, hook string) error {
	var next Settings
	var wrong []error
	var err error
	if next.Recipients, err = ParseRecipients(recipients); err != nil {
		wrong = append(wrong, err)
	}
	if hook != "" {
		able, err := s.Able(ctx, reg)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(able, func(w webhook.Webhook) bool { return w.Key() == webhook.Name(hook).Key() })
		if at < 0 {
			wrong = append(wrong, fault.In("webhook", "%.60q is no webhook of %s with the format Slack or Teams.", hook, reg))
		} else {
			next.WebhookID = able[at].ID
		}
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	changes := []audit.Change{{Field: "recipients", To: strings.Join(next.Recipients, ", ")}, {Field: "webhook", To: hook}}
	return s.Store.PutNoticeSettings(audit.Note(ctx, audit.Entry{Action: "notices.update", Registry: string(reg), Object: string(reg), Changes: changes}), reg, next)
}
