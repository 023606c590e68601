package portal

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/webhook"
	"dockbell/views"
	"dockbell/views/ui"
)

// networks lists where webhooks may be sent, and judges the address that somebody wants to try.
func (p *Portal) networks(c echo.Context) error {
	n := views.Networks{Tested: asked(c, "host")}
	if n.Tested != "" {
		answer, err := p.Networks.Judge(c.Request().Context(), hostOf(n.Tested))
		if said := fieldErrors(err); said != nil {
			n.Refusal = "Refused: " + sentenceOf(http.StatusUnprocessableEntity, err)
		} else if err != nil {
			return err
		} else {
			n.Answer = "Allowed: " + answer
		}
	}
	page, err := p.networksPage(c, n, nil)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, page)
}

// hostOf takes the host out of what was typed: a URI, a host with a port, or a host alone.
func hostOf(typed string) string {
	if !strings.Contains(typed, "://") {
		if addr, err := netip.ParseAddr(strings.Trim(typed, "[]")); err == nil { // an IPv6 address is full of colons
			return addr.String()
		}
		typed = "//" + typed
	}
	u, err := url.Parse(typed)
	if err != nil || u.Hostname() == "" {
		return typed
	}
	return u.Hostname()
}

func (p *Portal) networksPage(c echo.Context, n views.Networks, overlay templ.Component) (templ.Component, error) {
	added, err := p.Networks.Added(c.Request().Context())
	if err != nil {
		return nil, err
	}
	n.Rows = views.NetworkRows(p.Networks.Configured(), added)
	s := p.settingsShell(c, views.AtNetworks, "Allowed networks")
	s.Overlay = overlay
	return views.NetworksPage(s, n), nil
}

func (p *Portal) overNetworks(c echo.Context, status int, overlay templ.Component) error {
	return over(c, status, overlay, func() (templ.Component, error) { return p.networksPage(c, views.Networks{}, overlay) })
}

// newNetworks asks for ranges.
func (p *Portal) newNetworks(c echo.Context) error {
	return p.overNetworks(c, http.StatusOK, views.NetworkPanel("", ""))
}

// addNetworks adds ranges to those of the portal; one that is there already changes nothing.
func (p *Portal) addNetworks(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	typed := form.Get("networks")
	ranges, err := webhook.ParseNetworks(typed)
	if err == nil && len(ranges) == 0 {
		err = fault.In("networks", "Enter at least one range, such as 10.0.0.0/8.")
	}
	if err == nil {
		err = p.allow(c, ranges)
	}
	if said := fieldErrors(err); said != nil {
		return p.overNetworks(c, http.StatusUnprocessableEntity, views.NetworkPanel(typed, anyOf(said, "networks")))
	}
	if err != nil {
		return err
	}
	return p.done(c, networksPath, ui.Toast{
		Kind: "ok", Title: ui.Plural(len(ranges), "range is", "ranges are") + " allowed now", Text: strings.Join(texts(ranges), ", "),
	})
}

func (p *Portal) allow(c echo.Context, ranges []netip.Prefix) error {
	all, err := p.Networks.Added(c.Request().Context())
	if err != nil {
		return err
	}
	for _, r := range texts(ranges) {
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return p.Networks.Replace(c.Request().Context(), all)
}

// removeNetworks takes the chosen ranges away; what the configuration allows stays.
func (p *Portal) removeNetworks(c echo.Context) error {
	form, err := posted(c)
	if err != nil {
		return err
	}
	gone := form["range"]
	if len(gone) == 0 {
		return p.nothingPicked(c, networksPath)
	}
	added, err := p.Networks.Added(c.Request().Context())
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(added), func(r string) bool { return slices.Contains(gone, r) })
	if err := p.Networks.Replace(c.Request().Context(), left); err != nil {
		return err
	}
	return p.done(c, networksPath, ui.Toast{
		Kind: "ok", Title: ui.Plural(len(added)-len(left), "range is", "ranges are") + " no longer allowed", Text: strings.Join(gone, ", "),
	})
}

// texts writes ranges as they are stored.
func texts(ranges []netip.Prefix) []string {
	all := make([]string, len(ranges))
	for i, r := range ranges {
		all[i] = r.String()
	}
	return all
}
