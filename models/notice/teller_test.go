package notice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// memory is a store of one registry, which forgets nothing.
type memory struct {
	mu     sync.Mutex
	to     Settings
	hooks  []webhook.Webhook
	fresh  []Notice
	mails  []Mail
	sent   []string
	broken error // of the next PassOn
}

func (m *memory) Webhooks(context.Context, registry.Name) ([]webhook.Webhook, error) {
	return m.hooks, nil
}

func (m *memory) NoticeSettings(context.Context, registry.Name) (Settings, error) { return m.to, nil }

func (m *memory) NewNotices(context.Context, int) ([]Notice, error) {
	return slices.Clone(m.fresh), nil
}

func (m *memory) PassOn(_ context.Context, n Notice, recipients []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.broken; err != nil {
		m.broken = nil
		return err
	}
	m.fresh = slices.DeleteFunc(m.fresh, func(other Notice) bool { return other.ID == n.ID })
	for i, to := range recipients {
		m.mails = append(m.mails, Mail{ID: n.ID*100 + int64(i), Notice: n, To: to, Next: time.Now()})
	}
	return nil
}

func (m *memory) ClaimMail(_ context.Context, lease time.Duration) (taken Mail, ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.mails {
		if x := &m.mails[i]; !x.Next.IsZero() && !x.Next.After(time.Now()) {
			x.Attempts++
			x.Next = time.Now().Add(lease)
			return *x, true, nil
		}
	}
	return Mail{}, false, nil
}

func (m *memory) mail(id int64) *Mail {
	return &m.mails[slices.IndexFunc(m.mails, func(x Mail) bool { return x.ID == id })]
}

func (m *memory) MailSent(_ context.Context, id int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, m.mail(id).To)
	m.mail(id).Next, m.mail(id).Problem = time.Time{}, ""
	return nil
}

func (m *memory) MailFailed(_ context.Context, id int64, problem string, again time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mail(id).Next, m.mail(id).Problem = again, problem
	return nil
}

func (m *memory) NextMail(context.Context) (next time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range m.mails {
		if !x.Next.IsZero() && (next.IsZero() || x.Next.Before(next)) {
			next = x.Next
		}
	}
	return next, nil
}

// post answers as a test says.
type post func(Mail) error

func (p post) Send(_ context.Context, m Mail) error { return p(m) }

// TestTellerTriesAgain: a mail server that is away delays a mail, one that refuses a recipient ends it, and neither holds up others.
func TestTellerTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		m := &memory{to: Settings{Recipients: []string{"ada@example.com", "gone@example.com", "mei@example.com"}}, fresh: []Notice{{ID: 1}}}
		teller := &Teller{Store: m, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Post: post(func(x Mail) error {
			switch {
			case x.To == "gone@example.com":
				return &Sentence{"There is no such person.", ErrRefused}
			case x.To == "mei@example.com" && time.Since(began) < 20*time.Minute:
				return errors.New("the mail server is away")
			}
			return nil
		})}
		ctx, cancel := context.WithCancel(t.Context())
		go teller.Run(ctx)
		time.Sleep(3*lookEvery + lookEvery/2)
		synctest.Wait()
		m.mu.Lock()
		if fmt.Sprint(m.sent) != "[ada@example.com]" || m.mail(101).Problem != "There is no such person." || !m.mail(101).Next.IsZero() || m.mail(102).Next.IsZero() {
			t.Errorf("sent to %v; %+v", m.sent, m.mails)
		}
		m.mu.Unlock()
		time.Sleep(3 * time.Hour)
		cancel()
		synctest.Wait()
		if fmt.Sprint(m.sent) != "[ada@example.com mei@example.com]" || m.mail(102).Attempts != 4 || m.mail(101).Attempts != 1 {
			t.Errorf("sent to %v after %d attempts; %d to nobody", m.sent, m.mail(102).Attempts, m.mail(101).Attempts)
		}
	})
}

// TestTellerGivesUp after its last wait.
func TestTellerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{to: Settings{Recipients: []string{"ada@example.com"}}, fresh: []Notice{{ID: 1}}}
		teller := &Teller{Store: m, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Post: post(func(Mail) error { return errors.New("away") })}
		ctx, cancel := context.WithCancel(t.Context())
		go teller.Run(ctx)
		time.Sleep(72 * time.Hour)
		cancel()
		synctest.Wait()
		if x := m.mail(100); x.Attempts != 1+len(waits) || !x.Next.IsZero() || x.Problem != "away" {
			t.Errorf("%+v", x)
		}
	})
}

// TestTellerHandsToTheChosenWebhook, again when the notice could not be put down as passed on; without a mail server nobody is mailed.
func TestTellerHandsToTheChosenWebhook(t *testing.T) {
	m := &memory{
		to: Settings{Recipients: []string{"ada@example.com"}, WebhookID: "b"}, hooks: []webhook.Webhook{{ID: "a"}, {ID: "b"}},
		fresh: []Notice{{ID: 1}, {ID: 2}}, broken: errors.New("the database is away"),
	}
	var handed []string
	teller := &Teller{Store: m, Now: time.Now, Hand: func(_ context.Context, n Notice, to webhook.Webhook) error {
		handed = append(handed, fmt.Sprint(n.ID, to.ID))
		return nil
	}}
	if err := teller.PassOn(t.Context()); err == nil {
		t.Error("what failed is not told")
	}
	if err := teller.PassOn(t.Context()); err != nil || fmt.Sprint(handed) != "[1b 1b 2b]" || len(m.fresh) != 0 || len(m.mails) != 0 {
		t.Errorf("handed %v, left %v, mails %v (%v)", handed, m.fresh, m.mails, err)
	}
	m.fresh, m.to.WebhookID = []Notice{{ID: 3}}, "gone"
	if err := teller.PassOn(t.Context()); err != nil || len(handed) != 3 || len(m.fresh) != 0 {
		t.Errorf("handed %v, left %v (%v)", handed, m.fresh, err)
	}
}

func TestParseRecipients(t *testing.T) {
	got, err := ParseRecipients(" ada@example.com,\r\nmei@example.com; ADA@example.com ")
	if err != nil || fmt.Sprint(got) != "[ada@example.com mei@example.com]" {
		t.Errorf("%v (%v)", got, err)
	}
	for _, bad := range []string{"ada", "ada@", "Ada <ada@example.com>", "ada@example.com\x00", "a\u00e9@example.com", "@example.com", "\"a b\"@example.com"} {
		if got, err := ParseRecipients(bad); err == nil {
			t.Errorf("%q is read as %q", bad, got)
		}
	}
	many := ""
	for i := range mostRecipients + 1 {
		many += fmt.Sprintf("a%d@example.com ", i)
	}
	if _, err := ParseRecipients(many); err == nil {
		t.Error("any number of people is mailed to")
	}
}
