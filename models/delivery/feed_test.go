package delivery

import (
	"sync"
	"testing"
)

func TestFeedTellsTheRegistrysListenersAlone(t *testing.T) {
	var f Feed
	mine, stopMine := f.Subscribe("Acme1")
	other, stopOther := f.Subscribe("other1")
	defer stopOther()
	f.Publish(Update{Registry: "ACME1", DeliveryID: 7})
	if u := <-mine; u.DeliveryID != 7 {
		t.Errorf("%+v, want delivery 7", u)
	}
	if len(other) != 0 {
		t.Errorf("another registry heard of it: %+v", <-other)
	}
	stopMine()
	stopMine() // a second time changes nothing
	if _, open := <-mine; open {
		t.Error("the channel is open after cancelling")
	}
	f.Publish(Update{Registry: "acme1"}) // to nobody, and to no closed channel
}

func TestFeedDropsWhoDoesNotKeepUp(t *testing.T) {
	var f Feed
	slow, stopSlow := f.Subscribe("acme1")
	quick, stopQuick := f.Subscribe("acme1")
	defer stopQuick()
	for i := range feedBuffer + 1 {
		f.Publish(Update{Registry: "acme1", DeliveryID: ID(i)})
		if u := <-quick; u.DeliveryID != ID(i) {
			t.Fatalf("the quick one got %d, want %d", u.DeliveryID, i)
		}
	}
	got := 0
	for u := range slow { // ends only when the feed closed the channel
		if u.DeliveryID != ID(got) {
			t.Fatalf("the slow one got %d, want %d", u.DeliveryID, got)
		}
		got++
	}
	if got != feedBuffer {
		t.Errorf("the slow one got %d updates before it was dropped, want %d", got, feedBuffer)
	}
	stopSlow()
	again, stop := f.Subscribe("acme1")
	defer stop()
	f.Publish(Update{Registry: "acme1", EventID: "later"})
	if u := <-again; u.EventID != "later" {
		t.Errorf("%+v after subscribing again", u)
	}
}

func TestFeedForgetsWhoLeft(t *testing.T) {
	var f Feed
	for range 10 {
		_, stop := f.Subscribe("acme1")
		stop()
	}
	if len(f.listeners) != 0 {
		t.Errorf("%d registries are remembered without a listener", len(f.listeners))
	}
}

// TestFeedMayBeUsedByManyAtOnce closes and publishes at once: no send on a closed channel, no race.
func TestFeedMayBeUsedByManyAtOnce(t *testing.T) {
	var f Feed
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				updates, stop := f.Subscribe("acme1")
				f.Publish(Update{Registry: "acme1"})
				if _, open := <-updates; !open {
					t.Error("dropped at the first update")
				}
				stop()
			}
		})
	}
	all.Wait()
}
