package source

import (
	"strings"

	"dockbell/models/fault"
)

// Kind is how a source tells its events.
type Kind string

// The kinds of source.
const (
	Distribution Kind = "distribution"
	Zot          Kind = "zot"
	Harbor       Kind = "harbor"
	Quay         Kind = "quay"
	Gitea        Kind = "gitea"
	GitHub       Kind = "github"
	DockerHub    Kind = "dockerhub"
	EventGrid    Kind = "eventgrid"
	ACR          Kind = "acr"
	CloudEvents  Kind = "cloudevents"
)

// Limits of one request.
const (
	MaxBody     = 1 << 20 // bytes
	MaxManifest = 4 << 20 // bytes, from kinds whose events carry whole manifests
	MaxEvents   = 1000
)

// Known is what is known of a kind.
type Known struct {
	Kind   Kind
	Title  string
	Signs  bool  // its senders can sign the body with the token (HMAC-SHA256)
	InPath bool  // its senders cannot set a header: the token may be the last part of the address
	Body   int64 // largest body in bytes
}

// Kinds are all of them in the order of forms.
var Kinds = []Known{
	{Kind: Distribution, Title: "CNCF Distribution (registry:2, registry:3, GitLab)", Body: MaxBody},
	{Kind: Zot, Title: "zot", Body: MaxManifest},
	{Kind: Harbor, Title: "Harbor", Body: MaxBody},
	{Kind: Quay, Title: "Quay", InPath: true, Body: MaxBody},
	{Kind: Gitea, Title: "Gitea, Forgejo", Signs: true, Body: MaxBody},
	{Kind: GitHub, Title: "GitHub packages", Signs: true, Body: MaxBody},
	{Kind: DockerHub, Title: "Docker Hub", InPath: true, Body: MaxBody},
	{Kind: EventGrid, Title: "Azure Event Grid", InPath: true, Body: MaxBody},
	{Kind: ACR, Title: "Azure Container Registry webhook", InPath: true, Body: MaxBody},
	{Kind: CloudEvents, Title: "CloudEvents", InPath: true, Body: MaxBody},
}

// ParseKind reads a kind without regard to case; a bad one is a fault at field "kind".
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds {
		if strings.EqualFold(s, string(k.Kind)) {
			return k.Kind, nil
		}
	}
	return "", fault.In("kind", "There is no kind of source %.40q. Choose %s.", s, strings.Join(KindNames(), ", "))
}

// KindNames are the kinds in words.
func KindNames() []string {
	var all []string
	for _, k := range Kinds {
		all = append(all, string(k.Kind))
	}
	return all
}

// Known gives what is known of the kind.
func (k Kind) Known() Known {
	for _, known := range Kinds {
		if known.Kind == k {
			return known
		}
	}
	return Known{Kind: k, Title: string(k), Body: MaxBody}
}
