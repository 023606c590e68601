package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"dockbell/models/doctor"
)

// Bounds of looking at the public address.
const (
	publicWait = 5 * time.Second
	certSoon   = 14 * 24 * time.Hour
)

// tryPublic asks the public address as a browser would.
func tryPublic(ctx context.Context, cfg Config, url string, now time.Time) []doctor.Finding {
	ctx, cancel := context.WithTimeout(ctx, publicWait)
	defer cancel()
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: knownRoots(cfg)}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
	if err != nil {
		return nil // settle has checked it
	}
	resp, err := client.Do(req)
	if err != nil {
		return []doctor.Finding{{Wrong: true, What: fmt.Sprintf("The public address %s does not answer: %s.", url, oneLine(err)),
			Next: "Look at its name, its port and what stands before the server (load balancer, firewall). If people reach the server by another address, set DOCKBELL_PUBLIC_URL to it."}}
	}
	defer resp.Body.Close()
	var all []doctor.Finding
	if resp.StatusCode != http.StatusOK {
		all = append(all, doctor.Finding{Wrong: true, What: fmt.Sprintf("The public address %s answers %s instead of 200.", url, resp.Status),
			Next: "Something else answers there, or what stands before the server does not reach it. Look at the address, and at DOCKBELL_PUBLIC_URL."})
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		all = append(all, expires("of "+url, resp.TLS.PeerCertificates[0], now)...)
	}
	return all
}

// knownRoots are those of the system, and the installation's own.
func knownRoots(cfg Config) *x509.CertPool {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if own, err := os.ReadFile(filepath.Join(cfg.Data, "ca.pem")); err == nil {
		roots.AppendCertsFromPEM(own)
	}
	return roots
}

// tryCertFile looks at the certificate that the configuration names.
func tryCertFile(cfg Config, now time.Time) []doctor.Finding {
	if cfg.TLSCert == "" {
		return nil
	}
	text, err := os.ReadFile(cfg.TLSCert)
	if err != nil {
		return []doctor.Finding{{Wrong: true, What: fmt.Sprintf("The certificate %s cannot be read.", cfg.TLSCert), Next: "Put it there, or change DOCKBELL_TLS_CERT."}}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return []doctor.Finding{{Wrong: true, What: fmt.Sprintf("%s holds no certificate in PEM.", cfg.TLSCert), Next: "Put the certificate and its chain into it, in PEM."}}
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return []doctor.Finding{{Wrong: true, What: fmt.Sprintf("The certificate in %s cannot be read: %s.", cfg.TLSCert, err), Next: "Put the certificate and its chain into it, in PEM."}}
	}
	return expires("in "+cfg.TLSCert, cert, now)
}

func expires(which string, cert *x509.Certificate, now time.Time) []doctor.Finding {
	left := cert.NotAfter.Sub(now)
	switch {
	case left <= 0:
		return []doctor.Finding{{Wrong: true, What: fmt.Sprintf("The certificate %s has expired on %s.", which, cert.NotAfter.Format("2 January 2006")), Next: "Renew it. The server reads its files again by itself."}}
	case left < certSoon:
		return []doctor.Finding{{Wrong: true, What: fmt.Sprintf("The certificate %s expires in %d days.", which, int(left.Hours()/24)), Next: "Renew it, or find out why it was not renewed by itself."}}
	}
	return nil
}
