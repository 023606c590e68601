package keeping

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/fault"
)

// pile is a store with so many old rows of each thing; removing one takes a while.
type pile struct {
	left    map[Thing]int
	each    time.Duration
	largest int
	befores map[Thing]time.Time
	err     error
}

func (p *pile) Forget(_ context.Context, what Thing, before time.Time, from Mark, most int) (Step, error) {
	if p.err != nil {
		return Step{}, p.err
	}
	n := min(most, p.left[what])
	p.left[what] -= n
	p.largest = max(p.largest, n)
	p.befores[what] = before
	took := time.Duration(n) * p.each
	time.Sleep(took)
	return Step{Forgotten: n, Next: Mark{ID: from.ID + int64(n)}, Done: p.left[what] == 0, Worked: took, Held: took}, nil
}

func keeperOf(p *pile, periods Periods) *Keeper {
	return &Keeper{Store: p, Now: time.Now, Log: slog.New(slog.DiscardHandler), Periods: func(context.Context) (Periods, error) { return periods, nil }}
}

// TestThePaceFollowsTheDatabase: slow rows go few at a time, fast ones at most 500, and the writer is free nine tenths of the time.
func TestThePaceFollowsTheDatabase(t *testing.T) {
	for each, largest := range map[time.Duration]int{100 * time.Nanosecond: 500, 10 * time.Microsecond: 32, 5 * time.Millisecond: 1} {
		synctest.Test(t, func(t *testing.T) {
			p := &pile{left: map[Thing]int{Deliveries: 5000}, each: each, befores: map[Thing]time.Time{}}
			k := keeperOf(p, Periods{History: 30})
			var held time.Duration
			k.Stepped = func(s Step) { held += s.Held }
			began := time.Now()
			gone, err := k.Forget(t.Context())
			if err != nil || gone[Deliveries] != 5000 || len(gone) != 1 {
				t.Errorf("forgotten are %v, %v", gone, err)
			}
			if p.largest != largest {
				t.Errorf("at %s a row the largest step has %d rows, want %d", each, p.largest, largest)
			}
			if took := time.Since(began); took < 10*held {
				t.Errorf("at %s a row the writer is held for %s of %s", each, held, took)
			}
		})
	}
}

func TestWhatIsOldDependsOnTheKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pile{left: map[Thing]int{}, befores: map[Thing]time.Time{}}
		now := time.Now()
		if _, err := keeperOf(p, Periods{History: 30, Counters: 400, Audit: Forever, Inbox: 7}).Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		for thing, days := range map[Thing]int{Deliveries: 30, Bodies: 30, Events: 31, Requests: 7, EventHours: 400, WebhookHours: 400} {
			if want := now.AddDate(0, 0, -days); !p.befores[thing].Equal(want) {
				t.Errorf("%s are old before %s, want %s", thing, p.befores[thing], want)
			}
		}
		if _, asked := p.befores[AuditLog]; asked {
			t.Error("what is kept for ever is looked through")
		}
	})
}

// TestAFailureIsTriedAgain: with the next tick, from the beginning.
func TestAFailureIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pile{left: map[Thing]int{Events: 3}, befores: map[Thing]time.Time{}, err: errors.New("the disk is full")}
		ctx, cancel := context.WithCancel(t.Context())
		ticks, ended := make(chan time.Time), make(chan struct{})
		go func() { keeperOf(p, Periods{History: 30}).Run(ctx, ticks); close(ended) }()
		synctest.Wait()
		p.err = nil
		ticks <- time.Now()
		time.Sleep(time.Second)
		synctest.Wait()
		if p.left[Events] != 0 {
			t.Errorf("%d events are left", p.left[Events])
		}
		cancel()
		<-ended
	})
}

// values are settings in memory.
type values map[string]string

func (v values) Setting(_ context.Context, key string) (string, error) { return v[key], nil }
func (v values) PutSetting(_ context.Context, key, value string) error { v[key] = value; return nil }

// TestTheOrderOfSettings: the configuration before the portal before the default.
func TestTheOrderOfSettings(t *testing.T) {
	stored := values{}
	if err := (&Policy{Settings: stored}).Replace(t.Context(), map[Kind]string{History: "60", Counters: "100", Audit: "0", Inbox: "7"}); err != nil {
		t.Fatal(err)
	}
	policy := &Policy{Settings: stored, Fixed: Periods{History: 14}}
	if err := policy.Replace(t.Context(), map[Kind]string{History: "5000", Counters: "200", Audit: "0", Inbox: "7"}); err != nil {
		t.Errorf("a fixed period is read: %v", err)
	}
	got, err := policy.Periods(t.Context())
	if err != nil || got[History] != 14 || got[Counters] != 200 || got[Audit] != Forever || got[Inbox] != 7 {
		t.Errorf("the periods are %v, %v", got, err)
	}
	if got, _ := (&Policy{Settings: stored}).Periods(t.Context()); got[History] != 60 {
		t.Errorf("without the configuration history is kept for %d days, want what the portal stored", got[History])
	}
	if got, _ := (&Policy{Settings: values{}}).Periods(t.Context()); got[History] != 30 || got[Counters] != 400 || got[Audit] != 400 || got[Inbox] != 30 {
		t.Errorf("the defaults are %v", got)
	}
	for _, wrong := range []string{"", "6", "3651", "-1", "30 days", "1e3", "99999999999999999999"} {
		if _, err := ParseDays(History, wrong); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
