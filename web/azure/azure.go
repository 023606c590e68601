// Package azure is the door of Azure's clients: the management API of Azure Container Registry as az and the SDKs call it.
package azure

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
	"dockbell/web/auth"
)

// Reads is what the door reads of registries and webhooks.
type Reads interface {
	Registries(ctx context.Context) ([]registry.Registry, error)
	Registry(ctx context.Context, name registry.Name) (registry.Registry, error)
	Webhooks(ctx context.Context, name registry.Name) ([]webhook.Webhook, error)
	Webhook(ctx context.Context, reg registry.Name, name webhook.Name) (webhook.Webhook, error)
}

// History is what the door reads of deliveries.
type History interface {
	Deliveries(ctx context.Context, f delivery.Filter) (delivery.Page, error)
	Attempts(ctx context.Context, id delivery.ID) ([]delivery.Attempt, error) // oldest first
	Event(ctx context.Context, name registry.Name, id event.ID) (event.Event, error)
	Recoverable(ctx context.Context, webhookID string, since time.Time) (delivery.Recoverable, error)
	LastRecovery(ctx context.Context, webhookID string) (r delivery.Recovery, ok bool, err error)
}

// Figures says how much a registry holds.
type Figures interface {
	RepositoryStats(ctx context.Context, name registry.Name) (registry.Contents, error)
}

// Door is the management API.
type Door struct {
	Reads       Reads
	History     History
	Figures     Figures
	Registries  *registry.Service
	Webhooks    *webhook.Service
	Outbox      *delivery.Outbox
	Controls    *delivery.Controls
	Replays     *delivery.Replays
	Credentials auth.Credentials
	Tenancy     account.Tenancy
	Base        func(r *http.Request) string // where the client of a request reaches this installation, without a slash at its end
	Region      registry.Location            // home of registries made here, and location of the first resource group
	Now         func() time.Time
}

// Prefixes are the paths of the API.
func (d *Door) Prefixes() []string {
	return []string{"/subscriptions", "/tenants", "/providers"}
}

// AnyCase says that addresses are compared as Azure compares them.
func (d *Door) AnyCase() {}

// Routes is the door's table of contents.
func (d *Door) Routes() []auth.Route {
	return managed(slices.Concat(
		d.subscriptionRoutes(), d.groupRoutes(), d.resourceRoutes(), d.operationRoutes(),
		d.registryRoutes(), d.replicationRoutes(), d.webhookRoutes(), d.deliveryRoutes(), d.againRoutes(),
	))
}

// Before finds out who asks.
func (d *Door) Before() []echo.MiddlewareFunc { return []echo.MiddlewareFunc{d.identify} }

// identify takes a Bearer alone: what a browser sends by itself opens nothing here. Somebody who may see one registry asks
// for lists on its behalf.
func (d *Door) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		scheme, _, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
		if scheme != "" && !strings.EqualFold(scheme, "Bearer") {
			return fault.New(fault.Unauthenticated, "The management API takes a Bearer token, not %.20q.", scheme)
		}
		p, ok, err := d.Credentials.Identify(c)
		if err != nil || !ok {
			return firstOf(err, func() error { return next(c) })
		}
		ctx := auth.WithPrincipal(r.Context(), p)
		if p.Registry != "" && c.Param("registry") == "" && r.Method == http.MethodGet {
			ctx = auth.WithRegistry(ctx, p.Registry)
		}
		c.SetRequest(r.WithContext(ctx))
		return next(c)
	}
}

func firstOf(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// managed makes routes of the management API ask for the api-version.
func managed(routes []auth.Route) []auth.Route {
	for i := range routes {
		routes[i].Handler = versioned(routes[i].Handler)
	}
	return routes
}

var versionRule = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-[A-Za-z]+)?\z`)

// versioned refuses a request without an api-version. Every well-formed one is served: the shapes are the same in all.
func versioned(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch v := c.QueryParam("api-version"); {
		case v == "":
			return refuse(http.StatusBadRequest, "MissingApiVersionParameter", "api-version",
				"The api-version query parameter (?api-version=) is required for all requests.")
		case !versionRule.MatchString(v):
			return refuse(http.StatusBadRequest, "InvalidApiVersionParameter", "api-version",
				"The api-version %.40q is not a date such as 2023-07-01 or 2025-03-01-preview.", v)
		}
		return next(c)
	}
}

// who is the principal of the request.
func who(c echo.Context) account.Principal {
	p, _ := auth.PrincipalOf(c.Request().Context())
	return p
}
