package delivery

import (
	"sync"

	"dockbell/models/event"
	"dockbell/models/registry"
)

// Update says that something of a registry changed: a new event, a new delivery, a delivery's result, or a request that
// came to an inbox.
// It carries names, not content: whoever shows it reads the content from the store.
type Update struct {
	Registry   registry.Name
	WebhookID  string // empty for an event that fired no webhook
	DeliveryID ID     // 0 for an event that fired no webhook
	EventID    event.ID
	Notice     bool   // there is a notice about WebhookID
	Inbox      string // token of the inbox that a request came to; WebhookID, DeliveryID and EventID are empty then
}

// feedBuffer is how far a listener may fall behind before it is dropped.
const feedBuffer = 256

// Feed hands updates to whoever listens, in this process. It never waits: a listener that does not keep up
// is dropped by closing its channel, and may subscribe again. The zero Feed is ready.
type Feed struct {
	Outward func(Update) // hears of what happened in this process, for the others; may be nil; set before the first Publish

	mu        sync.Mutex
	listeners map[string]map[chan Update]struct{} // by registry
}

// Subscribe listens to one registry until cancel is called. The channel is closed when the listener was too slow.
func (f *Feed) Subscribe(reg registry.Name) (updates <-chan Update, cancel func()) {
	c, key := make(chan Update, feedBuffer), reg.Key()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners == nil {
		f.listeners = map[string]map[chan Update]struct{}{}
	}
	if f.listeners[key] == nil {
		f.listeners[key] = map[chan Update]struct{}{}
	}
	f.listeners[key][c] = struct{}{}
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.drop(key, c)
	}
}

// Publish tells every listener of the update's registry, here and in other processes.
func (f *Feed) Publish(u Update) {
	f.hear(u)
	if f.Outward != nil {
		f.Outward(u)
	}
}

// hear tells the listeners of this process.
func (f *Feed) hear(u Update) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.listeners) == 0 {
		return
	}
	key := u.Registry.Key()
	for c := range f.listeners[key] {
		select {
		case c <- u:
		default:
			f.drop(key, c)
		}
	}
}

// missed drops the listeners of a registry, or of all for "": something happened that they cannot be told.
func (f *Feed) missed(reg registry.Name) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, listeners := range f.listeners {
		if reg != "" && key != reg.Key() {
			continue
		}
		for c := range listeners {
			f.drop(key, c)
		}
	}
}

// drop forgets a listener and closes its channel; a second call changes nothing.
func (f *Feed) drop(key string, c chan Update) {
	if _, listens := f.listeners[key][c]; !listens {
		return
	}
	delete(f.listeners[key], c)
	if len(f.listeners[key]) == 0 {
		delete(f.listeners, key)
	}
	close(c)
}
