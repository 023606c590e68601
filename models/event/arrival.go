package event

import (
	"time"

	"dockbell/models/registry"
)

// Arrival is an event as feeds show it, with the number of webhooks it fired.
type Arrival struct {
	Event    Event
	Webhooks int
}

// HourCount is how many events of one action a registry had in one hour.
type HourCount struct {
	Registry registry.Name
	Hour     time.Time // its beginning
	Action   Action
	Events   int
}
