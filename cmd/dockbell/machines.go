package main

import (
	"log/slog"
	"time"

	"dockbell/models/delivery"
)

// sharedPoll is how long a dispatcher sleeps at most where other processes leave work that nobody wakes it for.
const sharedPoll = 5 * time.Second

// share tells the other processes of the same PostgreSQL what happens here, and this one what happens there.
func (h *house) share(feed *delivery.Feed, log *slog.Logger) {
	h.relay = &delivery.Relay{Wire: h.db, Feed: feed, Wake: h.dispatcher.Wake, Log: log}
	feed.Outward = h.relay.Update
	h.dispatcher.Poll = sharedPoll
}

// wake says that there is work: here, and where others share it.
func (h *house) wake() {
	h.dispatcher.Wake()
	if h.relay != nil {
		h.relay.Work()
	}
}
