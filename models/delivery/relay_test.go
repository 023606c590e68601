package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/event"
	"dockbell/models/registry"
)

// wire carries texts between relays of one test, and is cut and mended by it.
type wire struct {
	mu    sync.Mutex
	cut   chan struct{} // closed while it carries nothing
	ears  map[int]func(string)
	n     int
	texts []string
}

func newWire() *wire { return &wire{cut: make(chan struct{}), ears: map[int]func(string){}} }

var errCut = errors.New("cut")

func (w *wire) broken() bool {
	select {
	case <-w.cut:
		return true
	default:
		return false
	}
}

func (w *wire) Tell(_ context.Context, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken() {
		return errCut
	}
	if len(text) > tellMost {
		return fmt.Errorf("%d bytes", len(text))
	}
	w.texts = append(w.texts, text)
	for _, heard := range w.ears {
		heard(text)
	}
	return nil
}

func (w *wire) Hear(ctx context.Context, ready func(), heard func(string)) error {
	w.mu.Lock()
	cut := w.cut
	if w.broken() {
		w.mu.Unlock()
		return errCut
	}
	w.n++
	id := w.n
	w.ears[id] = heard
	w.mu.Unlock()
	ready()
	select {
	case <-ctx.Done():
	case <-cut:
	}
	w.mu.Lock()
	delete(w.ears, id)
	w.mu.Unlock()
	return errCut
}

func (w *wire) snap() { w.mu.Lock(); close(w.cut); w.mu.Unlock() }

func (w *wire) mend() { w.mu.Lock(); w.cut = make(chan struct{}); w.mu.Unlock() }

// machine is one process of a test.
type machine struct {
	relay *Relay
	feed  *Feed
	mu    sync.Mutex
	woken int
	stale []registry.Name // whose webhooks it was told to read again; "" is anybody's
}

func (m *machine) wakes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.woken
}

func (m *machine) outdated(of ...registry.Name) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(of) == 0 {
		of = []registry.Name{""}
	}
	m.stale = append(m.stale, of...)
}

// toRead takes whose webhooks were to be read again so far.
func (m *machine) toRead() []registry.Name {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.stale
	m.stale = nil
	return all
}

// machines gives two processes on one wire, running until the test's bubble ends.
func machines(t *testing.T, w Wire) (a, b *machine) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); synctest.Wait() })
	start := func() *machine {
		m := &machine{feed: &Feed{}}
		m.relay = &Relay{Wire: w, Feed: m.feed, Log: slog.New(slog.DiscardHandler), Wake: func() { m.mu.Lock(); m.woken++; m.mu.Unlock() }, Outdated: m.outdated}
		m.feed.Outward = m.relay.Update
		go m.relay.Run(ctx)
		return m
	}
	a, b = start(), start()
	synctest.Wait()
	return a, b
}

func updateOf(n int) Update {
	return Update{Registry: "acme", WebhookID: fmt.Sprintf("%036d", n), DeliveryID: ID(1<<60 + n), EventID: event.ID(fmt.Sprintf("%036d", n))}
}

// received takes what came so far, and reports whether the listener was dropped.
func received(c <-chan Update) (all []Update, dropped bool) {
	for {
		select {
		case u, open := <-c:
			if !open {
				return all, true
			}
			all = append(all, u)
		default:
			return all, false
		}
	}
}

func TestARelayTellsTheOthersAndNotItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a, b := machines(t, w)
		here, _ := a.feed.Subscribe("acme")
		there, _ := b.feed.Subscribe("ACME")
		other, _ := b.feed.Subscribe("other")
		a.relay.Work() // after this round it rests for tellEvery, so that what follows comes together
		synctest.Wait()
		was := [2]int{a.wakes(), b.wakes()}
		sent := []Update{updateOf(1), updateOf(2), {Registry: "acme", EventID: "only an event"}, {Registry: "acme", Inbox: "inbox"}, {Registry: "acme", WebhookID: "w", Notice: true}}
		for _, u := range append(sent, sent...) {
			a.feed.Publish(u)
		}
		for range 100 {
			a.relay.Work()
		}
		time.Sleep(time.Second)
		got, _ := received(there)
		if fmt.Sprint(got) != fmt.Sprint(sent) {
			t.Errorf("the other process heard %v, want %v", got, sent)
		}
		if own, _ := received(here); len(own) != 2*len(sent) {
			t.Errorf("this process heard %d updates, want each of its own once: %d", len(own), 2*len(sent))
		}
		if strangers, _ := received(other); len(strangers) != 0 {
			t.Errorf("another registry's page heard %v", strangers)
		}
		if a.wakes() != was[0] || b.wakes() == was[1] || b.wakes() > was[1]+5 {
			t.Errorf("the dispatchers were woken %d and %d times", a.wakes()-was[0], b.wakes()-was[1])
		}
	})
}

// TestChangedWebhooksAreTold: the others read them again, also when the wire was cut meanwhile or too many were changed to name them.
func TestChangedWebhooksAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a, b := machines(t, w)
		if got := b.toRead(); fmt.Sprint(got) != "[]" && fmt.Sprint(got) != fmt.Sprint([]registry.Name{""}) {
			t.Errorf("at the start it reads %q again", got)
		}
		a.toRead()
		a.relay.Changed("acme")
		synctest.Wait()
		if got, own := b.toRead(), a.toRead(); fmt.Sprint(got) != "[acme]" || len(own) != 0 {
			t.Errorf("the other process reads %q again and this one %q, want acme and nothing", got, own)
		}
		woken := b.wakes()
		a.relay.Changed("one", "two", "one")
		time.Sleep(time.Second)
		if got := b.toRead(); len(got) != 2 || b.wakes() == woken {
			t.Errorf("it reads %q again, woken %d times; want one and two, and woken to give back what it has of them", got, b.wakes()-woken)
		}
		a.relay.Changed(many(tellHooks + 1)...)
		time.Sleep(time.Second)
		if got := b.toRead(); len(got) != 1 || got[0] != "" {
			t.Errorf("of many it reads %q again, want anybody's", got)
		}
		w.snap()
		a.relay.Changed("acme")
		time.Sleep(time.Minute)
		if got := b.toRead(); len(got) != 0 {
			t.Errorf("over a broken wire came %q", got)
		}
		w.mend()
		time.Sleep(3 * hearAgain)
		if got := b.toRead(); len(got) == 0 || got[0] != "" {
			t.Errorf("after the wire was cut it reads %q again, want anybody's first", got)
		}
		if fits := (note{Any: true}).texts(); len(fits) != 1 {
			t.Errorf("that any may have been changed is told as %q", fits)
		}
	})
}

func many(n int) (names []registry.Name) {
	for i := range n {
		names = append(names, registry.Name(fmt.Sprint("registry", i)))
	}
	return names
}

func TestABurstIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a, b := machines(t, w)
		page, _ := b.feed.Subscribe("acme")
		w.mu.Lock() // the first round waits for it, so that the burst comes together
		for n := range 100_000 {
			a.feed.Publish(updateOf(n))
		}
		w.mu.Unlock()
		time.Sleep(time.Second)
		if _, dropped := received(page); !dropped {
			t.Error("a page that was not told of everything was not drawn anew")
		}
		w.mu.Lock() // a round may still be on its way
		defer w.mu.Unlock()
		if len(w.texts) > 3*tellTexts {
			t.Errorf("a burst was told in %d texts", len(w.texts))
		}
	})
}

// TestALostWireIsRepaired: pages that may have missed something are drawn anew, dispatchers look for work that nobody told
// them of, and what could not be told is told as missed.
func TestALostWireIsRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		a, b := machines(t, w)
		page, _ := b.feed.Subscribe("acme")
		w.snap()
		a.feed.Publish(updateOf(1))
		a.relay.Work()
		time.Sleep(time.Minute)
		if got, dropped := received(page); len(got) > 0 || dropped {
			t.Fatalf("over a broken wire came %v, dropped %v", got, dropped)
		}
		was := b.wakes()
		w.mend()
		time.Sleep(3 * hearAgain)
		if _, dropped := received(page); !dropped {
			t.Error("the page was not drawn anew")
		}
		if b.wakes() == was {
			t.Error("the dispatcher was not woken")
		}
		page, _ = b.feed.Subscribe("acme")
		a.feed.Publish(updateOf(2))
		time.Sleep(time.Second)
		if got, _ := received(page); len(got) != 1 {
			t.Errorf("over the mended wire came %v", got)
		}
	})
}

func TestTextsFitTheWire(t *testing.T) {
	n := note{From: "me", Work: true}
	for i := range 300 {
		n.Updates = append(n.Updates, tellOf(updateOf(i)))
	}
	for i := range 300 {
		n.Missed = append(n.Missed, registry.Name(strings.Repeat("r", 45)+fmt.Sprint(i)))
	}
	n.Hooks = many(300)
	updates, hooks := 0, 0
	for _, text := range n.texts() {
		if len(text) > tellMost {
			t.Errorf("a text has %d bytes", len(text))
		}
		updates += strings.Count(text, `["acme"`)
		hooks += strings.Count(text, `"registry`)
	}
	if hooks != 300 {
		t.Errorf("%d changed registries are told, want 300", hooks)
	}
	if updates != 300 {
		t.Errorf("%d updates are told, want 300", updates)
	}
	if got := (note{From: "me"}).texts(); len(got) != 0 {
		t.Errorf("nothing is told as %q", got)
	}
	if u := updateOf(7); tellOf(u).update() != u {
		t.Errorf("%v became %v", u, tellOf(u).update())
	}
}
