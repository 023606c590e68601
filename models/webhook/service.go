package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dockbell/models/audit"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Store is the memory that Service needs.
type Store interface {
	Registry(ctx context.Context, name registry.Name) (registry.Registry, error)
	Webhook(ctx context.Context, reg registry.Name, name Name) (Webhook, error)
	AddWebhook(ctx context.Context, w Webhook, quota int) error
	UpdateWebhook(ctx context.Context, w Webhook, ifVersion int64) error
	DeleteWebhook(ctx context.Context, reg registry.Name, name Name, ifVersion int64) error // 0: of any version
	AddAudit(ctx context.Context) error                                                     // records what ctx notes, without another change
}

// Service is the only way to change webhooks: the portal, the API and the command line use the same rules.
type Service struct {
	Store    Store
	Networks func() Networks // the allowed networks of the moment
	OwnInbox func(URI) bool  // this installation's own inbox addresses are exempt from Networks; nil: none
	Formats  []string        // names of the payload formats; empty: any
	Now      func() time.Time
	NewID    func() string // UUIDs

	turn sync.Mutex // changes of this process wait for each other; those of other processes are met by trying again
}

// Draft is a webhook as a form or JSON body gives it, before any check. A nil field keeps what is stored, or the default when
// there is nothing yet.
type Draft struct {
	Registry       registry.Name
	Name           string
	Location       *string
	ServiceURI     *string
	HeaderText     *string  // the form's text area
	Headers        *Headers // the API's map; HeaderText wins when both are set
	Actions        *[]string
	Status         *string
	Scope          *string
	Tags           *map[string]string
	Format         *string
	Retry          *string
	TimeoutSeconds *int
	MaxInFlight    *int // 0: Dockbell adapts it
	Rate           *int // per minute; 0: no limit
	Ordered        *bool
	Paused         *bool   // false ends a pause: what waited is sent in order
	Signed         *bool   // true: there is a signing secret, made when there is none; false: there is none
	Rotate         bool    // renews the signing secret; the one before signs too for a day
	Wrong          []error // faults of what could not even be read; refused together with the others
}

// Create adds a webhook. Every wrong field has its own fault in the error (fault.All).
func (s *Service) Create(ctx context.Context, d Draft, by string) (Webhook, error) {
	reg, err := s.Store.Registry(ctx, d.Registry)
	if err != nil {
		return Webhook{}, err
	}
	now, kind := s.Now(), audit.ActorOf(ctx).Kind
	w := Webhook{
		ID: s.NewID(), Registry: reg.Name, Location: reg.Home, Status: Enabled, Format: "azure", Timeout: DefaultTimeout,
		Retry: RetryPolicy{Kind: RetryDefault}, Version: 1,
		CreatedBy: by, CreatedByKind: kind, Created: now, UpdatedBy: by, UpdatedByKind: kind, Updated: now,
	}
	var nameErr error
	w.Name, nameErr = ParseName(d.Name)
	if nameErr == nil {
		nameErr = s.free(ctx, reg.Name, w.Name)
	}
	if err := errors.Join(nameErr, s.apply(&w, d, reg)); err != nil {
		return Webhook{}, err
	}
	return w, s.Store.AddWebhook(noted(ctx, "webhook.create", w, Webhook{}.changesTo(w)), w, reg.Tier.WebhookQuota())
}

// Put makes a webhook, or replaces the one that is there; made says which.
func (s *Service) Put(ctx context.Context, d Draft, by string) (w Webhook, made bool, err error) {
	for range tries {
		w, err = s.Update(ctx, d.Whole(), 0, by)
		if !fault.Is(err, fault.NotFound) || fault.All(err)[0].Field != "webhook" {
			return w, false, err
		}
		w, err = s.Create(ctx, d, by)
		if !fault.Is(err, fault.Conflict) { // else somebody made it between the two
			return w, err == nil, err
		}
	}
	return w, false, err
}

// Whole sets what the draft leaves out to its default: with it an update replaces a webhook, as Azure's PUT does. How it is
// delivered is not among Azure's fields and stays.
func (d Draft) Whole() Draft {
	d.ServiceURI, d.Actions = orZero(d.ServiceURI), orZero(d.Actions)
	d.Status, d.Scope, d.Tags = orZero(d.Status), orZero(d.Scope), orZero(d.Tags)
	if d.HeaderText == nil {
		d.Headers = orZero(d.Headers)
	}
	return d
}

func orZero[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// tries is how often a change is made anew when somebody else was faster.
const tries = 8

// Update changes the fields that the draft sets. ifVersion is the version it was made from; 0 changes whatever is there.
func (s *Service) Update(ctx context.Context, d Draft, ifVersion int64, by string) (Webhook, error) {
	if ifVersion == 0 {
		s.turn.Lock()
		defer s.turn.Unlock()
	}
	var w Webhook
	err := changedMeanwhile
	for n := 0; n < tries && errors.Is(err, changedMeanwhile); n++ {
		w, err = s.update(ctx, d, ifVersion, by)
	}
	return w, err
}

// changedMeanwhile marks an update that came too late and may be made anew.
var changedMeanwhile error = fault.New(fault.Conflict, "The webhook is being changed by others again and again. Try again in a moment.")

func (s *Service) update(ctx context.Context, d Draft, ifVersion int64, by string) (Webhook, error) {
	reg, err := s.Store.Registry(ctx, d.Registry)
	if err != nil {
		return Webhook{}, err
	}
	w, err := s.Store.Webhook(ctx, reg.Name, Name(d.Name))
	if err != nil {
		return Webhook{}, err
	}
	if ifVersion != 0 && ifVersion != w.Version {
		return w, fault.New(fault.Conflict, "%s was changed by %s at %s while you were editing. Your input is kept below: compare and save again.",
			w.Name, w.UpdatedBy, w.Updated.UTC().Format("15:04:05 UTC"))
	}
	before := w
	if err := s.apply(&w, d, reg); err != nil {
		return w, err
	}
	w.UpdatedBy, w.UpdatedByKind, w.Updated = by, audit.ActorOf(ctx).Kind, s.Now()
	if err := s.Store.UpdateWebhook(noted(ctx, "webhook.update", w, before.changesTo(w)), w, before.Version); err != nil {
		if ifVersion == 0 && fault.Is(err, fault.Conflict) {
			return w, changedMeanwhile
		}
		return w, err
	}
	w.Version++
	return w, nil
}

// SetStatus enables or disables a webhook.
func (s *Service) SetStatus(ctx context.Context, reg registry.Name, name Name, status Status, by string) (Webhook, error) {
	word := string(status)
	return s.Update(ctx, Draft{Registry: reg, Name: string(name), Status: &word}, 0, by)
}

// Pause keeps what fires a webhook until it is resumed; pings go on.
func (s *Service) Pause(ctx context.Context, reg registry.Name, name Name, by string) (Webhook, error) {
	yes := true
	return s.Update(ctx, Draft{Registry: reg, Name: string(name), Paused: &yes}, 0, by)
}

// Delete removes a webhook; what still waited for it is cancelled. Conflict when the stored one is not ifVersion any more; 0
// removes whatever is there.
func (s *Service) Delete(ctx context.Context, reg registry.Name, name Name, ifVersion int64) error {
	return s.Store.DeleteWebhook(noted(ctx, "webhook.delete", Webhook{Registry: reg, Name: name}, nil), reg, name, ifVersion)
}

// CallbackConfig gives a webhook with its secrets in clear. That somebody read them is recorded.
func (s *Service) CallbackConfig(ctx context.Context, reg registry.Name, name Name) (Webhook, error) {
	w, err := s.Store.Webhook(ctx, reg, name)
	if err != nil {
		return w, err
	}
	return w, s.Store.AddAudit(noted(ctx, "webhook.getCallbackConfig", w, nil))
}

// CheckName reports whether a name may be given to a new webhook of the registry.
func (s *Service) CheckName(ctx context.Context, reg registry.Name, text string) error {
	name, err := ParseName(text)
	if err != nil {
		return err
	}
	return s.free(ctx, reg, name)
}

func (s *Service) free(ctx context.Context, reg registry.Name, name Name) error {
	switch _, err := s.Store.Webhook(ctx, reg, name); {
	case err == nil:
		return NameTaken(name)
	case !fault.Is(err, fault.NotFound):
		return err
	}
	return nil
}

// NameTaken is the refusal of a name that another webhook of the registry has.
func NameTaken(name Name) error {
	return &fault.Error{Code: fault.Conflict, Field: "name", Message: "A webhook called " + string(name) + " exists already. Names are compared without regard to case."}
}

// apply checks the set fields of a draft and puts them into w; it reports every wrong one.
func (s *Service) apply(w *Webhook, d Draft, reg registry.Registry) error {
	errs := slices.Clone(d.Wrong)
	note := func(err error) bool { errs = append(errs, err); return err == nil }
	creating := w.ServiceURI == URI{}
	note(s.applyLocation(w, d, reg, creating))
	note(s.applyURI(w, d, creating))
	note(applyHeaders(w, d))
	if d.Actions != nil || creating {
		actions, err := ParseActions(valueOf(d.Actions))
		if note(err) {
			w.Actions = actions
		}
	}
	if d.Status != nil {
		if status, err := ParseStatus(*d.Status); note(err) {
			if status != w.Status {
				w.DisabledReason = ""
			}
			w.Status = status
		}
	}
	if d.Scope != nil {
		if scope, err := ParseScope(*d.Scope); note(err) {
			w.Scope = scope
		}
	}
	if d.Tags != nil && note(registry.CheckTags(*d.Tags)) {
		w.Tags = maps.Clone(*d.Tags)
	}
	note(s.applyDelivery(w, d))
	note(s.applyRotate(w, d))
	note(applyPace(w, d))
	note(s.applyPause(w, d))
	return errors.Join(errs...)
}

func (s *Service) applyLocation(w *Webhook, d Draft, reg registry.Registry, creating bool) error {
	if d.Location == nil || *d.Location == "" {
		return nil
	}
	l, err := registry.ParseLocation(*d.Location)
	if !creating && l != w.Location {
		return fault.In("location", "The location of a webhook cannot change; it is %s. Create another webhook for %.60q.", w.Location, *d.Location)
	}
	if err != nil || !reg.Has(l) { // what is no location at all is none of the registry's either
		return &fault.Error{Code: fault.NotFound, Field: "location", Cause: err, Message: fmt.Sprintf(
			"The registry resource %s was not found there: it has no location %.60s. Its locations are: %s.", reg.Name, *d.Location, listLocations(reg))}
	}
	w.Location = l
	return nil
}

func listLocations(reg registry.Registry) string {
	var words []string
	for _, l := range reg.Locations() {
		words = append(words, string(l))
	}
	return strings.Join(words, ", ")
}

func (s *Service) applyURI(w *Webhook, d Draft, creating bool) error {
	if d.ServiceURI == nil && !creating {
		return nil
	}
	u, err := ParseURI(valueOf(d.ServiceURI))
	if err != nil {
		return err
	}
	u = u.Keep(w.ServiceURI)
	if s.OwnInbox == nil || !s.OwnInbox(u) {
		if err := s.Networks().JudgeURI(u); err != nil {
			return err
		}
	}
	w.ServiceURI = u
	return nil
}

func applyHeaders(w *Webhook, d Draft) error {
	var given Headers
	var err error
	switch {
	case d.HeaderText != nil:
		given, err = ParseHeaderText(*d.HeaderText)
	case d.Headers != nil:
		given, err = CheckHeaders(*d.Headers)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	w.Headers = given.Keep(w.Headers)
	return nil
}

// applyDelivery sets how the webhook is delivered: format, retries, timeout, signature.
func (s *Service) applyDelivery(w *Webhook, d Draft) error {
	var errs []error
	if d.Format != nil {
		if len(s.Formats) > 0 && !slices.Contains(s.Formats, *d.Format) {
			errs = append(errs, fault.In("format", "%q is not a payload format.", *d.Format))
		} else {
			w.Format = *d.Format
		}
	}
	if d.Retry != nil {
		p, err := ParseRetry(*d.Retry)
		if errs = append(errs, err); err == nil {
			w.Retry = p
		}
	}
	if d.TimeoutSeconds != nil {
		t, err := ParseTimeout(*d.TimeoutSeconds)
		if errs = append(errs, err); err == nil {
			w.Timeout = t
		}
	}
	if d.Signed != nil && *d.Signed != (len(w.SigningSecrets) > 0) {
		w.SigningSecrets = nil
		if *d.Signed {
			w.SigningSecrets = []Secret{{Value: NewSigningSecret()}}
		}
	}
	return errors.Join(errs...)
}

// applyPace sets how fast and in which order deliveries go.
func applyPace(w *Webhook, d Draft) error {
	var errs []error
	if d.MaxInFlight != nil {
		errs = append(errs, CheckInFlight(*d.MaxInFlight))
		w.MaxInFlight = *d.MaxInFlight
	}
	if d.Rate != nil {
		errs = append(errs, CheckRate(*d.Rate))
		w.Rate = *d.Rate
	}
	if d.Ordered != nil {
		w.Ordered = *d.Ordered
	}
	return errors.Join(errs...)
}

// applyPause pauses or goes on. A webhook that is disabled keeps nothing, so that it cannot be paused, and disabling ends a pause.
func (s *Service) applyPause(w *Webhook, d Draft) error {
	switch {
	case w.Status != Enabled:
		w.Paused = time.Time{}
		if d.Paused != nil && *d.Paused {
			return fault.In("paused", "A disabled webhook keeps nothing, so it cannot be paused. Enable it first.")
		}
	case d.Paused == nil || *d.Paused == w.IsPaused():
	case *d.Paused:
		w.Paused = s.Now()
	default:
		w.Paused = time.Time{}
	}
	return nil
}

// NewSigningSecret makes a secret in Standard Webhooks form: whsec_ and 32 random bytes in base64.
func NewSigningSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return "whsec_" + base64.StdEncoding.EncodeToString(raw)
}

func valueOf[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// ActionWords are the webhook's actions as words, in the form's order.
func (w Webhook) ActionWords() []string {
	var words []string
	for _, s := range event.Subscribable {
		if w.Subscribed(s.Action) {
			words = append(words, string(s.Action))
		}
	}
	return words
}
