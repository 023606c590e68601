// Package event is what happened to a registry's content: one event for one action at one location.
package event

import (
	"context"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/registry"
)

// ID is an event's UUID (version 4), as in Azure's payload.
type ID string

// Action is what an event says happened; Azure's words.
type Action string

// The actions. Ping and Noticed cannot be subscribed to.
const (
	Push        Action = "push"
	Delete      Action = "delete"
	Quarantine  Action = "quarantine"
	ChartPush   Action = "chart_push"
	ChartDelete Action = "chart_delete"
	Ping        Action = "ping"
	Noticed     Action = "notice" // something became of another webhook, and this one is to tell it
)

// SubscribableAction is an action a webhook can ask for, with the form's words.
type SubscribableAction struct {
	Action      Action
	Title, Hint string
}

// Subscribable are the five of them in the form's order.
var Subscribable = []SubscribableAction{
	{Push, "Image push", "A manifest is pushed under a tag"},
	{Delete, "Image delete", "A manifest or repository is deleted"},
	{Quarantine, "Image quarantine", "A pushed image waits for its release"},
	{ChartPush, "Helm chart push", "A Helm chart is pushed"},
	{ChartDelete, "Helm chart delete", "A Helm chart is deleted"},
}

// Plain is the action that stands in for a chart action with webhooks that did not subscribe to charts.
func (a Action) Plain() Action {
	switch a {
	case ChartPush:
		return Push
	case ChartDelete:
		return Delete
	}
	return a
}

// Target is the artifact an event is about. Unset fields are absent from payloads.
type Target struct {
	MediaType  string
	Digest     string
	Size       int64
	Repository string
	Tag        string
	Kind       artifact.Kind
	Chart      artifact.ChartInfo // set for a Helm chart
}

// Request is the client's HTTP request that caused the event.
type Request struct {
	ID        string // UUID
	Addr      string
	Host      string // Host header: the name people pull by, with its port
	Method    string
	UserAgent string
}

// Event is one thing that happened at one location of a registry.
type Event struct {
	ID          ID
	Registry    registry.Name
	Location    registry.Location
	Action      Action // a chart's own action; a webhook may receive it as Action.Plain()
	Time        time.Time
	Target      Target
	CarriedTags []string // delete: the tags the manifest carried
	Request     Request
	Actor       string // who did it: a user's or token's name
	Source      string // "builtin", or the name of the source that told it
}

// Sink takes events. Publish returns when they are safely stored; the same ID again changes nothing.
type Sink interface {
	Publish(ctx context.Context, events ...Event) error
}
