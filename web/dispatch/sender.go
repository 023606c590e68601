package dispatch

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/webhook"
)

const (
	maxBody    = 64 << 10 // bytes of an answer's body that are kept
	maxHeaders = 64 << 10 // bytes of an answer's headers, informational answers included
	// idleFor is shorter than the 5 s after which common servers close a connection that carries nothing: a request
	// that meets such a closing would be lost, and repeating it inside one attempt could deliver it twice.
	idleFor = 4 * time.Second
	// idlePerHost keeps as many connections to one receiver as there are workers, twice over: all webhooks may have the same one, and
	// a connection that is closed for want of a place costs a new one.
	idlePerHost = 2 * defaultWorkers
)

// HTTP sends deliveries: one POST for an attempt, never repeated, never redirected, within one deadline.
type HTTP struct {
	guard   Guard
	version string
	keep    int64            // bytes of an answer's body
	now     func() time.Time // for the time that is signed and recorded
	outside *http.Transport  // to receivers, judged by the guard
	inside  *http.Transport  // to this installation's own inboxes, and to nothing else

	// exchange sends a request to the outside. It is the transport's RoundTrip and not a client's Do: an answer that
	// redirects is an answer like any other.
	exchange func(*http.Request) (*http.Response, error)
}

// NewHTTP gives a sender that connects where the guard allows and names the given version in its User-Agent.
func NewHTTP(guard Guard, version string) *HTTP {
	return newHTTP(guard, version, &tls.Config{MinVersion: tls.VersionTLS12})
}

// At lets the sender sign and record its attempts by another clock than this machine's.
func (s *HTTP) At(now func() time.Time) *HTTP {
	s.now = now
	return s
}

func newHTTP(guard Guard, version string, config *tls.Config) *HTTP {
	home := guard.OwnAddr
	s := &HTTP{
		guard: guard, version: version, keep: maxBody, now: time.Now,
		outside: newTransport(lines{dial: guard.dialer().DialContext, judge: guard.judge, config: config}),
		inside: newTransport(lines{config: config, dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, home)
		}}),
	}
	s.exchange = s.outside.RoundTrip
	return s
}

// newTransport speaks HTTP/1.1 as Azure does, through no proxy: a proxy would dial where the guard cannot look.
func newTransport(l lines) *http.Transport {
	t := &http.Transport{
		DialContext:            l.plain,
		DialTLSContext:         l.secure,
		DisableCompression:     true, // an answer is kept as it came, and a small one cannot grow
		MaxResponseHeaderBytes: maxHeaders,
		MaxIdleConns:           16 * idlePerHost,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleFor,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// Close drops the connections that wait for a next request.
func (s *HTTP) Close() {
	s.outside.CloseIdleConnections()
	s.inside.CloseIdleConnections()
}

// Send makes one attempt: it POSTs the delivery's body to the webhook's service URI and records what came of it. Whatever
// goes wrong is told by the attempt's cause and sentence. An attempt that ends because ctx was cancelled is interrupted.
func (s *HTTP) Send(ctx context.Context, job delivery.Job) delivery.Attempt {
	hook, del, began := job.Webhook, job.Delivery, time.Now()
	att := delivery.Attempt{DeliveryID: del.ID, Number: del.Attempts, Started: s.now(), RequestURI: hook.ServiceURI.Masked()}
	facts := factsOf(hook)
	if ctx.Err() != nil {
		return failed(att, delivery.CauseInterrupted, facts)
	}
	header, err := headersOf(hook, del, s.version, att.Started)
	if err != nil {
		facts.Detail = delivery.DetailOwnHost
		return failed(att, delivery.CauseInternal, facts)
	}
	timed, cancel := context.WithTimeout(ctx, facts.Timeout)
	defer cancel()
	traced, w := watching(timed)
	req, err := newRequest(traced, hook.ServiceURI, header, del.Body)
	if err != nil {
		return failed(att, delivery.CauseInternal, facts)
	}
	att.RequestHeaders = recordRequest(req, hook)
	resp, err := s.deliver(req, hook.ServiceURI)
	if err == nil {
		s.receive(&att, resp, &facts)
	}
	end := time.Now()
	att.Duration, att.Phases, att.RemoteAddr = end.Sub(began), w.phases(end), w.remote()
	facts.Address = hostOf(att.RemoteAddr)
	switch {
	case err == nil:
		return judged(att, facts)
	case ctx.Err() != nil:
		return failed(att, delivery.CauseInterrupted, facts)
	default:
		att.Cause = explain(err, w, &facts)
		att.CertExpires = facts.CertExpires
		return failed(att, att.Cause, facts)
	}
}

// deliver gives the request to the transport that may carry it.
func (s *HTTP) deliver(req *http.Request, uri webhook.URI) (*http.Response, error) {
	if s.guard.ownInbox(uri) {
		req.URL.Scheme = "http" // it never leaves this machine
		return s.inside.RoundTrip(req)
	}
	if err := s.guard.Networks().JudgeURI(uri); err != nil {
		return nil, &blocked{reason: err}
	}
	return s.exchange(req)
}

// receive records an answer: its status decides, so a body that breaks off or does not end in time is kept as far as it came.
func (s *HTTP) receive(att *delivery.Attempt, resp *http.Response, facts *delivery.Facts) {
	defer resp.Body.Close()
	att.Status, att.StatusText, att.Proto = resp.StatusCode, reasonOf(resp), resp.Proto
	att.ResponseHeaders = recordHeaders(resp.Header)
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		att.CertExpires = resp.TLS.PeerCertificates[0].NotAfter
	}
	if values := resp.Header.Values("Retry-After"); len(values) == 1 {
		att.RetryAfter = delivery.ParseRetryAfter(values[0], s.now())
	}
	facts.Status, facts.StatusText, facts.RetryAfter = att.Status, att.StatusText, att.RetryAfter
	facts.Location = locationOf(resp)
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.Body == http.NoBody {
		return // after a switch the connection is not HTTP any more
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, s.keep+1))
	att.Truncated = err != nil || int64(len(body)) > s.keep
	att.ResponseBody = body[:min(int64(len(body)), s.keep)]
}

// judged gives an answer its cause: 2xx is the only success.
func judged(att delivery.Attempt, facts delivery.Facts) delivery.Attempt {
	switch att.Status / 100 {
	case 2:
		return att
	case 3:
		return failed(att, delivery.CauseRedirect, facts)
	default:
		return failed(att, delivery.CauseStatus, facts)
	}
}

func failed(att delivery.Attempt, cause delivery.Cause, facts delivery.Facts) delivery.Attempt {
	att.Cause, att.Sentence = cause, delivery.Sentence(cause, facts)
	return att
}

func newRequest(ctx context.Context, uri webhook.URI, header http.Header, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri.Bare(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Host, req.Header = uri.Authority(), header
	return req, nil
}
