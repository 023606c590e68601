package portal

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/views"
	"dockbell/web/auth"
)

// Reach is how clients other than browsers get to this installation.
type Reach struct {
	Secure      func(r *http.Request) string // base of the Azure doors; empty where there is no HTTPS
	OwnCA       bool                         // the certificate comes from a CA of our own
	Fingerprint string                       // SHA-256 of that CA
}

// connectRoutes tell people how to use other clients.
func (p *Portal) connectRoutes() []auth.Route {
	return []auth.Route{
		{Method: http.MethodGet, Path: "/connect", Permission: account.Read, Handler: p.connect},
		{Method: http.MethodGet, Path: "/connect/dockbell-cloud.json", Permission: account.Read, Handler: p.cloudFile},
	}
}

func (p *Portal) connect(c echo.Context) error {
	facts, err := p.connection(c)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, views.ConnectPage(p.outside(c, "Connect"), facts))
}

// cloudFile is the file with which az registers this installation.
func (p *Portal) cloudFile(c echo.Context) error {
	facts, err := p.connection(c)
	if err != nil {
		return err
	}
	if facts.Secure == "" {
		return fault.New(fault.NotFound, "Azure’s clients speak HTTPS alone, and this server serves none: start it with --listen-tls.")
	}
	text, err := facts.Cloud()
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="dockbell-cloud.json"`)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, append(text, '\n'))
}

func (p *Portal) connection(c echo.Context) (views.Connect, error) {
	facts := views.Connect{
		Plain: p.PublicURL, Tenant: p.SignIns.Tenant, OwnCA: p.Reach.OwnCA, Fingerprint: p.Reach.Fingerprint, User: who(c).Name,
		Registry: "<registry>", LoginServer: p.Host,
	}
	if p.Reach.Secure != nil {
		facts.Secure = p.Reach.Secure(c.Request())
	}
	facts.Suffix = registry.LoginServerSuffix(strings.TrimPrefix(facts.Secure, "https://"))
	all, err := p.Registries.Registries(c.Request().Context())
	if err != nil {
		return facts, err
	}
	for _, r := range all {
		if r.Kind == registry.BuiltIn {
			facts.Registry, facts.LoginServer = string(r.Name), r.LoginServer
			break
		}
	}
	return facts, nil
}
