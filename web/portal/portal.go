// Package portal is the door for people: the pages, as plain HTML that htmx makes quicker.
package portal

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/cleanup"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/keeping"
	"dockbell/models/notice"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/webhook"
	"dockbell/web/auth"
)

// Registries is what nearly every page reads.
type Registries interface {
	Registry(ctx context.Context, name registry.Name) (registry.Registry, error)
	Registries(ctx context.Context) ([]registry.Registry, error)
	Webhooks(ctx context.Context, name registry.Name) ([]webhook.Webhook, error)
	Webhook(ctx context.Context, reg registry.Name, name webhook.Name) (webhook.Webhook, error)
	Health(ctx context.Context, webhookIDs []string, now time.Time) (map[string]delivery.Health, error)
}

// Figures are the numbers and lists of the home page and the overviews; an empty name means all registries.
type Figures interface {
	EventHours(ctx context.Context, name registry.Name, since time.Time) ([]event.HourCount, error)
	Arrivals(ctx context.Context, name registry.Name, n int) ([]event.Arrival, error) // newest first
	Backlog(ctx context.Context, name registry.Name) (delivery.Backlog, error)
	Deliveries(ctx context.Context, f delivery.Filter) (delivery.Page, error)
}

// Contents is what the built-in registries hold.
type Contents interface {
	RepositoryStats(ctx context.Context, name registry.Name) (registry.Contents, error)
	Repository(ctx context.Context, name registry.Name, repository string) (artifact.RepositoryInfo, error)
	Stored(ctx context.Context, name registry.Name, repository, reference string) (artifact.Stored, error)
	StoredAll(ctx context.Context, name registry.Name, repository string, digests []string) (map[string]artifact.Stored, error)
	SomeTags(ctx context.Context, name registry.Name, repository, digest string, most int) (tags []string, more int, err error) // by name
	Referrers(ctx context.Context, name registry.Name, repository, digest, artifactType string) ([]artifact.Descriptor, error)
	DeliveriesOf(ctx context.Context, name registry.Name, repository, digest string, n int) ([]delivery.Delivery, error)

	// A page of a list, and whether there is more.
	Repositories(ctx context.Context, name registry.Name, after string, n int) ([]string, bool, error)
	RepositoryInfos(ctx context.Context, name registry.Name, word string, l artifact.List) ([]artifact.RepositoryInfo, bool, error)
	TagInfos(ctx context.Context, name registry.Name, repository string, l artifact.List) ([]artifact.TagInfo, bool, error)
}

// Blobs is the bytes of layers and configs.
type Blobs interface {
	Open(ctx context.Context, digest string) (io.ReadSeekCloser, error)
	Free() int64 // bytes that the disk has left; below 0: nobody knows
}

// Networks is the setting "allowed networks": what is beyond public addresses and yet may be sent to. Whoever sends goes by
// the union of both lists, at once after a Replace.
type Networks interface {
	// Configured are the ranges of flag, environment or file, as netip.Prefix writes them: read-only here.
	Configured() []string
	// Added are the ranges that were added in the portal, in the order of Replace.
	Added(ctx context.Context) ([]string, error)
	// Replace stores what is added in the portal: all of it, as netip.Prefix writes it. The portal has parsed it before
	// (webhook.ParseNetworks); a further refusal is a fault at field "networks".
	Replace(ctx context.Context, ranges []string) error
	// Judge says what would happen to a webhook sent to host, a name or an address without scheme and port: a sentence about what it
	// resolves to and why that is allowed ("10.0.4.7, in 10.0.0.0/8"), or the fault with which it would be refused: Invalid, as
	// webhook.Networks.Judge and JudgeURI give it, or as for a name that resolves to nothing.
	Judge(ctx context.Context, host string) (string, error)
}

// Portal answers for every page. Its fields are set where the house is wired; Hooks holds what the webhook pages need.
type Portal struct {
	Hooks
	Registries      Registries
	Figures         Figures
	Contents        Contents
	Blobs           Blobs
	Cleaner         *cleanup.Cleaner // deletes by a registry's rules
	Networks        Networks
	Keeping         *keeping.Policy // for how long history is kept
	History         History
	Record          Record
	Notices         Notices
	Told            *notice.Service // who is told of notices
	Post            notice.Post     // the mail server; nil: there is none
	Members         Members
	Inboxes         Inboxes
	Arrivals        Arrivals
	Sources         *source.Service // makes, rotates and deletes sources of events
	Feed            *delivery.Feed  // live updates of open pages
	Stopping        <-chan struct{} // closed when the server begins to stop: open streams end; nil never is
	Accounts        *account.Service
	SignIns         *account.SignIns // of programs that act for people
	Reach           Reach
	RegistryService *registry.Service // makes, changes and deletes registries
	Sessions        *auth.Sessions
	Limits          *auth.Limits
	PublicURL       string // base of absolute links, such as an inbox's address; without a slash at its end
	Host            string // of the public address, shown on the sign-in page
	DataPlace       string // where the data lies, named during set-up
	Version         string
	Log             *slog.Logger
	Now             func() time.Time
}

// Routes is the portal's table of contents: every page with the permission it needs.
func (p *Portal) Routes() []auth.Route {
	return slices.Concat(
		p.doorRoutes(), p.pageRoutes(), p.contentRoutes(), p.propertyRoutes(), p.settingsRoutes(), p.signInRoutes(), p.connectRoutes(),
		p.registryRoutes(), p.hookRoutes(), p.historyRoutes(), p.inboxRoutes(), p.noticeRoutes(), p.sourceRoutes(), p.streamRoutes(),
	)
}

// Prefixes say that the portal answers for whatever no other door claims.
func (p *Portal) Prefixes() []string { return []string{"/"} }

// Before finds out who makes the request and refuses what another site sent.
func (p *Portal) Before() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{auth.SameSite, p.Sessions.Load}
}
