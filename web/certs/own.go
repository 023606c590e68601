package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// How long certificates last. A certificate is replaced when a third of its time is left; browsers refuse more than 398 days.
const (
	caAge     = 10 * 365 * 24 * time.Hour
	leafAge   = 90 * 24 * time.Hour
	leafRenew = leafAge / 3
	backdated = time.Hour // for clients whose clock is behind
)

// maxNamed is how many certificates for single names are kept; they are quickly made again.
const maxNamed = 256

// Files of the data folder: the CA with its key, and the CA alone for clients on this machine.
const (
	keyFile = "ca.key"
	pemFile = "ca.pem"
)

// Own is the installation's own CA and the certificates it issues. The CA lies in the data folder and is made once, because
// clients are told to trust it; certificates live in memory.
type Own struct {
	host string
	now  func() time.Time
	ca   *x509.Certificate
	key  crypto.Signer

	mu     sync.Mutex
	leaves map[string]*tls.Certificate // by the single name beyond the usual ones; "" has none
}

// OpenOwn reads the CA of a data folder and makes it when there is none. Certificates are for this machine and for host, the
// public one, with the names one label below it.
func OpenOwn(folder, host string, now func() time.Time) (*Own, error) {
	o := &Own{host: Bare(host), now: now, leaves: map[string]*tls.Certificate{}}
	path := filepath.Join(folder, keyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeCA(path, now()); err != nil {
			return nil, fmt.Errorf("the CA of HTTPS cannot be made: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the CA of HTTPS cannot be read: %w", err)
	}
	if o.ca, o.key, err = readCA(text); err != nil {
		return nil, fmt.Errorf("the CA of HTTPS in %s cannot be used: %w", path, err)
	}
	if !now().Before(o.ca.NotAfter) {
		return nil, fmt.Errorf("the CA of HTTPS ended on %s: remove %s and start again; clients then need the new ca.pem", o.ca.NotAfter.Format(time.DateOnly), path)
	}
	if err := os.WriteFile(filepath.Join(folder, pemFile), o.PEM(), 0o600); err != nil {
		return nil, fmt.Errorf("the CA's certificate cannot be written: %w", err)
	}
	_, err = o.leaf("")
	return o, err
}

// PEM is the CA's certificate, for clients that are to trust it.
func (o *Own) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.ca.Raw})
}

// Fingerprint is the SHA-256 of the CA's certificate, as openssl prints it.
func (o *Own) Fingerprint() string {
	sum := sha256.Sum256(o.ca.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// Config is for the listener.
func (o *Own) Config() *tls.Config {
	return config(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return o.leaf(Bare(hello.ServerName)) })
}

// Covers reports whether host is one of the certificate's names.
func (o *Own) Covers(host string) bool {
	host = Bare(host)
	if a := net.ParseIP(host); a != nil {
		for _, have := range o.addresses() {
			if have.Equal(a) {
				return true
			}
		}
		return false
	}
	return host == "localhost" || host == o.host && host != "" || o.below(host)
}

// below reports whether host lies one label below the public host or localhost, as login servers do.
func (o *Own) below(host string) bool {
	for _, domain := range []string{o.host, "localhost"} {
		if _, ok := labelUnder(host, domain); ok && domain != "" {
			return true
		}
	}
	return false
}

func (o *Own) addresses() []net.IP {
	all := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if a := net.ParseIP(o.host); a != nil && !a.Equal(all[0]) && !a.Equal(all[1]) {
		all = append(all, a)
	}
	return all
}

// names are what every certificate is for. Some clients refuse a wildcard right below a top level name, such as *.localhost:
// for these names a certificate of their own is made when a client asks.
func (o *Own) names() []string {
	all := []string{"localhost"}
	if o.host != "" && !isAddress(o.host) {
		if o.host != "localhost" {
			all = append(all, o.host)
		}
		all = append(all, "*."+o.host)
	}
	return all
}

// leaf gives the certificate for who asks for name, a fresh one when the last is about to end.
func (o *Own) leaf(name string) (*tls.Certificate, error) {
	if !o.below(name) {
		name = ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if have, ok := o.leaves[name]; ok && o.now().Before(have.Leaf.NotAfter.Add(-leafRenew)) {
		return have, nil
	}
	made, err := o.issue(name)
	if err != nil {
		return nil, fmt.Errorf("a certificate cannot be issued: %w", err)
	}
	if len(o.leaves) >= maxNamed {
		clear(o.leaves)
	}
	o.leaves[name] = made
	return made, nil
}

func (o *Own) issue(name string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	from := o.now()
	until := from.Add(leafAge)
	if until.After(o.ca.NotAfter) {
		until = o.ca.NotAfter
	}
	form := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Dockbell"}, NotBefore: from.Add(-backdated), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: o.names(), IPAddresses: o.addresses(), BasicConstraintsValid: true,
	}
	if name != "" {
		form.DNSNames = append(form.DNSNames, name)
	}
	raw, err := x509.CreateCertificate(rand.Reader, form, o.ca, key.Public(), o.key)
	if err != nil {
		return nil, err
	}
	made, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: made}, nil
}

// makeCA writes a new CA with its key under path in one step: of two processes that start together, both use the first one's.
func makeCA(path string, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	form := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Dockbell CA of this installation, made " + now.UTC().Format(time.DateOnly)},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(caAge), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	return WriteOnce(path, append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...))
}

func readCA(text []byte) (*x509.Certificate, crypto.Signer, error) {
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, nil, err
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, nil, errors.New("it is not a CA")
	}
	return pair.Leaf, key, nil
}

// serial is a certificate's number: 127 random bits.
func serial() *big.Int {
	raw := make([]byte, 16)
	rand.Read(raw) // never fails: crypto/rand ends the program instead
	raw[0] &= 0x7f
	return new(big.Int).SetBytes(raw)
}
