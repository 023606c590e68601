package oci

import (
	"context"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

// visit is who asks which registry.
type visit struct {
	reg     registry.Registry
	who     account.Principal // the zero one is nobody
	granted *grants           // what the caller's token is good for; nil without such a token: all that who may do
}

type visitKey struct{}

func visitOf(c echo.Context) visit {
	v, _ := c.Request().Context().Value(visitKey{}).(visit)
	return v
}

// named reports whether somebody proved who they are.
func (v visit) named() bool { return v.who.Kind != "" }

// owner names the caller among all callers: uploads belong to one.
func (v visit) owner() string { return string(v.who.Kind) + ":" + v.who.ID }

func (d *Door) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Docker-Distribution-Api-Version", "registry/2.0") // old clients look for it, also on a 401
		ctx := c.Request().Context()
		reg, err := d.registryOf(ctx, c.Request().Host)
		if err != nil {
			return err
		}
		v := visit{reg: reg}
		if err := d.prove(c, &v); err != nil {
			return err
		}
		ctx = auth.WithRegistry(ctx, reg.Name)
		if v.named() {
			ctx = auth.WithPrincipal(ctx, v.who)
		}
		c.SetRequest(c.Request().WithContext(context.WithValue(ctx, visitKey{}, v)))
		return next(c)
	}
}

// registryOf chooses by the first label of the Host header, else the first built-in registry.
func (d *Door) registryOf(ctx context.Context, host string) (registry.Registry, error) {
	all, err := d.Metadata.Registries(ctx)
	if err != nil {
		return registry.Registry{}, err
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	label, _, dotted := strings.Cut(host, ".")
	var first *registry.Registry // of those that are built in
	for i := range all {
		r := &all[i]
		if dotted && r.Name.Is(registry.Name(label)) {
			if r.Kind != registry.BuiltIn {
				return *r, noRegistry("%s is an external registry: its images are not here.", r.Name)
			}
			return *r, nil
		}
		if r.Kind == registry.BuiltIn && (first == nil || r.Created.Before(first.Created)) {
			first = r
		}
	}
	if first == nil {
		return registry.Registry{}, noRegistry("There is no built-in registry here.")
	}
	return *first, nil
}

func noRegistry(format string, args ...any) error {
	f := fault.New(fault.NotFound, format, args...)
	f.Field = "registry"
	return f
}

// tokenUser is Azure's user name for a token in place of a password.
const tokenUser = "00000000-0000-0000-0000-000000000000"

// prove reads the Authorization header: a token of our own token service, or what everybody else takes.
func (d *Door) prove(c echo.Context, v *visit) error {
	if name, password, ok := c.Request().BasicAuth(); ok && name == tokenUser {
		p, err := d.Credentials.Prover.Bearer(c.Request().Context(), password)
		v.who = p
		return err
	}
	scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	if strings.EqualFold(scheme, "Bearer") && strings.HasPrefix(token, passPrefix) {
		p, err := d.openPass(strings.TrimSpace(token))
		if err != nil || !p.Registry.Is(v.reg.Name) {
			return fault.New(fault.Unauthenticated, "The token has expired or is not valid for this registry.").Because(err)
		}
		v.who, v.granted = p.principal(), &p.Grants
		return nil
	}
	p, _, err := d.Credentials.Identify(c)
	v.who = p
	return err
}

// allow checks a right at a place: nobody's right to pull where the registry lets everybody, else the caller's role, and
// never more than the token that was shown is good for.
func (v visit) allow(right account.Permission, at place) error {
	if !v.named() && !v.open(right, at) {
		return fault.New(fault.Unauthenticated, "Sign in to %s first: docker login, crane auth login, helm registry login.", v.reg.Name)
	}
	if v.named() && !v.has(right, at) {
		return fault.New(fault.Forbidden, "%s (%s) may not %s here. Ask an owner of this Dockbell.", v.who.Name, v.who.Role, verbs[right])
	}
	if v.granted != nil && !v.granted.cover(right, at) {
		return fault.New(fault.Unauthenticated, "The token was not issued for this. Ask for one with the scope of the challenge.")
	}
	return nil
}

// has reports whether the caller has a right at a place by role, and by what a narrowed token is limited to.
func (v visit) has(right account.Permission, at place) bool {
	if at.repository == "" {
		return v.who.May(right, v.reg.Name)
	}
	return v.who.MayIn(right, v.reg.Name, at.repository)
}

// mayRule reports whether the caller decides about quarantine: what they may see goes by who they are, not by which of
// their rights a client has asked a token for.
func (r request) mayRule() bool { return r.named() && r.has(account.ReleaseQtn, r.at) }

// maySeeHeld reports whether the caller sees what is held in quarantine.
func (r request) maySeeHeld() bool {
	return r.named() && r.has(account.PushImages, r.at) || r.mayRule()
}

// open reports whether everybody may do this. The registry's own address is not open to requests without any token, or
// clients would never learn that there is something to sign in to.
func (v visit) open(right account.Permission, at place) bool {
	if right != account.Pull || !v.reg.Policies.AnonymousPull {
		return false
	}
	return at.kind != catalog && at.kind != acrCatalog && (at.kind != base || v.granted != nil)
}

var verbs = map[account.Permission]string{account.Pull: "pull", account.PushImages: "push", account.DeleteImgs: "delete", account.ReleaseQtn: "quarantine"}

// challenge is what a 401 asks for.
func (d *Door) challenge(c echo.Context) string {
	r := c.Request()
	root := d.root(c)
	if strings.HasPrefix(r.URL.Path, "/oauth2") {
		return `Basic realm="` + root + `"`
	}
	value := `Bearer realm="` + root + `/oauth2/token",service="` + safeHost(r.Host) + `"`
	at, err := parsePath(r.URL)
	if err != nil {
		return value
	}
	if at.kind == catalog || at.kind == acrCatalog {
		return value + `,scope="registry:catalog:*"`
	}
	if at.repository == "" {
		return value
	}
	asked := actionsFor(operations[at.kind][r.Method].right)
	if at.kind == acrManifest && r.Method == http.MethodPatch {
		asked = "pull,push,quarantine"
	}
	value += `,scope="repository:` + at.repository + `:` + asked + `"`
	if visitOf(c).granted != nil {
		value += `,error="insufficient_scope"`
	}
	return value
}

func actionsFor(right account.Permission) string {
	switch right {
	case account.PushImages:
		return "pull,push"
	case account.DeleteImgs:
		return "pull,push,delete"
	}
	return "pull"
}

// root is this installation's address as the client reaches it. A proxy in front of us may speak HTTPS where we do not:
// for names of the public address its scheme counts.
func (d *Door) root(c echo.Context) string {
	host, scheme := safeHost(c.Request().Host), c.Scheme()
	if p := d.Public; p != nil && (strings.EqualFold(host, p.Host) || strings.HasSuffix(strings.ToLower(host), "."+strings.ToLower(p.Host))) {
		scheme = p.Scheme
	}
	return scheme + "://" + host
}

// hostRule is what a host and its port are made of.
var hostRule = regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]+\z`)

// safeHost keeps a strange Host header out of quoted values.
func safeHost(host string) string {
	if !hostRule.MatchString(host) {
		return "localhost"
	}
	return host
}
