package dispatch

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"regexp"
	"syscall"

	"dockbell/models/fault"
	"dockbell/models/webhook"
)

// Guard says where a delivery may connect to.
type Guard struct {
	Networks func() webhook.Networks // the setting as it stands now: asked for every connection and every request
	Resolver *net.Resolver           // nil: the system's name servers

	// Own reports whether a URI's scheme and authority are those of this installation. Its inboxes are the only exception
	// to "loopback must be listed"; nil: there is no exception.
	Own func(webhook.URI) bool
	// OwnAddr is the address of this installation's plain HTTP listener, such as "127.0.0.1:8080".
	OwnAddr string
}

// inboxPath is all that the exception covers: an inbox's token and nothing that could lead elsewhere.
var inboxPath = regexp.MustCompile(`^/inbox/[A-Za-z0-9_-]+(\?.*)?$`)

// ownInbox reports whether the URI is an inbox of this installation. Such a request is given to a transport of its own
// that dials nothing but OwnAddr, whatever the name resolves to, and shares no connection with other webhooks.
func (g Guard) ownInbox(u webhook.URI) bool {
	return g.Own != nil && g.OwnAddr != "" && inboxPath.MatchString(u.Path()) && g.Own(u)
}

// judge refuses an address that may not be called now.
func (g Guard) judge(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return &blocked{reason: err}
	}
	if err := g.Networks().Judge(at.Addr()); err != nil {
		return &blocked{addr: at.Addr().Unmap(), reason: err}
	}
	return nil
}

// dialer connects to addresses that the guard allows. The check is made on the address really dialled, after every
// lookup, so that a name that changes its answer gains nothing.
func (g Guard) dialer() *net.Dialer {
	return &net.Dialer{
		Resolver: g.Resolver,
		Control:  func(_, address string, _ syscall.RawConn) error { return g.judge(address) },
	}
}

// blocked is the refusal of an address.
type blocked struct {
	addr   netip.Addr
	reason error
}

func (b *blocked) Error() string { return "blocked: " + b.reason.Error() }
func (b *blocked) Unwrap() error { return b.reason }

// sentence is what a person may read of the refusal.
func (b *blocked) sentence() string {
	var f *fault.Error
	if errors.As(b.reason, &f) {
		return f.Message
	}
	return ""
}

// guarded is a connection that asks again before every request it carries: one that was opened while its network was
// listed must not serve a webhook after an owner took the network off the list.
type guarded struct {
	net.Conn
	judge func(address string) error
}

func (c *guarded) Write(p []byte) (int, error) {
	if err := c.judge(c.RemoteAddr().String()); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// lines opens the connections of a transport. Both functions obey the attempt's deadline: the transport itself
// detaches a dial from the request that asked for it.
type lines struct {
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	judge  func(address string) error // nil: not asked
	config *tls.Config
}

func (l lines) plain(ctx context.Context, network, address string) (net.Conn, error) {
	if w := watchOf(ctx); w != nil {
		ctx = w.ctx
	}
	conn, err := l.dial(ctx, network, address)
	if err != nil || l.judge == nil {
		return conn, err
	}
	return &guarded{conn, l.judge}, nil
}

func (l lines) secure(ctx context.Context, network, address string) (net.Conn, error) {
	w := watchOf(ctx)
	raw, err := l.plain(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := l.config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(address)
	conn := tls.Client(raw, config)
	if w != nil {
		ctx = w.ctx
		w.mark(&w.tlsStart)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, &handshakeError{err}
	}
	if w != nil {
		w.mark(&w.tlsDone)
	}
	return conn, nil
}

// handshakeError is a TLS handshake that failed.
type handshakeError struct{ cause error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.cause.Error() }
func (e *handshakeError) Unwrap() error { return e.cause }
