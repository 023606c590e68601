// Package audit is the record of changes: who changed what, when and with which client.
package audit

import "context"

// Actor is who changes something, and with what.
type Actor struct {
	Kind   string // as account.Kind: "User" or "Application"; empty: Dockbell itself
	ID     string
	Name   string
	Client string // what was used: portal, az, Go SDK, docker, ...
	Addr   string // where the request came from
}

type actorKey struct{}

// By returns a context whose changes are made by a.
func By(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// ActorOf gives who makes the changes of a context; the zero one is Dockbell itself.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}
