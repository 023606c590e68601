package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME gets certificates from a public CA, for the public host and the login servers below it, when somebody asks for them.
type ACME struct {
	manager *autocert.Manager
	host    string
	known   func(ctx context.Context, label string) bool
}

// NewACME keeps account and certificates in folder. The label of a name below the public host has to be known: the CA limits
// how many certificates there may be. An empty directory is Let's Encrypt's.
func NewACME(folder, host, directory string, known func(ctx context.Context, label string) bool) *ACME {
	a := &ACME{host: Bare(host), known: known}
	a.manager = &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(folder), HostPolicy: a.allow}
	if directory != "" {
		a.manager.Client = &acme.Client{DirectoryURL: directory}
	}
	return a
}

// Config is for the listener; it also answers the CA's challenges over TLS.
func (a *ACME) Config() *tls.Config {
	c := a.manager.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	return c
}

// Challenges answers the CA's challenges over plain HTTP.
func (a *ACME) Challenges() http.Handler { return a.manager.HTTPHandler(http.NotFoundHandler()) }

// Covers reports whether there is a certificate for host, or would be.
func (a *ACME) Covers(host string) bool { return a.allow(context.Background(), Bare(host)) == nil }

func (a *ACME) allow(ctx context.Context, host string) error {
	if host == a.host {
		return nil
	}
	if label, ok := labelUnder(host, a.host); ok && a.known(ctx, label) {
		return nil
	}
	return fmt.Errorf("%q is neither the public host nor a registry below it", host)
}
