package dispatch

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
)

// endpointCase is one line of testdata/endpoint_behaviours.json: what a receiver does, and what must come of it.
type endpointCase struct {
	ID       string
	Receiver behaviour
	Expect   expectation
	Why      string
}

type expectation struct {
	Class          string
	HTTPStatus     *int `json:"http_status"`
	Attempts       int
	NextDelayS     *float64 `json:"next_delay_s"`
	NextDelayMinS  *float64 `json:"next_delay_min_s"`
	NextDelayMaxS  *float64 `json:"next_delay_max_s"`
	PausedS        *float64 `json:"endpoint_paused_s"`
	OtherRequests  *int     `json:"other_server_requests"`
	Error          string
	ErrorContains  string  `json:"error_contains"`
	MaxSeconds     float64 `json:"max_seconds"`
	Shown          string
	AzureCode      string  `json:"azure_status_code"`
	StoredBodyMax  *int    `json:"stored_body_max"`
	Truncated      bool    `json:"truncated"`
	RSSGrowthMax   float64 `json:"rss_growth_max_mb"`
	ConnectionsMax int     `json:"connections_max"`
	SameID         bool    `json:"same_id"`
}

// secret signs every delivery of the cases.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// bench is what a case runs against: the real sender, or one that is broken on purpose.
type bench struct {
	ca    authority
	build func(guard Guard, config *tls.Config) *HTTP
}

// outcome is what a case came to.
type outcome struct {
	attempts []delivery.Attempt
	last     delivery.Done
	took     time.Duration // of the longest attempt, in the case's own time
	wait     time.Duration // until the attempt after the last one
	requests []received
	conns    int
	others   int
	heap     float64 // MB allocated by the whole case
}

func TestEndpoints(t *testing.T) {
	raw, err := os.ReadFile("testdata/endpoint_behaviours.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []endpointCase }
	if err := json.Unmarshal(raw, &all); err != nil || len(all.Cases) == 0 {
		t.Fatalf("%d cases, %v", len(all.Cases), err)
	}
	b := bench{ca: newAuthority(t), build: func(g Guard, config *tls.Config) *HTTP { return newHTTP(g, "1.2.3", config) }}
	for _, c := range all.Cases {
		t.Run(c.ID, func(t *testing.T) {
			if c.Receiver.Days > 0 {
				checkDays(t, c)
				return
			}
			if c.Expect.RSSGrowthMax == 0 { // the others measure memory: alone
				t.Parallel()
			}
			for _, deviation := range b.run(t, c) {
				t.Errorf("%s (%s)", deviation, c.Why)
			}
		})
	}
}

// run plays a case and lists what came out otherwise than expected.
func (b bench) run(t *testing.T, c endpointCase) []string {
	t.Helper()
	hook, scale := hookOf(t, c)
	other := receive(t, behaviour{Status: 200}, 1, nil)
	for name, value := range c.Receiver.Headers {
		value = strings.ReplaceAll(value, "{other}", other.port())
		if strings.HasPrefix(value, "{http_date:+") {
			var ahead int
			_, _ = fmt.Sscanf(value, "{http_date:+%ds}", &ahead)
			value = time.Now().Add(time.Duration(ahead) * time.Second).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
		}
		c.Receiver.Headers[name] = value
	}
	config, known := b.ca.faulty(t, c.Receiver.TLS)
	if c.Receiver.TLS != "" && !known {
		t.Skipf("no server has the TLS fault %q", c.Receiver.TLS)
	}
	server := receive(t, c.Receiver, scale, config)
	hook.ServiceURI = addressOf(t, c, server)
	sender := b.build(guardOf(t, c), trusting(b.ca))
	t.Cleanup(sender.Close)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out := play(t, sender, hook, c)
	runtime.ReadMemStats(&after)
	out.heap = float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20)
	out.took = time.Duration(float64(out.took) / scale)
	out.requests, out.conns = server.seen()
	seen, _ := other.seen()
	out.others = len(seen)
	return append(c.Expect.deviations(out), signatures(c, out)...)
}

// hookOf makes the webhook, and the scale that brings its timeout down to a few seconds: long enough to tell 9 from 10.
func hookOf(t *testing.T, c endpointCase) (webhook.Webhook, float64) {
	t.Helper()
	timeout := c.Receiver.Webhook.TimeoutS
	if timeout == 0 {
		timeout = 10
	}
	scale := min(1, 3/timeout)
	hook := hook("a")
	hook.Timeout = time.Duration(timeout * scale * float64(time.Second))
	hook.SigningSecrets = []webhook.Secret{{Value: secret}}
	switch retry := c.Receiver.Webhook.Retry.(type) {
	case string:
		hook.Retry.Kind = webhook.RetryKind(retry)
	case []any:
		hook.Retry.Kind = webhook.RetryOwn
		for _, s := range retry {
			hook.Retry.Steps = append(hook.Retry.Steps, time.Duration(s.(float64)*float64(time.Second)))
		}
	}
	return hook, scale
}

func addressOf(t *testing.T, c endpointCase, server *receiver) webhook.URI {
	t.Helper()
	scheme, host, port := "http", "127.0.0.1", server.port()
	if c.Receiver.TLS != "" {
		scheme = "https"
	}
	if c.Receiver.DNS != "" {
		host = "receiver.example.com"
	}
	if c.Receiver.BacklogFull {
		port = fullBacklog(t)
	}
	u, err := webhook.ParseURI(scheme + "://" + host + ":" + port + "/hook")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// guardOf lists loopback, unless the case is about a name that moves there.
func guardOf(t *testing.T, c endpointCase) Guard {
	t.Helper()
	networks := webhook.Networks{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	replies := map[string][][]string{}
	if c.Receiver.DNS == "rebind_to_loopback" {
		networks.Allowed = nil
		replies["receiver.example.com"] = [][]string{{"127.0.0.1"}}
	}
	return Guard{Networks: func() webhook.Networks { return networks }, Resolver: lookUp(t, c.Receiver.DNS, replies)}
}

// play sends until the delivery is decided, or once where the case ends with a retry.
func play(t *testing.T, sender *HTTP, hook webhook.Webhook, c endpointCase) outcome {
	t.Helper()
	var out outcome
	clock := time.Now()
	sender.At(func() time.Time { return clock })
	for range max(c.Receiver.Requests, 1) {
		job := delivery.Job{Webhook: &hook, Delivery: delivery.Delivery{
			ID: 4711, WebhookID: hook.ID, Action: event.Push, Body: []byte(`{"test": 2432232314}`), State: delivery.Pending,
		}}
		for job.Delivery.State == delivery.Pending {
			job.Delivery.Attempts++
			began := time.Now()
			att := sender.Send(t.Context(), job)
			out.took = max(out.took, time.Since(began))
			out.attempts = append(out.attempts, att)
			out.last = delivery.Next(job, att, clock, nil)
			job.Delivery = out.last.Delivery
			out.wait = job.Delivery.Next.Sub(clock)
			if c.Expect.Class == "retry" {
				break
			}
			clock = clock.Add(max(out.wait, 0))
		}
	}
	return out
}

// deviations compares an outcome with what a case expects.
func (e expectation) deviations(out outcome) []string {
	var all []string
	wrong := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	att := out.attempts[len(out.attempts)-1]
	if got := classOf(out); got != e.Class {
		wrong("class %s (%d %s: %s), want %s", got, att.Status, att.Cause, att.Sentence, e.Class)
	}
	if e.HTTPStatus != nil && att.Status != *e.HTTPStatus {
		wrong("status %d, want %d", att.Status, *e.HTTPStatus)
	}
	if e.Attempts != 0 && len(out.attempts) != e.Attempts {
		wrong("%d attempts, want %d", len(out.attempts), e.Attempts)
	}
	for _, bound := range []struct {
		min, max *float64
		got      time.Duration
	}{{e.NextDelayS, e.NextDelayS, out.wait}, {e.NextDelayMinS, e.NextDelayMaxS, out.wait}, {e.PausedS, e.PausedS, out.last.Pause}} {
		if bound.min != nil && bound.got.Seconds() < *bound.min-1 || bound.max != nil && bound.got.Seconds() > *bound.max+1 {
			wrong("a wait of %v", bound.got)
		}
	}
	if e.OtherRequests != nil && out.others != *e.OtherRequests {
		wrong("%d requests reached the other server", out.others)
	}
	if !kindOf(e.Error, att.Cause) {
		wrong("cause %q, want %q", att.Cause, e.Error)
	}
	if !strings.Contains(att.Sentence, e.ErrorContains) || (att.Sentence == "") != att.Succeeded() {
		wrong("the sentence is %q", att.Sentence)
	}
	if e.MaxSeconds > 0 && out.took.Seconds() > e.MaxSeconds+1 {
		wrong("took %v", out.took)
	}
	if e.Shown != "" && att.Result().Word() != e.Shown {
		wrong("shown as %q", att.Result().Word())
	}
	if e.AzureCode == "504" && !att.Cause.Timeout() {
		wrong("%q is not listed as 504", att.Cause)
	}
	if e.StoredBodyMax != nil && (len(att.ResponseBody) > *e.StoredBodyMax || att.Truncated != e.Truncated) {
		wrong("%d bytes of body are kept, truncated %v", len(att.ResponseBody), att.Truncated)
	}
	if e.RSSGrowthMax > 0 && out.heap > e.RSSGrowthMax {
		wrong("%.1f MB were allocated", out.heap)
	}
	if e.ConnectionsMax > 0 && out.conns > e.ConnectionsMax {
		wrong("%d connections were opened", out.conns)
	}
	return all
}

func classOf(out outcome) string {
	switch del := out.last.Delivery; {
	case out.last.Disable != "":
		return "stop_and_disable"
	case del.State == delivery.Delivered:
		return "success"
	case del.State == delivery.Failed:
		return "failed"
	default:
		return "retry"
	}
}

// kindOf reports whether a cause is of the kind that the case files name.
func kindOf(kind string, c delivery.Cause) bool {
	switch kind {
	case "":
		return true
	case "timeout":
		return c == delivery.CauseAnswerTimeout
	case "connect timeout":
		return c == delivery.CauseConnectTimeout
	case "tls":
		return strings.HasPrefix(string(c), "tls") || c == delivery.CauseTLSTimeout
	default:
		return string(c) == kind
	}
}

// signatures checks every request with the reference library: the same id on each, a timestamp of its own where the case says so.
func signatures(c endpointCase, out outcome) []string {
	var all []string
	verifier, _ := standardwebhooks.NewWebhook(secret)
	stamps := map[string]bool{}
	for _, r := range out.requests {
		if err := verifier.VerifyIgnoringTimestamp(r.body, r.header); err != nil {
			all = append(all, err.Error())
		}
		if id := r.header.Get("webhook-id"); id != "4711" {
			all = append(all, "webhook-id "+id)
		}
		stamps[r.header.Get("webhook-timestamp")+r.header.Get("webhook-signature")] = true
	}
	if c.Expect.SameID && (len(out.requests) < 2 || len(stamps) != len(out.requests)) {
		all = append(all, fmt.Sprintf("%d requests have %d timestamps and signatures", len(out.requests), len(stamps)))
	}
	return all
}

// fullBacklog gives a port on which a connection is never taken: a listener that accepts nothing, with its queue filled.
func fullBacklog(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(name.(*syscall.SockaddrInet4).Port)
	for range 8 {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, 300*time.Millisecond)
		if err != nil {
			return port // full
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("this system takes connections that nobody accepts")
	return ""
}

// checkDays plays failures by a clock of its own: a webhook all of whose attempts fail for five days is disabled.
func checkDays(t *testing.T, c endpointCase) {
	t.Helper()
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	failing, disabled, to := time.Time{}, time.Time{}, hook("a")
	for hour := 0; hour <= int(c.Receiver.Days*24); hour++ {
		now := start.Add(time.Duration(hour) * time.Hour)
		att := delivery.Attempt{Status: c.Receiver.Status, Cause: delivery.CauseStatus, Started: now}
		if c.Receiver.SuccessOnDay > 0 && hour == 24*c.Receiver.SuccessOnDay {
			att = delivery.Attempt{Status: 200, Started: now}
		}
		done := delivery.Next(delivery.Job{Webhook: &to, FailingSince: failing, Delivery: delivery.Delivery{Action: event.Push}}, att, now, nil)
		switch {
		case att.Succeeded():
			failing = time.Time{}
		case failing.IsZero():
			failing = now
		}
		if done.Disable != "" && disabled.IsZero() {
			disabled = now
		}
	}
	if got := !disabled.IsZero(); got != (c.Expect.Class == "disabled") {
		t.Errorf("disabled at %v, want %s (%s)", disabled, c.Expect.Class, c.Why)
	}
}
