package dispatch

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"

	"dockbell/models/delivery"
)

// watch notes when each phase of one attempt began and ended. A dial may outlast the attempt that asked for it, so
// everything is behind a lock.
type watch struct {
	ctx context.Context //nolint:containedctx // the transport detaches a dial from its request; this is how the dial finds its deadline again

	mu                sync.Mutex
	dnsStart, dnsDone time.Time
	connStart         time.Time
	connDone          time.Time
	connected         bool
	tlsStart, tlsDone time.Time
	gotConn           time.Time
	wrote, firstByte  time.Time
	address           string // dialled, or of the connection that was used again
}

type watchKey struct{}

// watching gives a context whose request and dials note their phases in the watch.
func watching(ctx context.Context) (context.Context, *watch) {
	w := &watch{}
	w.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { w.mark(&w.dnsStart) },
		DNSDone:              func(i httptrace.DNSDoneInfo) { w.resolved(i.Err) },
		ConnectStart:         func(_, address string) { w.connecting(address) },
		ConnectDone:          func(_, _ string, err error) { w.connectDone(err) },
		GotConn:              func(c httptrace.GotConnInfo) { w.got(c.Conn.RemoteAddr().String()) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { w.mark(&w.wrote) },
		GotFirstResponseByte: func() { w.mark(&w.firstByte) },
	})
	return context.WithValue(w.ctx, watchKey{}, w), w
}

func watchOf(ctx context.Context) *watch {
	w, _ := ctx.Value(watchKey{}).(*watch)
	return w
}

// mark notes the first time that something happens.
func (w *watch) mark(at *time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.IsZero() {
		*at = time.Now()
	}
}

// resolved ends the phase only with an address: a lookup that the deadline cuts off was still looking, whichever of the two
// is heard of first.
func (w *watch) resolved(err error) {
	if err == nil {
		w.mark(&w.dnsDone)
	}
}

// connecting notes an address that is dialled; a name may have several.
func (w *watch) connecting(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.connected {
		return
	}
	if w.connStart.IsZero() {
		w.connStart = time.Now()
	}
	w.address, w.connDone = address, time.Time{}
}

// connectDone ends the phase with the first address that answers, or with the last one that does not.
func (w *watch) connectDone(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.connected {
		w.connDone, w.connected = time.Now(), err == nil
	}
}

func (w *watch) got(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gotConn, w.address = time.Now(), address
}

// phases gives the lengths so far; one that has begun and not ended lasts until end.
func (w *watch) phases(end time.Time) delivery.Phases {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.wrote
	if sent.IsZero() || !w.firstByte.IsZero() && w.firstByte.Before(sent) {
		sent = w.gotConn // answered before all was written
	}
	return delivery.Phases{
		DNS: between(w.dnsStart, w.dnsDone, end), Connect: between(w.connStart, w.connDone, end),
		TLS: between(w.tlsStart, w.tlsDone, end), FirstByte: between(sent, w.firstByte, end),
	}
}

func between(from, to, end time.Time) time.Duration {
	if from.IsZero() {
		return 0
	}
	if to.IsZero() {
		to = end
	}
	return max(to.Sub(from), 0)
}

// stage is how far an attempt came: the phase in which a deadline ended it.
type stage int

const (
	stageConnect stage = iota
	stageDNS
	stageTLS
	stageSent
	stageAnswer
)

func (w *watch) stage() stage {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.firstByte.IsZero():
		return stageAnswer
	case !w.gotConn.IsZero():
		return stageSent
	case !w.tlsStart.IsZero() && w.tlsDone.IsZero():
		return stageTLS
	case !w.dnsStart.IsZero() && w.dnsDone.IsZero():
		return stageDNS
	default:
		return stageConnect
	}
}

func (w *watch) remote() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.address
}
