package artifact

import (
	"time"

	"dockbell/models/fault"
)

// Quarantine is where a manifest stands that was pushed while its registry held pushes back; Azure's words.
type Quarantine string

// The states. What was pushed without the policy has none.
const (
	Free        Quarantine = ""
	Quarantined Quarantine = "Quarantined" // it waits for a scanner or an owner
	Passed      Quarantine = "Passed"
	Failed      Quarantine = "Failed" // it was rejected
)

// Holds reports whether a manifest in this state is kept from those who only pull.
func (q Quarantine) Holds() bool { return q == Quarantined || q == Failed }

// MaxDetails is the longest text that a scanner may leave beside its verdict, in bytes.
const MaxDetails = 8 << 10

// Ruling is what a scanner or an owner decides about a manifest and everything it is made of.
type Ruling struct {
	State   Quarantine
	Details string // whatever they have to say, usually JSON
}

// ParseRuling checks a decision; a bad one is a fault at field "quarantineState" or "quarantineDetails".
func ParseRuling(state, details string) (Ruling, error) {
	r := Ruling{State: Quarantine(state), Details: details}
	switch {
	case r.State != Passed && r.State != Failed && r.State != Quarantined:
		return Ruling{}, fault.In("quarantineState", "quarantineState is Passed, Failed or Quarantined.")
	case len(details) > MaxDetails:
		return Ruling{}, fault.In("quarantineDetails", "quarantineDetails has at most %d KiB.", MaxDetails>>10)
	}
	return r, nil
}

// Locks are what may not be done to a repository, a tag or a manifest. The zero value forbids nothing.
type Locks struct{ NoDelete, NoWrite, NoRead, NoList bool }

// Any reports whether something is forbidden.
func (l Locks) Any() bool { return l != Locks{} }

// Keeps reports whether the locked thing must stay: what may not be written may not go either, as in Azure.
func (l Locks) Keeps() bool { return l.NoDelete || l.NoWrite }

// LockChange switches some of the locks; nil leaves one as it is.
type LockChange struct{ Delete, Write, Read, List *bool } // true allows it

// Apply gives the locks after the change.
func (c LockChange) Apply(l Locks) Locks {
	for _, one := range []struct {
		allow *bool
		lock  *bool
	}{{c.Delete, &l.NoDelete}, {c.Write, &l.NoWrite}, {c.Read, &l.NoRead}, {c.List, &l.NoList}} {
		if one.allow != nil {
			*one.lock = !*one.allow
		}
	}
	return l
}

// Stored is a manifest as it lies in its repository.
type Stored struct {
	Manifest
	Chart           ChartInfo // of a chart: from its config blob
	Tag             string    // by which it was asked for
	Quarantine      Quarantine
	Details         string
	Locks           Locks // its own
	TagLocks        Locks // of the tag by which it was asked for
	RepositoryLocks Locks
	Created         time.Time
	Updated         time.Time // the last push
}
