package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/payload"
	"dockbell/models/webhook"
)

var loopback = webhook.Networks{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

func listed() webhook.Networks { return loopback }

// newSender gives the product's sender with loopback listed.
func newSender(t *testing.T) *HTTP {
	t.Helper()
	s := NewHTTP(Guard{Networks: listed}, "1.2.3")
	t.Cleanup(s.Close)
	return s
}

func jobTo(address string) delivery.Job {
	return delivery.Job{
		Webhook:  &webhook.Webhook{ID: "a", ServiceURI: webhook.StoredURI(address), Timeout: 5 * time.Second},
		Delivery: delivery.Delivery{ID: 7, Attempts: 1, Action: event.Ping, Body: []byte(`{"action":"ping"}`), WebhookID: "a"},
	}
}

// TestWire compares the request with Azure's, byte for byte (ACR.md 3.1): nothing beyond these four headers.
func TestWire(t *testing.T) {
	server := receive(t, behaviour{Status: 200}, 1, nil)
	att := newSender(t).Send(t.Context(), jobTo("http://127.0.0.1:"+server.port()+"/hook?code=a%2Fb&x"))
	requests, _ := server.seen()
	want := "POST /hook?code=a%2Fb&x HTTP/1.1\r\nHost: 127.0.0.1:" + server.port() + "\r\n" +
		"User-Agent: AzureContainerRegistry/1.0 dockbell/1.2.3\r\nContent-Length: 17\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
	if len(requests) != 1 || requests[0].head != want || string(requests[0].body) != `{"action":"ping"}` {
		t.Errorf("sent %q, want %q", requests, want)
	}
	if !att.Succeeded() || att.Status != 200 || att.StatusText != "OK" || att.Proto != "HTTP/1.1" || att.Number != 1 || att.DeliveryID != 7 {
		t.Errorf("recorded %+v", att)
	}
	if att.RemoteAddr != "127.0.0.1:"+server.port() || att.Duration <= 0 || att.Phases.Connect <= 0 || att.Phases.FirstByte <= 0 || att.Phases.TLS != 0 || att.Phases.DNS != 0 {
		t.Errorf("recorded %s, %v, %+v", att.RemoteAddr, att.Duration, att.Phases)
	}
}

// TestCustomHeaders sends every accepted case of the header cases: each value arrives, none is recorded.
func TestCustomHeaders(t *testing.T) {
	raw, err := os.ReadFile("../../models/webhook/testdata/custom_headers.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases []struct {
			ID         string
			PortalText *string `json:"portal_text"`
			Expect     struct{ Outcome string }
		}
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	server, sender, sent := receive(t, behaviour{Status: 200}, 1, nil), newSender(t), 0
	for _, c := range all.Cases {
		if c.PortalText == nil || c.Expect.Outcome != "accept" {
			continue
		}
		job := jobTo("http://user:pass@127.0.0.1:" + server.port() + "/")
		if job.Webhook.Headers, err = webhook.ParseHeaderText(*c.PortalText); err != nil {
			t.Fatal(err)
		}
		att := sender.Send(t.Context(), job)
		requests, _ := server.seen()
		sent++
		if len(requests) != sent || !att.Succeeded() {
			t.Fatalf("%s: %s", c.ID, att.Sentence)
		}
		got := requests[sent-1].header
		for _, h := range job.Webhook.Headers {
			if values := got.Values(h.Name); len(values) != 1 && h.Value != "" || len(values) == 1 && values[0] != h.Value {
				t.Errorf("%s: %s arrived as %q, want %q", c.ID, h.Name, values, h.Value)
			}
			for _, recorded := range att.RequestHeaders {
				if strings.EqualFold(recorded.Name, h.Name) && recorded.Value != webhook.Masked {
					t.Errorf("%s: %s is recorded as %q", c.ID, h.Name, recorded.Value)
				}
			}
		}
	}
	if sent < 5 {
		t.Errorf("only %d cases were sent", sent)
	}
}

// TestFormatsHaveTheirUserAgent: only Azure's format goes out under Azure's name (PRODUCT.md, decision 5).
func TestFormatsHaveTheirUserAgent(t *testing.T) {
	server, sender := receive(t, behaviour{Status: 200}, 1, nil), newSender(t)
	job := jobTo("http://127.0.0.1:" + server.port() + "/")
	for _, f := range payload.Formats {
		job.Webhook.Format = f.Name
		sender.Send(t.Context(), job)
	}
	requests, _ := server.seen()
	if len(requests) != len(payload.Formats) {
		t.Fatalf("%d requests", len(requests))
	}
	for i, f := range payload.Formats {
		want := "Dockbell/1.2.3"
		if f.Name == "azure" {
			want = "AzureContainerRegistry/1.0 dockbell/1.2.3"
		}
		if got := requests[i].header.Get("User-Agent"); got != want {
			t.Errorf("%s is sent by %q, want %q", f.Name, got, want)
		}
	}
}

func TestHeaderPrecedence(t *testing.T) {
	server, sender := receive(t, behaviour{Status: 200}, 1, nil), newSender(t)
	job := jobTo("http://us%40er:pa%20ss@127.0.0.1:" + server.port() + "/")
	job.Webhook.SigningSecrets = []webhook.Secret{{Value: secret}}
	att := sender.Send(t.Context(), job)
	job.Webhook.Headers = webhook.Headers{
		{Name: "user-agent", Value: "mine"}, {Name: "content-type", Value: "text/x"}, {Name: "AUTHORIZATION", Value: "Bearer b"},
		{Name: "X-ODD-case", Value: "1"}, {Name: "Idempotency-Key", Value: "k"},
	}
	custom := sender.Send(t.Context(), job)
	requests, _ := server.seen()
	if len(requests) != 2 {
		t.Fatal(att.Sentence, custom.Sentence)
	}
	if got := requests[0].header.Get("Authorization"); got != "Basic dXNAZXI6cGEgc3M=" {
		t.Errorf("userinfo is sent as %q", got)
	}
	for name, want := range map[string]string{"User-Agent": "mine", "Content-Type": "text/x", "Authorization": "Bearer b", "Idempotency-Key": "k"} {
		if got := requests[1].header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is sent as %q, want %q alone", name, got, want)
		}
	}
	if !strings.Contains(requests[1].head, "\r\nX-ODD-case: 1\r\n") {
		t.Errorf("a name is not sent as typed: %s", requests[1].head)
	}
	for _, a := range []delivery.Attempt{att, custom} {
		for _, h := range a.RequestHeaders {
			if strings.Contains(h.Value, "dXN") || strings.Contains(h.Value, "Bearer") || h.Name == "Authorization" && h.Value != webhook.Masked {
				t.Errorf("recorded %+v", h)
			}
		}
		if strings.Contains(a.RequestURI, "pa%20ss") || !strings.Contains(a.RequestURI, webhook.Masked) {
			t.Errorf("recorded %s", a.RequestURI)
		}
	}
	names := func(all []delivery.Header) (n []string) {
		for _, h := range all {
			n = append(n, h.Name)
		}
		return n
	}
	want := []string{"Host", "Content-Length", "Authorization", "Content-Type", "User-Agent", "webhook-id", "webhook-signature", "webhook-timestamp"}
	if got := names(att.RequestHeaders); !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

// TestAnswersOfAnyKind: what a receiver answers ends as an attempt that can be stored and read, whatever it is.
func TestAnswersOfAnyKind(t *testing.T) {
	long := strings.Repeat("x", 400<<10)
	for name, c := range map[string]struct {
		raw   string
		cause delivery.Cause
		ok    bool
	}{
		"400 KiB of headers":      {"HTTP/1.1 200 OK\r\nX: " + long + "\r\n\r\n", delivery.CauseTooLarge, false},
		"endless early hints":     {strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+long[:1000]+"\r\n\r\n", 500), delivery.CauseTooLarge, false},
		"garbage":                 {"\x00\x01\x02 not http\r\n\r\n", delivery.CauseBadAnswer, false},
		"a banner":                {"SSH-2.0-OpenSSH_9.2\r\n", delivery.CauseBadAnswer, false},
		"a broken header":         {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", delivery.CauseBadAnswer, false},
		"two lengths":             {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", delivery.CauseBadAnswer, false},
		"half a status line":      {"HTTP/1.1 2", delivery.CauseBadAnswer, false},
		"nothing":                 {"", delivery.CauseReset, false},
		"bytes in text":           {"HTTP/1.1 200 \xff\xfe\x1b[31m\r\nX-\x80: \xc3\x28\r\nY: \xc3\x28\r\n\r\n", delivery.CauseBadAnswer, false},
		"bytes in a value":        {"HTTP/1.1 200 \xff\x1b[31m\r\nY: \xc3\x28\r\n\r\n\xff", "", true},
		"a body cut short":        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "", true},
		"a switch of protocols":   {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nabc", delivery.CauseStatus, false},
		"a redirect to nowhere":   {"HTTP/1.1 302 Found\r\nLocation: ://%zz\r\n\r\n", delivery.CauseRedirect, false},
		"a redirect without goal": {"HTTP/1.1 301 Moved\r\n\r\n", delivery.CauseRedirect, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := receive(t, behaviour{Raw: &c.raw}, 1, nil)
			att := newSender(t).Send(t.Context(), jobTo("http://127.0.0.1:"+server.port()))
			if att.Cause != c.cause || att.Succeeded() != c.ok || (att.Sentence == "") != c.ok {
				t.Errorf("%d %q %q, want %q", att.Status, att.Cause, att.Sentence, c.cause)
			}
			texts := []string{att.StatusText, att.Sentence}
			for _, h := range att.ResponseHeaders {
				texts = append(texts, h.Name, h.Value)
			}
			for _, text := range texts {
				if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b") {
					t.Errorf("%q cannot be stored", text)
				}
			}
		})
	}
}

func TestFailuresInWords(t *testing.T) {
	server := receive(t, behaviour{AcceptThen: "rst"}, 1, nil)
	closed := receive(t, behaviour{}, 1, nil)
	closed.ln.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	plainPort := plain.Listener.Addr().(*net.TCPAddr).Port
	for name, c := range map[string]struct {
		uri   string
		cause delivery.Cause
		says  string
	}{
		"nobody listens":      {"http://127.0.0.1:" + closed.port(), delivery.CauseRefused, "refused the connection on port " + closed.port()},
		"reset":               {"http://127.0.0.1:" + server.port(), delivery.CauseReset, "broke the connection off"},
		"no TLS there":        {fmt.Sprintf("https://127.0.0.1:%d", plainPort), delivery.CauseTLS, fmt.Sprintf("does not speak TLS on port %d", plainPort)},
		"never a destination": {"http://169.254.169.254/latest", delivery.CauseBlocked, "Webhooks are never sent there"},
		"not listed":          {"http://10.0.0.1/", delivery.CauseBlocked, "10.0.0.0/24 to the allowed networks"},
		"no URI at all":       {"", delivery.CauseInternal, "on our side"},
	} {
		t.Run(name, func(t *testing.T) {
			att := newSender(t).Send(t.Context(), jobTo(c.uri))
			if att.Cause != c.cause || !strings.Contains(att.Sentence, c.says) || att.Status != 0 || att.Duration <= 0 {
				t.Errorf("%q after %v: %q, want %q with %q", att.Cause, att.Duration, att.Sentence, c.cause, c.says)
			}
		})
	}
}

// TestAConnectionThatHangs: where packets are dropped, nothing comes back at all; the attempt ends in its time and says so.
func TestAConnectionThatHangs(t *testing.T) {
	port := fullBacklog(t)
	job := jobTo("http://127.0.0.1:" + port)
	job.Webhook.Timeout = time.Second
	att := newSender(t).Send(t.Context(), job)
	want := "127.0.0.1 did not take the connection on port " + port + " within 1 second. Check that the receiver is up and that no firewall drops the packets."
	if att.Cause != delivery.CauseConnectTimeout || att.Sentence != want || att.Status != 0 || att.Phases.Connect <= 0 || att.Phases.FirstByte != 0 {
		t.Errorf("%q %q with %+v, want %q", att.Cause, att.Sentence, att.Phases, want)
	}
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	for kind, c := range map[string]struct {
		cause delivery.Cause
		says  string
	}{
		"ok":            {"", ""},
		"wrong_host":    {delivery.CauseTLSName, "is for other.example.com"},
		"untrusted_ca":  {delivery.CauseTLSAuthority, "authority this machine does not know"},
		"expired":       {delivery.CauseTLSExpired, "expired on " + time.Now().UTC().Format("2 January 2006")},
		"not_yet_valid": {delivery.CauseTLSExpired, "not valid yet"},
		"tls11_only":    {delivery.CauseTLS, "TLS 1.2"},
		"big_chain":     {delivery.CauseTLS, ""},
		"hang":          {delivery.CauseTLSTimeout, "did not finish the TLS handshake"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			config, _ := ca.faulty(t, kind)
			server := receive(t, behaviour{Status: 200, TLS: kind}, 1, config)
			roots := newHTTP(Guard{Networks: listed}, "1", trusting(ca))
			t.Cleanup(roots.Close)
			job := jobTo("https://127.0.0.1:" + server.port())
			job.Webhook.Timeout = 3 * time.Second
			att := roots.Send(t.Context(), job)
			if att.Cause != c.cause || !strings.Contains(att.Sentence, c.says) {
				t.Errorf("%q %q, want %q with %q", att.Cause, att.Sentence, c.cause, c.says)
			}
			expires := kind != "hang" && kind != "tls11_only" && kind != "big_chain"
			if att.CertExpires.IsZero() == expires || att.Phases.TLS == 0 {
				t.Errorf("the certificate expires %v, the handshake took %v", att.CertExpires, att.Phases.TLS)
			}
			if kind != "ok" {
				return
			}
			if strange := newSender(t).Send(t.Context(), job); strange.Cause != delivery.CauseTLSAuthority {
				t.Errorf("an authority that is not trusted: %q", strange.Cause)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	server := receive(t, behaviour{AcceptThen: "hang"}, 1, nil)
	sender, job := newSender(t), jobTo("http://127.0.0.1:"+server.port())
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if att := sender.Send(ctx, job); att.Cause != delivery.CauseInterrupted || att.Duration > 4*time.Second {
		t.Errorf("ended as %q after %v", att.Cause, att.Duration)
	}
	_, conns := server.seen()
	if att := sender.Send(ctx, job); att.Cause != delivery.CauseInterrupted {
		t.Errorf("before it began: %q", att.Cause)
	}
	if _, after := server.seen(); after != conns {
		t.Error("something was sent although it was interrupted before")
	}
}

// TestOnePOSTForAnAttempt: a connection that was closed while it waited is noticed, and no attempt makes two POSTs of it.
func TestOnePOSTForAnAttempt(t *testing.T) {
	server := receive(t, behaviour{Status: 200, Close: true}, 1, nil) // closes after every answer, without saying so
	sender := newSender(t)
	for i := range 50 {
		job := jobTo("http://127.0.0.1:" + server.port())
		job.Webhook.Headers = webhook.Headers{{Name: "Idempotency-Key", Value: fmt.Sprint(i)}} // net/http repeats such a POST by itself
		sender.Send(t.Context(), job)
	}
	requests, _ := server.seen()
	for i, r := range requests {
		if i > 0 && r.header.Get("Idempotency-Key") == requests[i-1].header.Get("Idempotency-Key") {
			t.Fatalf("attempt %s made two POSTs", r.header.Get("Idempotency-Key"))
		}
	}
}
