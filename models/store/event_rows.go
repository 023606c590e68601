package store

import (
	"dockbell/models/artifact"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

type eventRow struct {
	Seq           int64 `gorm:"primaryKey;autoIncrement:false"`
	ID            string
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
	ImageID       int64
	FirstDelivery int64
	LastDelivery  int64
	Verdicts      string
}

// TableName is GORM's question for the table.
func (eventRow) TableName() string { return "events" }

// eventFacts are the columns that say what happened, without the verdicts.
var eventFacts = []string{
	"seq", "id", "registry", "registry_key", "location", "action", "at", "repository", "tag", "digest", "media_type", "size", "kind", "chart_name",
	"chart_version", "carried_tags", "request_id", "request_addr", "request_host", "request_method", "user_agent", "actor", "source", "webhooks",
}

// rowOfEntry is an entry's event, without its seq and image.
func rowOfEntry(entry delivery.Entry) eventRow {
	ev := entry.Event
	row := eventRow{
		ID: string(ev.ID), Registry: string(ev.Registry), RegistryKey: ev.Registry.Key(), Location: plainText(string(ev.Location)),
		Action: string(ev.Action), At: micros(ev.Time),
		Repository: plainText(ev.Target.Repository), Tag: plainText(ev.Target.Tag), Digest: plainText(ev.Target.Digest),
		MediaType: plainText(ev.Target.MediaType), Size: ev.Target.Size, Kind: plainText(string(ev.Target.Kind)),
		ChartName: plainText(ev.Target.Chart.Name), ChartVersion: plainText(ev.Target.Chart.Version), CarriedTags: toJSON(plainTexts(ev.CarriedTags)),
		RequestID: plainText(ev.Request.ID), RequestAddr: plainText(ev.Request.Addr), RequestHost: plainText(ev.Request.Host),
		RequestMethod: plainText(ev.Request.Method), UserAgent: plainText(ev.Request.UserAgent),
		Actor: plainText(ev.Actor), Source: plainText(ev.Source), Webhooks: int64(len(entry.Deliveries)), Verdicts: verdictsOf(entry.Verdicts),
	}
	for _, del := range entry.Deliveries {
		if row.FirstDelivery == 0 || int64(del.ID) < row.FirstDelivery {
			row.FirstDelivery = int64(del.ID)
		}
		row.LastDelivery = max(row.LastDelivery, int64(del.ID))
	}
	return row
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

// verdictJSON is one verdict inside its event's row.
type verdictJSON struct {
	WebhookID string       `json:"id"`
	Webhook   string       `json:"webhook"`
	Fires     bool         `json:"fires,omitempty"`
	As        event.Action `json:"as,omitempty"`
	Reason    string       `json:"reason"`
}

func verdictsOf(verdicts []webhook.Verdict) string {
	list := make([]verdictJSON, 0, len(verdicts))
	for _, v := range verdicts {
		list = append(list, verdictJSON{v.WebhookID, string(v.Webhook), v.Fires, v.As, plainText(v.Reason)})
	}
	return toJSON(list)
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
