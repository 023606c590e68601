package dispatch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"dockbell/models/delivery"
)

// explain finds the cause of an attempt without an answer, and what its sentence can name.
func explain(err error, w *watch, facts *delivery.Facts) delivery.Cause {
	var refused *blocked
	if errors.As(err, &refused) {
		facts.Address, facts.Detail = refused.addr.String(), refused.sentence()
		return delivery.CauseBlocked
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && w.stage() <= stageDNS {
		return explainDNS(dns, facts)
	}
	if timedOut(err) {
		return explainTimeout(w.stage(), facts)
	}
	var handshake *handshakeError
	if errors.As(err, &handshake) {
		return explainTLS(handshake.cause, facts)
	}
	return explainNetwork(err, w.stage(), facts)
}

func timedOut(err error) bool {
	var slow net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &slow) && slow.Timeout()
}

func explainDNS(dns *net.DNSError, facts *delivery.Facts) delivery.Cause {
	switch {
	case dns.IsNotFound:
		facts.Detail = delivery.DetailNoName
	case dns.IsTimeout:
		facts.Detail = delivery.DetailDNSTime
	}
	return delivery.CauseDNS
}

// explainTimeout gives a deadline the word of the phase in which it ended the attempt.
func explainTimeout(at stage, facts *delivery.Facts) delivery.Cause {
	switch at {
	case stageDNS:
		facts.Detail = delivery.DetailDNSTime
		return delivery.CauseDNS
	case stageConnect:
		return delivery.CauseConnectTimeout
	case stageTLS:
		return delivery.CauseTLSTimeout
	default:
		return delivery.CauseAnswerTimeout
	}
}

func explainTLS(err error, facts *delivery.Facts) delivery.Cause {
	var invalid *tls.CertificateVerificationError
	if errors.As(err, &invalid) && len(invalid.UnverifiedCertificates) > 0 {
		leaf := invalid.UnverifiedCertificates[0]
		facts.CertExpires, facts.CertNames = leaf.NotAfter, namesOf(leaf)
		if time.Now().Before(leaf.NotBefore) {
			facts.Detail = delivery.DetailNotYet
		}
	}
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var bad x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return delivery.CauseTLSName
	case errors.As(err, &authority):
		return delivery.CauseTLSAuthority
	case errors.As(err, &bad) && bad.Reason == x509.Expired:
		return delivery.CauseTLSExpired
	case errors.As(err, &record):
		facts.Detail = delivery.DetailNotTLS
	}
	return delivery.CauseTLS
}

// namesOf lists what a certificate is for: its DNS names, then its addresses.
func namesOf(cert *x509.Certificate) []string {
	var all []string
	all = append(all, cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		all = append(all, ip.String())
	}
	for i := range all {
		all[i] = clean(all[i], maxText)
	}
	return all
}

func explainNetwork(err error, at stage, facts *delivery.Facts) delivery.Cause {
	text := err.Error() // for refusals of net/http that have no type; never shown
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return delivery.CauseRefused
	case isOneOf(err, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN, syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM):
		return delivery.CauseUnreachable
	case strings.Contains(text, "response headers exceeded"), strings.Contains(text, "message too large"):
		return delivery.CauseTooLarge
	case isOneOf(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED):
		return delivery.CauseReset
	case isOneOf(err, io.EOF, io.ErrUnexpectedEOF), strings.Contains(text, "server closed idle connection"):
		facts.Detail = delivery.DetailClosed
		return delivery.CauseReset
	case at == stageAnswer:
		return delivery.CauseBadAnswer
	default:
		return delivery.CauseInternal
	}
}

func isOneOf(err error, targets ...error) bool {
	for _, one := range targets {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}
