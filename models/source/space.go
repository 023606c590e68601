package source

import (
	"time"

	"dockbell/models/fault"
)

// What the database takes for an arrival and for an accepted event beside what was sent, with their places in its indexes; in bytes.
const (
	ArrivalWeight = 256
	EventWeight   = 1024
)

// roomAfter is when a sender that was refused for space may ask again: room comes with retention, which looks every hour, or at
// once when somebody gives it more.
const roomAfter = 5 * time.Minute

// Full reports whether as much is kept of the source as may be; kept are the bytes that are there.
func (s Source) Full(kept int64) bool { return s.Space > 0 && kept >= int64(s.Space)<<20 }

// Fits refuses what a source sends while it is full.
func (s Source) Fits(kept int64) error {
	if !s.Full(kept) {
		return nil
	}
	return fault.New(fault.LimitReached, "The source %s may take up %d MiB with what it sends, and it does. Send this again later: "+
		"an administrator can give it more space, or keep history for a shorter time.", s.Name, s.Space).After(roomAfter)
}
