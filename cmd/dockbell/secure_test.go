package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dockbell/web/certs"
)

// trusting is a client that trusts the CA of the house, as it hands it out itself.
func (h *runningHouse) trusting() *http.Client {
	h.t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(h.fetch(http.DefaultClient, h.url+"/ca.pem"))) {
		h.t.Fatal("/ca.pem is no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// fetch gives what an address answers with 200.
func (h *runningHouse) fetch(c *http.Client, address string) string {
	h.t.Helper()
	resp, err := c.Get(address)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %s, %v", address, resp.Status, err)
	}
	return string(body)
}

// TestHTTPS: every door answers over HTTPS too, with a certificate of the CA that is handed out, and the CA outlives a restart.
func TestHTTPS(t *testing.T) {
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	if h.https == "" {
		t.Fatal("the greeting does not name the address of HTTPS")
	}
	client := h.trusting()
	port := h.https[strings.LastIndex(h.https, ":"):]
	for _, base := range []string{h.https, "https://localhost" + port} {
		for _, path := range []string{"/readyz", "/sign-in", "/ca.pem"} {
			h.fetch(client, base+path)
		}
		resp, err := client.Get(base + "/v2/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized || resp.ProtoMajor != 2 || !strings.Contains(resp.Header.Get("WWW-Authenticate"), `realm="`+base+`/oauth2/token"`) {
			t.Errorf("%s/v2/: %s %s, %q", base, resp.Proto, resp.Status, resp.Header.Get("WWW-Authenticate"))
		}
	}
	if _, err := http.Get(h.https + "/readyz"); err == nil {
		t.Error("a client without the CA is content")
	}
	for _, file := range []string{"ca.key", "ca.pem"} {
		if info, err := os.Stat(filepath.Join(h.data, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	before := h.fetch(client, h.https+"/ca.pem")
	h.stop()
	h.start()
	if after := h.fetch(client, h.https+"/ca.pem"); after != before {
		t.Error("a second start made another CA")
	}
}

// TestNoHTTPS: without the listener there is no CA, and the answer says so.
func TestNoHTTPS(t *testing.T) {
	h := startHouse(t)
	resp, err := http.Get(h.url + "/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "no CA of its own") {
		t.Errorf("%s: %s", resp.Status, body)
	}
	if _, err := os.Stat(filepath.Join(h.data, "ca.key")); err == nil {
		t.Error("a CA was made that nobody needs")
	}
}

// TestCAIsPrivate: a CA's key that others can read is refused like every other secret of the folder.
func TestCAIsPrivate(t *testing.T) {
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	h.stop()
	if err := os.Chmod(filepath.Join(h.data, "ca.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := run(t, h.args...); code != exitRefused || !strings.Contains(stderr, "ca.key can be read by others") {
		t.Errorf("code %d, %q", code, stderr)
	}
}

func TestSecureURL(t *testing.T) {
	on, err := listenAt(t.Context(), "DOCKBELL_LISTEN_TLS", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	everywhere, err := listenAt(t.Context(), "DOCKBELL_LISTEN_TLS", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	_, port, _ := strings.Cut(on.Addr().String(), ":")
	for public, want := range map[string]string{
		"":                             "https://" + on.Addr().String(),
		"http://dock.example.com:8080": "https://dock.example.com:" + port,
		"https://dock.example.com":     "https://dock.example.com",
		"http://[2001:db8::1]:8080":    "https://[2001:db8::1]:" + port,
		"https://dock.example.com:444": "https://dock.example.com:444",
		"http://dock.example.com":      "https://dock.example.com:" + port,
	} {
		if got := secureURL(Config{PublicURL: public}, on); got != want {
			t.Errorf("%q: %q, want %q", public, got, want)
		}
	}
	if got := secureURL(Config{}, everywhere); !strings.HasPrefix(got, "https://localhost:") {
		t.Errorf("a listener on every address: %q", got)
	}
	if got := secureURL(Config{PublicURL: "https://dock.example.com"}, nil); got != "" {
		t.Errorf("without a listener: %q", got)
	}
}

// TestBase: links and issuers name the host a client chose, and no host that somebody made up.
func TestBase(t *testing.T) {
	own, err := certs.OpenOwn(t.TempDir(), "127.0.0.1:8443", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	secured := site{public: "http://127.0.0.1:8080", own: "127.0.0.1:8080", secure: "https://127.0.0.1:8443"}
	public := site{public: "https://dock.example.com", own: "127.0.0.1:8080", secure: "https://dock.example.com"}
	for _, c := range []struct {
		at        site
		set       string
		host      string
		encrypted bool
		want      string
	}{
		{secured, "", "localhost:8443", true, "https://localhost:8443"},
		{secured, "", "LOCALHOST:8443", true, "https://localhost:8443"},
		{secured, "", "127.0.0.1:9443", true, "https://127.0.0.1:9443"},
		{secured, "", "[::1]:8443", true, "https://[::1]:8443"},
		{secured, "", "localhost:8080", false, "https://localhost:8443"},
		{secured, "", "evil.test", true, "https://127.0.0.1:8443"},
		{secured, "", "evil.test:8443", false, "https://127.0.0.1:8443"},
		{public, "https://dock.example.com", "localhost:8443", true, "https://dock.example.com"},
		{public, "https://dock.example.com", "evil.test", true, "https://dock.example.com"},
		{site{public: "http://127.0.0.1:8080"}, "", "localhost:8080", false, "http://127.0.0.1:8080"},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://x/", nil)
		if r.Host = c.host; c.encrypted {
			r.TLS = &tls.ConnectionState{}
		}
		h := &house{site: c.at, certs: own}
		if got := h.base(Config{PublicURL: c.set})(r); got != c.want {
			t.Errorf("%q (public URL %q): %q, want %q", c.host, c.set, got, c.want)
		}
	}
}
