package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// clock is the test's time.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func own(t *testing.T, folder, host string, c *clock) *Own {
	t.Helper()
	o, err := OpenOwn(folder, host, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// shown is the certificate that a client sees who asks for name, after a real handshake.
func shown(t *testing.T, s Source, name string, trusted *x509.CertPool, at time.Time) (*x509.Certificate, error) {
	t.Helper()
	on, err := tls.Listen("tcp", "127.0.0.1:0", s.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	go func() {
		if c, err := on.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	client, err := tls.Dial("tcp", on.Addr().String(), &tls.Config{ServerName: name, RootCAs: trusted, Time: func() time.Time { return at }})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.ConnectionState().PeerCertificates[0], nil
}

func pool(pem []byte) *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(pem)
	return p
}

// TestOwnNames: what Covers says is what a client finds that knows nothing but the CA.
func TestOwnNames(t *testing.T) {
	for host, names := range map[string]map[string]bool{
		"": {
			"localhost": true, "127.0.0.1": true, "::1": true, "myregistry.localhost": true,
			"a.b.localhost": false, "example.com": false, "127.0.0.2": false, "-x.localhost": false, "x_y.localhost": false,
		},
		"127.0.0.1:8443": {"localhost": true, "127.0.0.1": true, "x.127.0.0.1": false},
		"Dock.Example.com:444": {
			"localhost": true, "127.0.0.1": true, "::1": true, "dock.example.com": true, "myregistry.dock.example.com": true,
			"DOCK.example.com": true, "example.com": false, "a.b.dock.example.com": false, "dock.example.com.evil.test": false, "evildock.example.com": false,
		},
		"192.168.7.9": {"192.168.7.9": true, "192.168.7.8": false, "localhost": true},
	} {
		c := &clock{start}
		o := own(t, t.TempDir(), host, c)
		trusted := pool(o.PEM())
		for name, want := range names {
			if got := o.Covers(name); got != want {
				t.Errorf("public host %q: Covers(%q) is %v", host, name, got)
			}
			if _, err := shown(t, o, name, trusted, start); (err == nil) != want {
				t.Errorf("public host %q: a client that asks for %q finds: %v", host, name, err)
			}
		}
	}
}

// TestOwnNamesForStrictClients: clients that take no wildcard right below a top level name find the name itself.
func TestOwnNamesForStrictClients(t *testing.T) {
	o := own(t, t.TempDir(), "", &clock{start})
	seen, err := shown(t, o, "myregistry.localhost", pool(o.PEM()), start)
	if err != nil || !slices.Contains(seen.DNSNames, "myregistry.localhost") {
		t.Errorf("%v, %v", seen, err)
	}
}

func TestOwnIsRenewed(t *testing.T) {
	folder, c := t.TempDir(), &clock{start}
	o := own(t, folder, "dock.example.com", c)
	trusted := pool(o.PEM())
	first, err := shown(t, o, "localhost", trusted, c.at)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		same  bool
	}{{time.Hour, true}, {leafAge - leafRenew - time.Minute, true}, {leafAge - leafRenew + time.Minute, false}, {leafAge * 3, false}} {
		c.at = start.Add(step.after)
		now, err := shown(t, o, "localhost", trusted, c.at)
		if err != nil {
			t.Fatalf("after %s: %v", step.after, err)
		}
		if now.Equal(first) != step.same {
			t.Errorf("after %s the certificate is the same: %v", step.after, !step.same)
		}
	}
	if again := own(t, folder, "dock.example.com", c); !bytes.Equal(again.PEM(), o.PEM()) {
		t.Error("a second start made another CA")
	}
	c.at = start.Add(caAge - time.Hour)
	if last, err := shown(t, own(t, folder, "", c), "localhost", trusted, c.at); err != nil || last.NotAfter.After(o.ca.NotAfter) {
		t.Errorf("at the CA's end: %v, %v", last, err)
	}
	c.at = start.Add(caAge + time.Hour)
	if _, err := OpenOwn(folder, "", c.now); err == nil || !strings.Contains(err.Error(), "remove "+filepath.Join(folder, keyFile)) {
		t.Errorf("after the CA's end: %v", err)
	}
}

func TestOwnKeepsLittle(t *testing.T) {
	o := own(t, t.TempDir(), "", &clock{start})
	for i := range maxNamed + 10 {
		if _, err := o.leaf("r" + strings.Repeat("x", i%60) + string(rune('a'+i/60)) + ".localhost"); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.leaves) > maxNamed {
		t.Errorf("%d certificates are kept", len(o.leaves))
	}
}

func TestBrokenCA(t *testing.T) {
	folder := t.TempDir()
	for _, text := range []string{"", "nonsense", string(leafPEM(t))} {
		if err := os.WriteFile(filepath.Join(folder, keyFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenOwn(folder, "", time.Now); err == nil || !strings.Contains(err.Error(), "cannot be used") {
			t.Errorf("%.20q: %v", text, err)
		}
		if left, _ := os.ReadFile(filepath.Join(folder, keyFile)); string(left) != text {
			t.Error("a CA that cannot be read was written over")
		}
	}
}

// leafPEM is a certificate that is no CA, with its key.
func leafPEM(t *testing.T) []byte {
	t.Helper()
	cert, key := pairFor(t, "leaf.example.com")
	return append(key, cert...)
}

// pairFor is a certificate for a name, with its key, as PEM.
func pairFor(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	o := own(t, t.TempDir(), name, &clock{time.Now()})
	return pemOf(t, o)
}

// put writes both files; the certificate last, as most tools do it the other way round from what would suit us.
func put(t *testing.T, folder string, cert, key []byte) {
	t.Helper()
	for name, text := range map[string][]byte{"key.pem": key, "cert.pem": cert} {
		if text == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesAreReadAgain(t *testing.T) {
	folder := t.TempDir()
	var said bytes.Buffer
	cert1, key1 := pairFor(t, "one.example.com")
	cert2, key2 := pairFor(t, "two.example.com")
	put(t, folder, cert1, key1)
	f, err := OpenFiles(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	covers := func(name string) bool {
		got := f.Covers(name)
		if cert, err := f.Config().GetCertificate(&tls.ClientHelloInfo{ServerName: name}); err != nil || (cert.Leaf.VerifyHostname(name) == nil) != got {
			t.Errorf("%s: the listener and Covers disagree", name)
		}
		return got
	}
	if !covers("one.example.com") || covers("two.example.com") {
		t.Error("the first certificate is not the one of the files")
	}
	put(t, folder, cert2, nil) // half a renewal
	if !covers("one.example.com") {
		t.Error("half a renewal took the certificate away")
	}
	if n := strings.Count(said.String(), "cannot be used"); n != 1 {
		t.Errorf("half a renewal is logged %d times", n)
	}
	put(t, folder, nil, key2)
	if !covers("two.example.com") || covers("one.example.com") {
		t.Error("the renewed certificate is not served")
	}
	for _, name := range []string{"cert.pem", "key.pem"} {
		os.Remove(filepath.Join(folder, name))
	}
	if !covers("two.example.com") {
		t.Error("removing the files took the certificate away")
	}
	put(t, folder, cert1, key1)
	if !covers("one.example.com") {
		t.Error("files that came back are not read")
	}
}

func TestBadFiles(t *testing.T) {
	folder := t.TempDir()
	cert, _ := pairFor(t, "one.example.com")
	_, key := pairFor(t, "two.example.com")
	put(t, folder, cert, key)
	for _, name := range []string{"cert.pem", "missing.pem"} {
		if _, err := OpenFiles(filepath.Join(folder, name), filepath.Join(folder, "key.pem"), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s with another's key is taken", name)
		}
	}
}

func TestACMENames(t *testing.T) {
	a := NewACME(t.TempDir(), "dock.example.com:443", "", func(_ context.Context, label string) bool { return label == "myregistry" }, slog.New(slog.DiscardHandler))
	for name, want := range map[string]bool{
		"dock.example.com": true, "myregistry.dock.example.com": true, "other.dock.example.com": false, "a.myregistry.dock.example.com": false,
		"example.com": false, "": false, "127.0.0.1": false, "localhost": false,
	} {
		if a.Covers(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	if _, err := a.Config().GetCertificate(&tls.ClientHelloInfo{ServerName: "other.dock.example.com", CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}); err == nil {
		t.Error("a name that nobody knows gets a certificate")
	}
	if !slices.Contains(a.Config().NextProtos, "acme-tls/1") {
		t.Error("the CA's challenge over TLS is not answered")
	}
}

func TestDoor(t *testing.T) {
	o := own(t, t.TempDir(), "", &clock{start})
	for _, c := range []struct {
		source Source
		status int
		want   string
	}{{o, http.StatusOK, string(o.PEM())}, {nil, http.StatusNotFound, "no CA of its own"}, {&ACME{}, http.StatusNotFound, "no CA of its own"}} {
		d := Door{}
		if _, public := c.source.(*ACME); !public {
			d = DoorOf(c.source)
		}
		e := echo.New()
		e.HTTPErrorHandler = func(err error, c echo.Context) { d.Fail(c, http.StatusNotFound, err) }
		for _, r := range d.Routes() {
			if !r.Public {
				t.Errorf("%s needs somebody", r.Path)
			}
			e.Add(r.Method, r.Path, r.Handler)
		}
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/ca.pem", nil))
		if body, _ := io.ReadAll(rec.Body); rec.Code != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%T: %d %s", c.source, rec.Code, body)
		}
	}
}

// pemOf writes the certificate of a source, with its key, as PEM.
func pemOf(t *testing.T, o *Own) (cert, key []byte) {
	t.Helper()
	leaf, err := o.leaf("")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
