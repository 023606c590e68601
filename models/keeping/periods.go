// Package keeping says for how long what happened is kept, and forgets what is older.
package keeping

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"dockbell/models/audit"
	"dockbell/models/fault"
)

// Kind is a part of what is kept that has a time of its own.
type Kind string

// The kinds.
const (
	History  Kind = "history"
	Counters Kind = "counters"
	Audit    Kind = "audit"
	Inbox    Kind = "inbox"
)

// Period describes a kind to people.
type Period struct {
	Kind    Kind
	Title   string
	Holds   string // what belongs to it
	Default int    // days
}

// Kinds are all of them, in the order in which they are shown.
var Kinds = []Period{
	{History, "History", "Events, deliveries, their payloads and attempts. What still waits stays until it is sent.", 30},
	{Counters, "Counters", "The hourly figures behind the charts.", 400},
	{Audit, "Audit log", "Who changed what.", 400},
	{Inbox, "Inboxes", "Requests that came to inboxes.", 30},
}

// Bounds of a period in days. A source may send an event again for some days, and it is known again by its row in the history.
const (
	Forever = 0
	Least   = 7
	Most    = 3650
)

// Periods are the days for which each kind is kept; Forever keeps all of it.
type Periods map[Kind]int

// ParseDays reads a number of days; its fault is at the kind's field.
func ParseDays(kind Kind, text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n != Forever && (n < Least || n > Most) {
		return 0, fault.In(string(kind), "Give a number of days from %d to %d, or 0 to keep it for ever.", Least, Most)
	}
	return n, nil
}

// Settings keeps single values by key; "" stands for an absent one.
type Settings interface {
	Setting(ctx context.Context, key string) (string, error)
	PutSetting(ctx context.Context, key, value string) error
}

const settingKey = "keeping.days"

// Policy is the setting: what the configuration says holds, then what owners chose in the portal, then the defaults.
type Policy struct {
	Fixed    Periods // by flag, environment or file: nobody changes it in the portal
	Settings Settings
}

// Periods are those of the moment.
func (p *Policy) Periods(ctx context.Context) (Periods, error) {
	all, err := p.chosen(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range Kinds {
		if _, there := all[k.Kind]; !there {
			all[k.Kind] = k.Default
		}
		if days, fixed := p.Fixed[k.Kind]; fixed {
			all[k.Kind] = days
		}
	}
	return all, nil
}

// chosen is what owners chose in the portal.
func (p *Policy) chosen(ctx context.Context) (Periods, error) {
	all := Periods{}
	text, err := p.Settings.Setting(ctx, settingKey)
	if err != nil || text == "" {
		return all, err
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fault.New(fault.Internal, "The stored retention cannot be read.").Because(err)
	}
	return all, nil
}

// Replace stores what somebody typed for each kind that the configuration leaves open; all faults at once, each at its kind.
func (p *Policy) Replace(ctx context.Context, typed map[Kind]string) error {
	before, err := p.Periods(ctx)
	if err != nil {
		return err
	}
	chosen, err := p.chosen(ctx)
	if err != nil {
		return err
	}
	after := Periods{}
	var errs []error
	for _, k := range Kinds {
		after[k.Kind] = before[k.Kind]
		if _, fixed := p.Fixed[k.Kind]; fixed {
			continue
		}
		days, err := ParseDays(k.Kind, typed[k.Kind])
		errs = append(errs, err)
		after[k.Kind], chosen[k.Kind] = days, days
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	text, err := json.Marshal(chosen)
	if err != nil {
		return err
	}
	ctx = audit.Note(ctx, audit.Entry{Action: "dataRetention.update", Object: "data retention", Changes: audit.Differences(before.words(), after.words())})
	return p.Settings.PutSetting(ctx, settingKey, string(text))
}

// words describe the periods for the record.
func (p Periods) words() []audit.Field {
	var all []audit.Field
	for _, k := range Kinds {
		all = append(all, audit.Field{Name: string(k.Kind), Words: strconv.Itoa(p[k.Kind])})
	}
	return all
}
