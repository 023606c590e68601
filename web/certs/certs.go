// Package certs gives the HTTPS listener its certificates: from a CA of this installation's own, from files, or from a public
// CA by ACME.
package certs

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
)

// Source is where certificates come from.
type Source interface {
	Config() *tls.Config     // for the listener
	Covers(host string) bool // whether a client that asks for this host, a name or an address without port, is shown a certificate for it
}

// config is what all sources have in common; certificates are asked for anew with every connection.
func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get, NextProtos: []string{"h2", "http/1.1"}}
}

// Bare takes the port and the brackets of an IPv6 address off a host, and the case.
func Bare(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

const labelSigns = "abcdefghijklmnopqrstuvwxyz0123456789-"

// labelUnder gives the one label that host has before domain: "reg" of reg.example.com under example.com. Only labels that
// a host name may have count.
func labelUnder(host, domain string) (label string, ok bool) {
	label, ok = strings.CutSuffix(host, "."+domain)
	if !ok || label == "" || len(label) > 63 || isAddress(domain) {
		return "", false
	}
	return label, strings.Trim(label, labelSigns) == "" && label[0] != '-' && label[len(label)-1] != '-'
}
