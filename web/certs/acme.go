package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME gets certificates from a public CA, for the public host and the login servers below it, when somebody asks for them.
type ACME struct {
	manager *autocert.Manager
	host    string
	known   func(ctx context.Context, label string) bool
	log     *slog.Logger
}

// NewACME keeps account and certificates in folder. The label of a name below the public host has to be known: the CA limits
// how many certificates there may be. An empty directory is Let's Encrypt's.
func NewACME(folder, host, directory string, known func(ctx context.Context, label string) bool, log *slog.Logger) *ACME {
	a := &ACME{host: Bare(host), known: known, log: log}
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
	c.GetCertificate = a.certificate
	return c
}

// A CA takes seconds until it has checked a name and signed: longer than a server waits for a client's handshake.
const (
	patience  = 2 * time.Minute // of a connection whose certificate the CA is asked for
	handshake = 5 * time.Second // for what remains of it then
)

// certificate gives the one for a connection. Whoever connects learns nothing of what the CA said, so it goes into the log.
func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	ours := a.Covers(hello.ServerName)
	if ours && hello.Conn != nil {
		_ = hello.Conn.SetDeadline(time.Now().Add(patience)) // a connection that is gone fails by itself
		defer func() { _ = hello.Conn.SetDeadline(time.Now().Add(handshake)) }()
	}
	cert, err := a.manager.GetCertificate(hello)
	if err != nil && ours {
		if sentence := refusal(hello.ServerName, err); sentence != "" {
			a.log.Error(sentence, "error", err.Error())
		}
	}
	return cert, err
}

// refusal says why there is no certificate, and what helps; nothing in the minute after a refusal, in which the CA is not
// asked again.
func refusal(host string, err error) string {
	var said *acme.Error
	switch {
	case strings.HasSuffix(err.Error(), "missing certificate"):
		return ""
	case errors.As(err, &said):
		return fmt.Sprintf("The CA refuses a certificate for %s: %s", host, said.Detail)
	case strings.Contains(err.Error(), "no viable challenge type"): // every one was tried
		return fmt.Sprintf("The CA could not reach this Dockbell as %s. It connects to the address that public DNS gives for that name: to port 443, where DOCKBELL_LISTEN_TLS has to answer, or to port 80, where DOCKBELL_LISTEN may", host)
	}
	return fmt.Sprintf("The CA could not be asked for a certificate for %s", host)
}

// Challenges answers the CA's challenges over plain HTTP.
func (a *ACME) Challenges() http.Handler { return a.manager.HTTPHandler(http.NotFoundHandler()) }

// Covers reports whether there is a certificate for host, or would be.
func (a *ACME) Covers(host string) bool { return a.allow(context.Background(), host) == nil }

func (a *ACME) allow(ctx context.Context, host string) error {
	host = Bare(host)
	if host == a.host {
		return nil
	}
	if label, ok := labelUnder(host, a.host); ok && a.known(ctx, label) {
		return nil
	}
	return fmt.Errorf("%q is neither the public host nor a registry below it", host)
}
