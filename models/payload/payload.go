// Package payload writes the body of a delivery: one format for each shape that receivers understand.
package payload

import (
	"dockbell/models/event"
	"dockbell/models/notice"
)

// Format is one shape of the body. The event carries the action it goes out as.
type Format struct {
	Name        string // stored with the webhook
	Title       string // shown in the form
	ContentType string
	UserAgent   string // product token in front of "dockbell/<version>"; empty: "Dockbell/<version>" alone
	Encode      func(event.Event) ([]byte, error)
	Notice      func(n notice.Notice, link string) ([]byte, error) // link is the webhook's page; nil: the format has no words for notices
}

// Formats are all of them in display order; the first is the default.
var Formats = []Format{Azure, Slack, Teams}

// ByName finds a format; an unknown name gives Azure and false.
func ByName(name string) (Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return Azure, name == ""
}

// Names are the names of all formats in display order.
func Names() []string {
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = f.Name
	}
	return names
}

// Telling are the names of the formats that have words for notices.
func Telling() []string {
	var names []string
	for _, f := range Formats {
		if f.Notice != nil {
			names = append(names, f.Name)
		}
	}
	return names
}
