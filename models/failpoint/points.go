package failpoint

// Point is a moment at which a death of the process would do the most harm.
type Point string

// The points.
const (
	Committed Point = "committed"  // an event is stored, its source not yet answered
	Claimed   Point = "claimed"    // a delivery is claimed, its receiver not yet called
	Sent      Point = "sent"       // the receiver was called, the result not yet stored
	Finishing Point = "finishing"  // results are written, but not committed
	Migrating Point = "migrating"  // some steps of an upgrade are done
	BackingUp Point = "backing-up" // the back-up has its database, but not all layers
)
