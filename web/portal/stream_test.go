package portal

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/fault"
)

// counter is a page that counts how often it is drawn and shows what changed.
type counter struct {
	drawn int
	asked [][]string
	err   error
	hold  chan struct{} // the collector waits for it
}

func (c *counter) key(u delivery.Update) string {
	if c.hold != nil {
		<-c.hold
	}
	return u.WebhookID
}

func (c *counter) renew(_ context.Context, b *board, changed []string) error {
	c.drawn++
	c.asked = append(c.asked, changed)
	b.put("#n", "innerHTML", row("n", strconv.Itoa(c.drawn)).draw(false))
	return c.err
}

// opened is a stream of a counter that runs inside a bubble of fake time.
type opened struct {
	streaming
	page      *counter
	rec       *httptest.ResponseRecorder
	feed      *delivery.Feed
	cancel    context.CancelFunc // the browser leaves
	stopping  chan struct{}
	signedOut atomic.Bool
	failed    error
	ended     chan struct{}
}

func open(t *testing.T) *opened {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	o := &opened{
		page: &counter{}, rec: httptest.NewRecorder(), feed: &delivery.Feed{}, cancel: cancel,
		stopping: make(chan struct{}), ended: make(chan struct{}),
	}
	updates, forget := o.feed.Subscribe("myregistry")
	waits := newNotes()
	go waits.collect(updates, o.page.key)
	o.streaming = streaming{
		page: o.page, waits: waits, board: newBoard(ctx), out: frames{w: o.rec, conn: http.NewResponseController(o.rec)},
		stays: func() bool { return !o.signedOut.Load() }, stop: o.stopping, broken: func(err error) { o.failed = err },
	}
	go func() {
		defer close(o.ended)
		defer forget()
		o.run(ctx)
	}()
	synctest.Wait()
	return o
}

// over waits for the end of the stream.
func (o *opened) over(t *testing.T) {
	t.Helper()
	select {
	case <-o.ended:
	case <-time.After(time.Minute):
		t.Error("the stream stays open")
	}
}

func (o *opened) publish(n, hooks int) {
	for i := range n {
		o.feed.Publish(delivery.Update{Registry: "myregistry", WebhookID: "hook" + strconv.Itoa(i%hooks), DeliveryID: delivery.ID(i + 1)})
		if i%100 == 99 {
			synctest.Wait() // the collector keeps up with a burst of this length
		}
	}
}

func TestStreamBeginsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		if o.page.drawn != 1 || o.page.asked[0] != nil {
			t.Errorf("drawn %d times, asked %v", o.page.drawn, o.page.asked)
		}
		if !strings.HasPrefix(o.rec.Body.String(), ":\n\n") || !o.rec.Flushed {
			t.Errorf("nothing was sent at once: %q", o.rec.Body.String())
		}
		o.cancel()
		o.over(t)
	})
}

// TestStreamOfABurst proves that 1,000 updates within a second are a handful of frames, which name every webhook once.
func TestStreamOfABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		for range 10 {
			o.publish(100, 7)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(frameEvery)
		synctest.Wait()
		if o.page.drawn < 3 || o.page.drawn > 8 {
			t.Errorf("drawn %d times in a second, want about 5", o.page.drawn)
		}
		for _, changed := range o.page.asked[1:] {
			if len(changed) != 7 {
				t.Errorf("a frame was asked for %v", changed)
			}
		}
		o.cancel()
		o.over(t)
	})
}

func TestStreamSendsALoneUpdateSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		time.Sleep(time.Second)
		o.publish(1, 1)
		synctest.Wait()
		if o.page.drawn != 2 {
			t.Errorf("drawn %d times, want 2 without waiting", o.page.drawn)
		}
		o.cancel()
		o.over(t)
	})
}

func TestStreamBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		time.Sleep(2*beatEvery + time.Second)
		synctest.Wait()
		if beats := strings.Count(o.rec.Body.String(), ":\n\n"); beats != 3 || o.page.drawn != 3 {
			t.Errorf("%d heartbeats, drawn %d times; want 3 and 3", beats, o.page.drawn)
		}
		o.cancel()
		o.over(t)
	})
}

func TestStreamEnds(t *testing.T) {
	for name, end := range map[string]func(*opened){
		"browser leaves": func(o *opened) { o.cancel() },
		"server stops":   func(o *opened) { close(o.stopping) },
		"session ends":   func(o *opened) { o.signedOut.Store(true) },
		"thing deleted": func(o *opened) {
			o.page.err = fault.New(fault.NotFound, "gone")
			o.publish(1, 1)
		},
		"listener dropped": func(o *opened) {
			o.page.hold = make(chan struct{})
			for i := range 1000 { // the collector does not keep up
				o.feed.Publish(delivery.Update{Registry: "myregistry", WebhookID: strconv.Itoa(i)})
			}
			close(o.page.hold)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := open(t)
				end(o)
				o.over(t)
				if o.failed != nil {
					t.Errorf("logged %v", o.failed)
				}
				o.cancel()
			})
		})
	}
}

func TestStreamLogsWhatBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		o.page.err = errors.New("disk full")
		o.publish(1, 1)
		o.over(t)
		if o.failed == nil {
			t.Error("nothing was logged")
		}
		o.cancel()
	})
}
