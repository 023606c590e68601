package delivery

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"dockbell/models/event"
	"dockbell/models/registry"
)

// Wire carries short texts between the processes of one database. It may lose some.
type Wire interface {
	// Tell sends a text of up to tellMost bytes to every process, this one among them.
	Tell(ctx context.Context, text string) error
	// Hear hands on what is told, after ready says that it listens, until ctx ends or the connection is lost.
	Hear(ctx context.Context, ready func(), heard func(text string)) error
}

// Bounds of what a Relay tells.
const (
	tellMost  = 7900                  // bytes; PostgreSQL takes 8000
	tellEvery = 20 * time.Millisecond // two rounds are at least so far apart, however much happens
	tellTexts = 4                     // in a round; what does not fit is told as missed
	tellHooks = 100                   // registries in a round whose webhooks were changed; more are told as any
	tellWait  = 5 * time.Second
	hearAgain = 10 * time.Second // longest wait before the wire is tried again
)

// Relay tells the other processes of a database what happened in this one, and this one what happened in the others: that
// there is work for dispatchers, that webhooks were changed, and what open pages show. Nothing relies on it but speed: a
// dispatcher that hears nothing looks by itself and claims by what the database says of a webhook, and a page that missed something is drawn anew.
type Relay struct {
	Wire     Wire
	Feed     *Feed
	Wake     func()                    // tells this process's dispatcher that there is work
	Outdated func(of ...registry.Name) // hears whose webhooks another process changed; of none: perhaps anybody's
	Log      *slog.Logger

	once sync.Once
	me   string        // marks what this process told
	bell chan struct{} // holds one token while something is to be told

	mu      sync.Mutex
	work    bool
	updates []Update
	known   map[Update]bool        // those in updates
	missed  map[registry.Name]bool // of whose updates some were not told
	hooks   map[registry.Name]bool // whose webhooks were changed
	any     bool                   // more were than hooks may hold
}

// note is what one text says.
type note struct {
	From    string          `json:"f"`
	Work    bool            `json:"w,omitempty"`
	Updates []told          `json:"u,omitempty"`
	Missed  []registry.Name `json:"m,omitempty"`
	Hooks   []registry.Name `json:"h,omitempty"`
	Any     bool            `json:"a,omitempty"` // webhooks of any registry may have been changed
}

// told is an Update as short as JSON allows: registry, webhook, delivery, event, inbox, and "n" with a notice.
type told [6]string

func tellOf(u Update) told {
	t := told{string(u.Registry), u.WebhookID, "", string(u.EventID), u.Inbox, ""}
	if u.Notice {
		t[5] = "n"
	}
	if u.DeliveryID != 0 {
		t[2] = strconv.FormatInt(int64(u.DeliveryID), 10)
	}
	return t
}

func (t told) update() Update {
	id, _ := strconv.ParseInt(t[2], 10, 64) // no number is no delivery
	return Update{Registry: registry.Name(t[0]), WebhookID: t[1], DeliveryID: ID(id), EventID: event.ID(t[3]), Inbox: t[4], Notice: t[5] != ""}
}

func (r *Relay) init() {
	r.once.Do(func() {
		r.me = strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // a mark to differ by, not a secret
		r.bell = make(chan struct{}, 1)
		r.known, r.missed, r.hooks = map[Update]bool{}, map[registry.Name]bool{}, map[registry.Name]bool{}
	})
}

// Work says that there is work, which any process may do. It never blocks.
func (r *Relay) Work() {
	r.init()
	r.mu.Lock()
	r.work = true
	r.mu.Unlock()
	r.ring()
}

// Update is Feed.Outward: it notes what the others are to hear. It never blocks.
func (r *Relay) Update(u Update) {
	r.init()
	r.mu.Lock()
	r.note(u)
	r.mu.Unlock()
	r.ring()
}

// note keeps an update unless it waits already or too many do.
func (r *Relay) note(u Update) {
	if r.known[u] || r.missed[u.Registry] {
		return
	}
	const most = tellTexts * tellMost / 100 // an update takes some 130 bytes
	if len(r.updates) >= most {
		r.missed[u.Registry] = true
		return
	}
	r.known[u] = true
	r.updates = append(r.updates, u)
}

// Changed says that webhooks of these registries were changed: what others have claimed for them must be read again. It never blocks.
func (r *Relay) Changed(of ...registry.Name) {
	r.init()
	r.mu.Lock()
	r.noteHooks(of)
	r.mu.Unlock()
	r.ring()
}

func (r *Relay) noteHooks(of []registry.Name) {
	for _, name := range of {
		r.hooks[name] = true
	}
	if len(r.hooks) > tellHooks {
		r.any = true
		clear(r.hooks)
	}
}

func (r *Relay) ring() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

// Run tells and hears until ctx ends.
func (r *Relay) Run(ctx context.Context) {
	r.init()
	var both sync.WaitGroup
	both.Go(func() { r.tell(ctx) })
	both.Go(func() { r.hear(ctx) })
	both.Wait()
}

// tell sends what is noted, in rounds. What could not be told is missed, and told as such later.
func (r *Relay) tell(ctx context.Context) {
	pause := tellEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.bell:
		}
		if err := r.round(ctx); err != nil && ctx.Err() == nil {
			r.Log.Warn("other processes were not told of changes", "error", err.Error(), "again_in", pause.String())
			pause = min(2*pause, hearAgain)
			r.ring()
		} else {
			pause = tellEvery
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

func (r *Relay) round(ctx context.Context) error {
	texts, of := r.take()
	for _, text := range texts {
		timed, cancel := context.WithTimeout(ctx, tellWait)
		err := r.Wire.Tell(timed, text)
		cancel()
		if err != nil {
			r.untold(of)
			return err
		}
	}
	return nil
}

// take gives what is noted as texts, and once more as it was.
func (r *Relay) take() (texts []string, of note) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of = note{From: r.me, Work: r.work, Any: r.any}
	for _, u := range r.updates {
		of.Updates = append(of.Updates, tellOf(u))
	}
	for name := range r.missed {
		of.Missed = append(of.Missed, name)
	}
	for name := range r.hooks {
		of.Hooks = append(of.Hooks, name)
	}
	r.work, r.any, r.updates = false, false, nil
	clear(r.known)
	clear(r.missed)
	clear(r.hooks)
	return of.texts(), of
}

// texts cuts a note into texts that the wire takes.
func (n note) texts() []string {
	var all []string
	part := note{From: n.From, Work: n.Work, Any: n.Any}
	size := 0
	end := func() {
		text, err := json.Marshal(part)
		if err == nil && !part.empty() { // it always can be written
			all = append(all, string(text))
		}
		part, size = note{From: n.From}, 0
	}
	fits := func(more int) {
		if size += more; size > tellMost-200 { // for what stands around the lists
			end()
			size = more
		}
	}
	for _, name := range n.Hooks { // first: every moment counts
		fits(len(name) + 3)
		part.Hooks = append(part.Hooks, name)
	}
	for _, u := range n.Updates {
		text, _ := json.Marshal(u) // texts alone
		fits(len(text) + 1)
		part.Updates = append(part.Updates, u)
	}
	for _, name := range n.Missed {
		fits(len(name) + 3)
		part.Missed = append(part.Missed, name)
	}
	end()
	return all
}

func (n note) empty() bool {
	return !n.Work && !n.Any && len(n.Updates)+len(n.Missed)+len(n.Hooks) == 0
}

// untold notes again what could not be told.
func (r *Relay) untold(n note) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.work, r.any = r.work || n.Work, r.any || n.Any
	r.noteHooks(n.Hooks)
	for _, u := range n.Updates {
		r.missed[registry.Name(u[0])] = true
	}
	for _, name := range n.Missed {
		r.missed[name] = true
	}
}

// hear listens, and listens again when the connection is lost. What happened in between is missed.
func (r *Relay) hear(ctx context.Context) {
	pause := 100 * time.Millisecond
	for again := false; ; again = true {
		err := r.Wire.Hear(ctx, func() {
			pause = 100 * time.Millisecond
			if again {
				r.Log.Info("other processes are heard again")
				r.Feed.missed("")
			}
			r.Outdated() // nobody told us of changes before
			r.Wake()
		}, r.heard)
		if ctx.Err() != nil {
			return
		}
		pause = min(2*pause, hearAgain)
		wait := pause + time.Duration(rand.Int64N(int64(pause))) //nolint:gosec // it spreads, and guards nothing
		r.Log.Warn("other processes are not heard: deliveries and open pages may lag a few seconds", "error", err, "again_in", wait.String())
		if !sleep(ctx, wait) {
			return
		}
	}
}

// heard passes on what another process told.
func (r *Relay) heard(text string) {
	var n note
	if err := json.Unmarshal([]byte(text), &n); err != nil || n.From == r.me {
		return
	}
	changed := n.Any || len(n.Hooks) > 0
	switch {
	case n.Any:
		r.Outdated()
	case changed:
		r.Outdated(n.Hooks...)
	}
	if n.Work || changed {
		r.Wake()
	}
	for _, u := range n.Updates {
		r.Feed.hear(u.update())
	}
	for _, name := range n.Missed {
		r.Feed.missed(name)
	}
}

// sleep reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
