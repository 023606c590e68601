package notice

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// Store is what Teller needs of the database.
type Store interface {
	Webhooks(ctx context.Context, reg registry.Name) ([]webhook.Webhook, error)
	NoticeSettings(ctx context.Context, reg registry.Name) (Settings, error)
	NewNotices(ctx context.Context, most int) ([]Notice, error)
	PassOn(ctx context.Context, n Notice, recipients []string) error
	ClaimMail(ctx context.Context, lease time.Duration) (m Mail, ok bool, err error) // false: none is due
	MailSent(ctx context.Context, id int64) error
	MailFailed(ctx context.Context, id int64, problem string, again time.Time) error
	NextMail(ctx context.Context) (time.Time, error)
}

// Post hands a mail to a mail server. A nil error says that the server is answerable for it; ErrRefused that it will never take it.
type Post interface {
	Send(ctx context.Context, m Mail) error
}

// ErrRefused is within the error of a mail that the server will never take.
var ErrRefused = errors.New("the mail server refuses it for good")

// Sentence is an error of a Post with the words for people.
type Sentence struct {
	Words string
	Cause error
}

// Error gives the words.
func (s *Sentence) Error() string { return s.Words }

// Unwrap gives the cause.
func (s *Sentence) Unwrap() error { return s.Cause }

// waits are the gaps before the next attempts of a mail; after the last one it is given up, a day and a half later.
var waits = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 12 * time.Hour,
}

// The bounds of a round.
const (
	lookEvery = time.Second
	atOnce    = 20
	sendLimit = 30 * time.Second // of one mail
	stopLimit = 3 * time.Second  // after the program is told to stop
	lease     = 2 * time.Minute
)

// Teller passes notices on: it makes mails and deliveries of them, and sends the mails. Several processes of a database may do so at once.
type Teller struct {
	Store Store
	Post  Post                                                          // nil: there is no mail server, so that nothing is mailed
	Hand  func(ctx context.Context, n Notice, to webhook.Webhook) error // makes the delivery of a notice; a second one changes nothing
	News  func(n Notice)                                                // tells open pages; may be nil
	Sent  func(err error)                                               // hears of every attempt of a mail; nil: it was taken; may be nil
	Now   func() time.Time
	Log   *slog.Logger
}

// Run passes on and sends until ctx ends. A slow mail server holds up nothing but mails.
func (t *Teller) Run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { t.repeat(ctx, "notices are not passed on yet", t.PassOn) })
	if t.Post != nil {
		both.Go(func() { t.repeat(ctx, "mails are not sent yet", t.SendMails) })
	}
	both.Wait()
}

func (t *Teller) repeat(ctx context.Context, otherwise string, step func(context.Context) error) {
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		if err := step(ctx); err != nil && ctx.Err() == nil {
			t.Log.Warn(otherwise, "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// PassOn makes mails and deliveries of the notices that are new. What it did not finish it does again: nothing is made twice.
func (t *Teller) PassOn(ctx context.Context) error {
	fresh, err := t.Store.NewNotices(ctx, atOnce)
	if err != nil {
		return err
	}
	for _, n := range fresh {
		if err := t.passOn(ctx, n); err != nil {
			return err
		}
		if t.News != nil {
			t.News(n)
		}
	}
	return nil
}

func (t *Teller) passOn(ctx context.Context, n Notice) error {
	to, err := t.Store.NoticeSettings(ctx, n.Registry)
	if err != nil {
		return err
	}
	if to.WebhookID != "" {
		hooks, err := t.Store.Webhooks(ctx, n.Registry)
		if err != nil {
			return err
		}
		if at := slices.IndexFunc(hooks, func(w webhook.Webhook) bool { return w.ID == to.WebhookID }); at >= 0 {
			if err := t.Hand(ctx, n, hooks[at]); err != nil {
				return err
			}
		}
	}
	if t.Post == nil {
		to.Recipients = nil
	}
	return t.Store.PassOn(ctx, n, to.Recipients)
}

// SendMails sends the mails that are due.
func (t *Teller) SendMails(ctx context.Context) error {
	for {
		next, err := t.Store.NextMail(ctx)
		if err != nil || next.IsZero() || next.After(t.Now()) {
			return err
		}
		m, ok, err := t.Store.ClaimMail(ctx, lease) // one at a time: each has its whole lease
		if err != nil || !ok {
			return err
		}
		if err := t.send(ctx, m); err != nil {
			return err
		}
	}
}

// send hands a mail over and writes down what came of it. Told to stop it waits a moment for the mail server; of what is not known then
// the lease ends later, and the same mail goes again.
func (t *Teller) send(ctx context.Context, m Mail) error {
	timed, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- t.Post.Send(timed, m) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		select {
		case err = <-ended:
		case <-time.After(stopLimit):
			return nil
		}
	}
	if t.Sent != nil {
		t.Sent(err)
	}
	whole := context.WithoutCancel(ctx)
	if err == nil {
		return t.Store.MailSent(whole, m.ID)
	}
	t.Log.Warn("mail not taken", "notice", m.Notice.ID, "attempt", m.Attempts, "error", err.Error())
	return t.Store.MailFailed(whole, m.ID, err.Error(), t.again(m, err))
}

// again is when a mail is tried again; the zero time is never.
func (t *Teller) again(m Mail, err error) time.Time {
	if errors.Is(err, ErrRefused) || m.Attempts > len(waits) {
		return time.Time{}
	}
	return t.Now().Add(waits[m.Attempts-1])
}
