package store

import (
	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/registry"
)

type eventRow struct {
	ID            string `gorm:"primaryKey"`
	Seq           int64
	Registry      string
	RegistryKey   string
	Location      string
	Action        string
	At            int64
	Repository    string
	Tag           string
	Digest        string
	MediaType     string
	Size          int64
	Kind          string
	ChartName     string
	ChartVersion  string
	CarriedTags   string
	RequestID     string
	RequestAddr   string
	RequestHost   string
	RequestMethod string
	UserAgent     string
	Actor         string
	Source        string
	Webhooks      int64
}

// TableName is GORM's question for the table.
func (eventRow) TableName() string { return "events" }

func rowOfEvent(ev event.Event, seq int64, webhooks int) eventRow {
	return eventRow{
		ID: string(ev.ID), Seq: seq, Registry: string(ev.Registry), RegistryKey: ev.Registry.Key(), Location: string(ev.Location),
		Action: string(ev.Action), At: micros(ev.Time),
		Repository: plainText(ev.Target.Repository), Tag: plainText(ev.Target.Tag), Digest: plainText(ev.Target.Digest),
		MediaType: plainText(ev.Target.MediaType), Size: ev.Target.Size, Kind: string(ev.Target.Kind),
		ChartName: plainText(ev.Target.Chart.Name), ChartVersion: plainText(ev.Target.Chart.Version), CarriedTags: toJSON(ev.CarriedTags),
		RequestID: plainText(ev.Request.ID), RequestAddr: plainText(ev.Request.Addr), RequestHost: plainText(ev.Request.Host),
		RequestMethod: plainText(ev.Request.Method), UserAgent: plainText(ev.Request.UserAgent),
		Actor: plainText(ev.Actor), Source: plainText(ev.Source), Webhooks: int64(webhooks),
	}
}

func (row eventRow) event() (event.Event, error) {
	ev := event.Event{
		ID: event.ID(row.ID), Registry: registry.Name(row.Registry), Location: registry.Location(row.Location),
		Action: event.Action(row.Action), Time: moment(row.At),
		Target: event.Target{
			MediaType: row.MediaType, Digest: row.Digest, Size: row.Size, Repository: row.Repository, Tag: row.Tag, Kind: artifact.Kind(row.Kind),
			Chart: artifact.ChartInfo{Name: row.ChartName, Version: row.ChartVersion},
		},
		Request: event.Request{
			ID: row.RequestID, Addr: row.RequestAddr, Host: row.RequestHost, Method: row.RequestMethod, UserAgent: row.UserAgent,
		},
		Actor: row.Actor, Source: row.Source,
	}
	return ev, fromJSON(row.CarriedTags, &ev.CarriedTags)
}

// verdictsRow keeps an event's verdicts together: they are written once and read together.
type verdictsRow struct {
	EventID  string `gorm:"primaryKey"`
	Verdicts string
}

// TableName is GORM's question for the table.
func (verdictsRow) TableName() string { return "verdicts" }

// verdictJSON is one verdict inside its row.
type verdictJSON struct {
	WebhookID string       `json:"id"`
	Webhook   string       `json:"webhook"`
	Fires     bool         `json:"fires,omitempty"`
	As        event.Action `json:"as,omitempty"`
	Reason    string       `json:"reason"`
}

// eventHourRow counts a registry's events of an hour.
type eventHourRow struct {
	Registry    string
	RegistryKey string `gorm:"primaryKey"`
	Hour        int64  `gorm:"primaryKey;autoIncrement:false"`
	Action      string `gorm:"primaryKey"`
	Shard       int64  `gorm:"primaryKey;autoIncrement:false"`
	Events      int64
}

// TableName is GORM's question for the table.
func (eventHourRow) TableName() string { return "event_hours" }
