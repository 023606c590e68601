package azure_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/web/dispatch"
)

// courier sends what a house has to deliver until the test ends, and tells when a result is stored.
type courier struct {
	t    *testing.T
	news <-chan delivery.Update
}

func (h *house) courier() *courier {
	h.t.Helper()
	feed := &delivery.Feed{}
	sender := dispatch.NewHTTP(dispatch.Guard{Networks: h.allowed}, "test")
	d := &dispatch.Dispatcher{Queue: h.db, Sender: sender, Feed: feed, Now: h.Now, Jitter: func() float64 { return 0 }}
	h.wake = d.Wake
	news, cancel := feed.Subscribe(first)
	ctx, stop := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			h.t.Errorf("the dispatcher ended: %v", err)
		}
		cancel()
		sender.Close()
	})
	return &courier{h.t, news}
}

// waits until so many results are stored.
func (c *courier) waits(n int) {
	c.t.Helper()
	for range n {
		if _, open := <-c.news; !open {
			c.t.Fatal("the feed ended")
		}
	}
}

// receiver answers every request with what the path asks for.
func receiver(t *testing.T) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/forbidden":
			w.Header().Add("X-Twice", "a")
			w.Header().Add("X-Twice", "b")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(strings.Repeat("é", 5000)))
		case "/slow":
			select {
			case <-r.Context().Done():
			case <-t.Context().Done():
			}
		default:
			_, _ = w.Write([]byte("accepted"))
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// hookTo makes a webhook that sends to an address.
func (c *client) hookTo(name, uri, more string) string {
	c.h.t.Helper()
	at := c.h.hooks() + "/" + name
	c.put(at, `{"location":"eastus","properties":{"serviceUri":"`+uri+`","actions":["push"],"customHeaders":{"X-Key":"c4nary"}`+more+`}}`).status(200)
	return at
}

func TestPingAndItsEvent(t *testing.T) {
	h := newHouse(t)
	c, sent, to := h.owner(), h.courier(), receiver(t)
	at := c.hookTo("hook1", strings.Replace(to, "http://", "http://user:s3cret@", 1)+"/ok", `,"status":"disabled","scope":"other:*"`)
	c.post(at+"/listEvents").status(200).says("value.0", nil)
	id := c.post(at + "/ping").status(200).at("id").(string)
	sent.waits(1)
	r := c.post(at + "/listEvents").status(200)
	r.says("value.0.id", id).says("value.0.eventRequestMessage.content.id", id).says("value.0.eventRequestMessage.content.action", "ping").
		says("value.0.eventRequestMessage.content.target", nil).says("value.0.eventRequestMessage.content.request", nil).
		says("value.0.eventRequestMessage.method", "POST").says("value.0.eventRequestMessage.version", "1.1").
		says("value.0.eventRequestMessage.headers.Content-Length", "104").
		says("value.0.eventRequestMessage.headers.Host", nil).says("value.0.eventRequestMessage.headers.User-Agent", nil).
		says("value.0.eventRequestMessage.headers.Content-Type", "application/json; charset=utf-8").
		says("value.0.eventResponseMessage.statusCode", "200").says("value.0.eventResponseMessage.reasonPhrase", "OK").
		says("value.0.eventResponseMessage.content", "accepted").says("value.0.eventResponseMessage.version", "1.1").says("value.1", nil)
	if strings.Contains(r.body, "c4nary") || strings.Contains(r.body, "s3cret") || !strings.Contains(r.body, `"X-Key":"******"`) {
		t.Errorf("listEvents tells secrets, or hides that there are some: %s", r.body)
	}
	if again := c.get(at + "/listEvents").status(200); again.body != r.body {
		t.Errorf("GET gives something else than POST: %s", again.body)
	}
}

// TestAnswersInAzuresWords: a refusal with its first 4,096 characters, a timeout as 504, no answer with its word.
func TestAnswersInAzuresWords(t *testing.T) {
	h := newHouse(t)
	c, sent, to := h.owner(), h.courier(), receiver(t)
	at := c.hookTo("hook1", to+"/forbidden", "")
	c.post(at + "/ping").status(200)
	sent.waits(1)
	r := c.post(at+"/listEvents").status(200).says("value.0.eventResponseMessage.statusCode", "403").says("value.0.eventResponseMessage.reasonPhrase", "Forbidden").
		says("value.0.eventResponseMessage.headers.X-Twice", "a, b")
	if got := []rune(r.at("value.0.eventResponseMessage.content").(string)); len(got) != 4096 {
		t.Errorf("%d characters of the answer are listed", len(got))
	}

	at = c.hookTo("hook2", to+"/slow", "")
	stored, err := h.db.Webhook(t.Context(), first, "hook2")
	h.must(err)
	stored.Timeout = 50 * time.Millisecond
	h.must(h.db.UpdateWebhook(t.Context(), stored, stored.Version))
	c.post(at + "/ping").status(200)
	sent.waits(1)
	c.post(at+"/listEvents").status(200).says("value.0.eventResponseMessage.statusCode", "504").says("value.0.eventResponseMessage.content", nil)

	at = c.hookTo("hook3", to+"/ok", "")
	h.allow(netip.MustParsePrefix("10.0.0.0/8")) // loopback is not allowed any more
	c.post(at + "/ping").status(200)
	sent.waits(1)
	c.post(at+"/listEvents").status(200).says("value.0.eventResponseMessage.reasonPhrase", "Blocked").says("value.0.eventResponseMessage.statusCode", nil)
}

// TestEventsOfPushes: the content is Azure's payload, and more than a page is followed with GET.
func TestEventsOfPushes(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := c.hookTo("hook1", "https://hooks.example.com/acr", "") // nobody sends: the events wait
	const n = 130
	for i := range n {
		id := event.ID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
		h.must(h.door.Outbox.Publish(t.Context(), event.Event{
			ID: id, Registry: first, Location: "eastus", Action: event.Push, Time: h.Now(), Source: "builtin",
			Target: event.Target{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: "sha256:" + strings.Repeat("a", 64), Size: 7, Repository: "team/api", Tag: fmt.Sprint("v", i)},
		}))
	}
	page := c.post(at+"/listEvents").status(200).
		says("value.0.eventRequestMessage.content.target.tag", "v129").says("value.0.eventRequestMessage.content.target.length", 7.0).
		says("value.0.eventResponseMessage", nil).says("value.0.eventRequestMessage.requestUri", "https://hooks.example.com/acr")
	if got := len(page.at("value").([]any)); got != 100 {
		t.Fatalf("the first page has %d events", got)
	}
	next := page.at("nextLink").(string)
	rest := c.get(next).status(200).says("value.29.eventRequestMessage.content.target.tag", "v0").says("nextLink", nil)
	if got := len(rest.at("value").([]any)); got != n-100 {
		t.Errorf("the second page has %d events", got)
	}
	c.delete(at).status(200)
	at = c.hookTo("hook1", "https://hooks.example.com/acr", "")
	c.post(at+"/listEvents").status(200).says("value.0", nil) // another webhook of that name
}

// TestAddressesWithoutAPath are listed with a slash, as in Azure; a User-Agent of the webhook's own is listed, masked.
func TestAddressesWithoutAPath(t *testing.T) {
	h := newHouse(t)
	c, sent, to := h.owner(), h.courier(), receiver(t)
	at := c.hookTo("hook1", to+"?x=1", "")
	c.patch(at, `{"properties":{"customHeaders":{"User-Agent":"mine"}}}`).status(200)
	c.post(at + "/ping").status(200)
	sent.waits(1)
	c.post(at+"/listEvents").status(200).says("value.0.eventRequestMessage.requestUri", to+"/?x=1").
		says("value.0.eventRequestMessage.headers.User-Agent", "******")
	c.patch(at, `{"properties":{"serviceUri":"`+to+`"}}`).status(200)
	c.post(at + "/ping").status(200)
	sent.waits(1)
	c.post(at+"/listEvents").status(200).says("value.0.eventRequestMessage.requestUri", to+"/")
}
