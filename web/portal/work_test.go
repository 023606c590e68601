package portal_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/webhook"
	"dockbell/web/dispatch"
)

// ring wakes the dispatcher of tests that have one.
func (h *house) ring() {
	if h.wake != nil {
		h.wake()
	}
}

// dispatches starts the real dispatcher with the real sender; its clock is the house's.
func (h *house) dispatches() {
	sender := dispatch.NewHTTP(dispatch.Guard{
		Networks: func() webhook.Networks {
			return webhook.Networks{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
		},
	}, "test")
	d := &dispatch.Dispatcher{Queue: h.db, Sender: sender, Feed: h.portal.Feed, Workers: 8, Now: h.Now, Jitter: func() float64 { return 0 }}
	h.wake = d.Wake
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			h.t.Errorf("the dispatcher: %v", err)
		}
		sender.Close()
	})
}

// receiver is an endpoint whose answer a test changes, with what came to it.
type receiver struct {
	url string

	mu     sync.Mutex
	status int
	answer string
	came   []*http.Request
	bodies []string
}

func newReceiver(t *testing.T, status int, answer string) *receiver {
	r := &receiver{status: status, answer: answer}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.came, r.bodies = append(r.came, req), append(r.bodies, string(body))
		w.Header().Set("X-Answered-By", "receiver")
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.answer)
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

func (r *receiver) answers(status int, answer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.answer = status, answer
}

// taken gives the bodies that came so far and the value of a header with each.
func (r *receiver) taken(header string) (bodies, values []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, req := range r.came {
		values = append(values, req.Header.Get(header))
	}
	return append(bodies, r.bodies...), values
}

// listens makes a webhook for a receiver.
func (h *house) listens(name, uri string, draft webhook.Draft) webhook.Webhook {
	h.t.Helper()
	draft.Registry, draft.Name, draft.Location, draft.ServiceURI = "mycontainerregistry", name, new("local"), &uri
	if draft.Actions == nil {
		draft.Actions = &[]string{"push"}
	}
	w, err := h.portal.Webhooks.Create(h.t.Context(), draft, owner)
	h.must(err)
	return w
}

// push stores an image of one layer under a tag as the registry's door does, and gives its digest.
func (h *house) push(repo, tag string) string {
	h.t.Helper()
	config, layer := "{}", "layer of "+repo
	describe := func(mediaType, content string) string {
		h.must(h.db.LinkBlob(h.t.Context(), "mycontainerregistry", repo, artifact.DigestOf([]byte(content), ""), int64(len(content))))
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, artifact.DigestOf([]byte(content), ""), len(content))
	}
	raw := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`, artifact.OCIManifest,
		describe("application/vnd.oci.image.config.v1+json", config), describe("application/vnd.oci.image.layer.v1.tar", layer))
	m, err := artifact.ParseManifest([]byte(raw), artifact.OCIManifest, "")
	h.must(err)
	h.change(event.Change{Kind: event.PutManifest, Repository: repo, Tag: tag, Digest: m.Digest, Manifest: m, Request: event.Request{Method: http.MethodPut}})
	return m.Digest
}

// remove deletes a manifest.
func (h *house) remove(repo, digest string) {
	h.t.Helper()
	h.change(event.Change{Kind: event.DeleteManifest, Repository: repo, Digest: digest, Request: event.Request{Method: http.MethodDelete}})
}

func (h *house) change(c event.Change) {
	h.t.Helper()
	c.Registry, c.Actor, c.Time = "mycontainerregistry", "ci", h.Now()
	c.Request.ID, c.Request.Addr, c.Request.Host, c.Request.UserAgent = "b1a9f0c2-5a64-4c0c-8f1c-2f7f7a3c9d51", "127.0.0.1", "dock.example.com", "crane/0.22"
	_, err := h.portal.Outbox.Record(h.t.Context(), c)
	h.must(err)
}

// settled waits until everything that is due at this moment of the house's clock was sent and its result is stored.
func (h *house) settled() []delivery.Delivery {
	h.t.Helper()
	h.ring()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		page, err := h.db.Deliveries(h.t.Context(), delivery.Filter{Registry: "mycontainerregistry", Limit: 200})
		h.must(err)
		busy := 0
		for _, del := range page.Deliveries {
			attempts, err := h.db.Attempts(h.t.Context(), del.ID)
			h.must(err)
			if del.Attempts != len(attempts) || del.State == delivery.Pending && !del.Next.After(h.Now()) {
				busy++
			}
		}
		if busy == 0 {
			return page.Deliveries
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%d deliveries are not sent", busy)
		}
	}
}
