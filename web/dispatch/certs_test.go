package dispatch

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"
)

// authority signs the certificates of the tests; senders trust it unless a case says otherwise.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue makes a server's certificate for 127.0.0.1, changed by the case.
func (a authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// faulty is the configuration of a server with a kind of fault; ok is false for a kind without one of its own.
func (a authority) faulty(t *testing.T, kind string) (config *tls.Config, ok bool) {
	t.Helper()
	config = &tls.Config{}
	change, signer := func(*x509.Certificate) {}, a
	switch kind {
	case "", "hang", "plain_http":
		return nil, kind != ""
	case "ok":
	case "wrong_host":
		change = func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example.com"} }
	case "untrusted_ca":
		signer = newAuthority(t)
	case "expired":
		change = func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	case "not_yet_valid":
		change = func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }
	case "tls10_only", "tls11_only":
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	case "big_chain":
	default:
		return nil, false
	}
	cert := signer.issue(t, change)
	if kind == "big_chain" {
		for size := 0; size < 10<<20; size += len(cert.Certificate[0]) {
			cert.Certificate = append(cert.Certificate, cert.Certificate[0])
		}
	}
	config.Certificates = []tls.Certificate{cert}
	return config, true
}

func trusting(a authority) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.pool()}
}
