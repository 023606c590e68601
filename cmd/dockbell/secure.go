package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/web/certs"
	"dockbell/web/portal"
)

// Where the certificates of HTTPS come from: the values of DOCKBELL_TLS.
const (
	tlsSelf  = "self"
	tlsFiles = "files"
	tlsACME  = "acme"
)

// settleTLS checks what belongs together for HTTPS.
func (c *Config) settleTLS() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return badSetting{"DOCKBELL_TLS_CERT", "", "and DOCKBELL_TLS_KEY belong together: set both or none"}
	}
	if u, err := url.Parse(c.ACMEDirectory); c.ACMEDirectory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return badSetting{"DOCKBELL_ACME_DIRECTORY", c.ACMEDirectory, "is no https address, such as https://ca.example.com/acme/directory"}
	}
	switch c.TLS {
	case tlsSelf:
	case tlsFiles:
		if c.TLSCert == "" {
			return badSetting{"DOCKBELL_TLS", c.TLS, "needs DOCKBELL_TLS_CERT and DOCKBELL_TLS_KEY"}
		}
	case tlsACME:
		host := certs.Bare(hostOf(c.PublicURL))
		if _, err := netip.ParseAddr(host); err == nil || host == "" || host == "localhost" {
			return badSetting{"DOCKBELL_TLS", c.TLS, "needs a DOCKBELL_PUBLIC_URL whose host is a public name, such as https://dockbell.example.com"}
		}
	default:
		return badSetting{"DOCKBELL_TLS", c.TLS, "is none of self, files and acme"}
	}
	return nil
}

// openCerts gives the source of the listener's certificates; nil without an HTTPS listener.
func openCerts(cfg Config, at site, known func(context.Context, string) bool, log *slog.Logger) (certs.Source, error) {
	if at.secure == "" {
		return nil, nil //nolint:nilnil // no HTTPS is no mistake
	}
	switch cfg.TLS {
	case tlsFiles:
		return certs.OpenFiles(cfg.TLSCert, cfg.TLSKey, log)
	case tlsACME:
		return certs.NewACME(filepath.Join(cfg.Data, "acme"), hostOf(cfg.PublicURL), cfg.ACMEDirectory, known, log), nil
	}
	return certs.OpenOwn(cfg.Data, hostOf(at.secure), time.Now)
}

// secureURL is where the HTTPS listener is reached: under the public host where there is one, and under the public address
// itself where that is HTTPS already, because a listener behind it may have another port.
func secureURL(cfg Config, on net.Listener) string {
	if on == nil {
		return ""
	}
	own := ownAddress(on)
	public := cfg.publicURL()
	switch {
	case public == nil:
		return "https://" + own
	case public.Scheme == "https":
		return cfg.PublicURL
	}
	_, port, _ := net.SplitHostPort(own) // ownAddress put them together
	return (&url.URL{Scheme: "https", Host: net.JoinHostPort(public.Hostname(), port)}).String()
}

// base gives where the client of a request reaches the Azure doors: what it compares the issuer of its tokens with, and where
// links to further pages lead. That is the public address where one is set, over HTTPS if there is any; else the host the
// client chose, if the certificate is for it: a Host header that somebody made up leads nowhere.
func (h *house) base(cfg Config) func(*http.Request) string {
	_, port, _ := net.SplitHostPort(hostOf(h.site.secure))
	return func(r *http.Request) string {
		switch {
		case h.site.secure == "":
			return h.site.public
		case cfg.PublicURL != "" || !h.certs.Covers(r.Host):
			return h.site.secure
		case r.TLS == nil: // asked for on the plain listener, whose port speaks no HTTPS
			return "https://" + net.JoinHostPort(certs.Bare(r.Host), port)
		}
		return "https://" + strings.ToLower(r.Host)
	}
}

// pages gives where a client's user opens pages: as base, but on this machine over plain HTTP, where no browser warns of a CA
// that it does not know.
func (h *house) pages(cfg Config) func(*http.Request) string {
	base := h.base(cfg)
	return func(r *http.Request) string {
		addr, err := netip.ParseAddr(certs.Bare(r.Host))
		if cfg.PublicURL == "" && (certs.Bare(r.Host) == "localhost" || err == nil && addr.IsLoopback()) {
			return h.site.public
		}
		return base(r)
	}
}

// reach is what the portal tells people about clients.
func (h *house) reach(cfg Config) portal.Reach {
	if h.site.secure == "" {
		return portal.Reach{}
	}
	r := portal.Reach{Secure: h.base(cfg)}
	if own, ok := h.certs.(*certs.Own); ok {
		r.OwnCA, r.Fingerprint = true, own.Fingerprint()
	}
	return r
}

// ownAddress is a listener's address as this machine reaches it.
func ownAddress(on net.Listener) string {
	addr, _ := on.Addr().(*net.TCPAddr)
	if addr.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", fmt.Sprint(addr.Port))
	}
	return addr.String()
}

// registryKnown says whether a name stands for a registry, for certificates of login servers.
func (h *house) registryKnown(ctx context.Context, label string) bool {
	name, err := registry.ParseName(label)
	if err != nil {
		return false
	}
	_, err = h.db.Registry(ctx, name)
	return !fault.Is(err, fault.NotFound) && err == nil
}
