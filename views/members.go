package views

import (
	"strconv"
	"time"

	"dockbell/models/doctor"
	"dockbell/views/ui"
)

// Members is what is known of the servers and of what waits.
type Members struct {
	Facts    doctor.Facts
	Findings []doctor.Finding
}

// MembersPath is the address of the page.
const MembersPath = "/settings/members"

func (m Members) facts() string {
	return ui.Plural(len(m.Facts.Members), "server shares", "servers share") + " the work; " + ui.Count(m.Facts.Queue.Waiting) + " waiting, " + ui.Count(m.Facts.Queue.Flying) + " in flight"
}

func (m Members) pill(of doctor.Member) (kind, text string) {
	if of.Alive(m.Facts.Now) {
		return "", "Running"
	}
	return "bad", "Silent"
}

func lineState(l doctor.Line) (kind, text string) {
	switch {
	case l.Paused:
		return "off", "Paused"
	case !l.Failing.IsZero():
		return "bad", "Failing"
	default:
		return "", "Sending"
	}
}

// disk says how much of a disk is free.
func diskWords(d doctor.Disk) string {
	if d.Free < 0 || d.Size == 0 {
		return "–"
	}
	return ui.Bytes(d.Free) + " of " + ui.Bytes(d.Size)
}

func skewWords(d time.Duration) string {
	if d.Abs() < 100*time.Millisecond {
		return "exact"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}

func lineName(l doctor.Line) string {
	if l.Webhook == "" {
		return "A deleted webhook"
	}
	return string(l.Webhook)
}
