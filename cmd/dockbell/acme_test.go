package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dockbell/models/store/storetest"
	"dockbell/web/webtest"
)

// The names of the tests: nothing of them is in any DNS but the tests' own.
const (
	acmeHost     = "dock.example.com"
	acmeRegistry = houseRegistry + "." + acmeHost
	acmeLate     = "lateregistry." + acmeHost
)

// acmeTest is a Dockbell whose certificates come from Pebble, the CA that Let's Encrypt gives to those who test ACME clients.
type acmeTest struct {
	t                  *testing.T
	dir                string
	plain, secure      string // Dockbell's listeners
	directory, roots   string // Pebble's addresses
	tlsPort, plainPort string // where Pebble looks for Dockbell, which a CA does at 443 and 80
	validity           int    // of certificates, in seconds
	blocked            string // a domain for which the CA gives none
	ca, house          *exec.Cmd
	log, caLog         *lockedBuffer
	trust              *http.Client // trusts the CA's own door
}

func newACMETest(t *testing.T) *acmeTest {
	t.Helper()
	a := &acmeTest{t: t, dir: t.TempDir(), plain: freeAddress(t), secure: freeAddress(t), validity: 90 * 24 * 3600}
	a.directory, a.roots = freeAddress(t), freeAddress(t)
	_, a.plainPort, _ = net.SplitHostPort(a.plain)
	_, a.tlsPort, _ = net.SplitHostPort(a.secure)
	t.Cleanup(func() { stopCommand(a.house); stopCommand(a.ca) })
	return a
}

// freeAddress is one that nobody listens at: a CA has to be told where before Dockbell can be told of the CA.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func stopCommand(c *exec.Cmd) {
	if c != nil && c.ProcessState == nil {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

func (a *acmeTest) file(name string) string { return filepath.Join(a.dir, name) }

// startCA starts Pebble behind the tests' DNS, with a certificate of a CA that Dockbell is made to trust.
func (a *acmeTest) startCA() {
	a.t.Helper()
	folder := os.Getenv(webtest.ClientsFolder)
	if folder == "" {
		storetest.Without(a.t, webtest.ClientsFolder+" does not name the folder of pebble (make test sets it)")
	}
	own := httptest.NewUnstartedServer(nil)
	own.StartTLS()
	own.Close()
	pair := own.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		a.t.Fatal(err)
	}
	write(a.t, a.file("ca-door.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	write(a.t, a.file("ca-door.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	a.trust = own.Client()
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": a.directory, "managementListenAddress": a.roots, "certificate": a.file("ca-door.pem"), "privateKey": a.file("ca-door.key"),
		"httpPort": json.Number(a.plainPort), "tlsPort": json.Number(a.tlsPort), "domainBlocklist": strings.Fields(a.blocked),
		"profiles": map[string]any{"default": map[string]any{"validityPeriod": a.validity}},
	}})
	if err != nil {
		a.t.Fatal(err)
	}
	write(a.t, a.file("pebble.json"), string(config))
	a.ca = exec.Command(filepath.Join(folder, "pebble"), "-config", a.file("pebble.json"), "-dnsserver", serveDNS(a.t))
	a.ca.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	a.caLog = &lockedBuffer{}
	a.ca.Stdout, a.ca.Stderr = a.caLog, a.caLog
	if err := a.ca.Start(); err != nil {
		a.t.Fatal(err)
	}
	until(a.t, "the CA answers", func() bool {
		resp, err := a.trust.Get("https://" + a.directory + "/dir")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
}

// startHouse starts Dockbell, again on the same data.
func (a *acmeTest) startHouse() {
	a.t.Helper()
	a.log = &lockedBuffer{}
	a.house = exec.Command(program(a.t), "serve", "--listen="+a.plain, "--listen-tls="+a.secure, "--tls=acme", "--public-url=https://"+acmeHost,
		"--acme-directory=https://"+a.directory+"/dir", "--data="+a.file("data"), "--registries="+houseRegistry+",lateregistry", "--log=warn")
	a.house.Env = append(os.Environ(), "SSL_CERT_FILE="+a.file("ca-door.pem"))
	a.house.Stdout, a.house.Stderr = a.log, a.log
	if err := a.house.Start(); err != nil {
		a.t.Fatal(err)
	}
	until(a.t, "Dockbell answers", func() bool { return answers("http://" + a.plain) })
}

// shown is the certificate that a client is shown under a name, checked against the CA's root; the error is why there is none.
func (a *acmeTest) shown(name string, roots *x509.CertPool) (*x509.Certificate, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Minute}, Config: &tls.Config{ServerName: name, RootCAs: roots}}
	conn, err := d.DialContext(a.t.Context(), "tcp", a.secure)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// mustShow is shown for names that have to work.
func (a *acmeTest) mustShow(name string, roots *x509.CertPool) *x509.Certificate {
	a.t.Helper()
	cert, err := a.shown(name, roots)
	if err != nil {
		a.t.Fatalf("%s: %v: %s%s", name, err, a.log, a.caLog)
	}
	return cert
}

// refused wants no certificate under a name, and this in the log.
func (a *acmeTest) refused(name, sentence string) {
	a.t.Helper()
	if cert, err := a.shown(name, nil); err == nil {
		a.t.Errorf("%s is shown %v", name, cert.DNSNames)
	}
	until(a.t, "the log says: "+sentence, func() bool { return strings.Contains(a.log.String(), sentence) })
}

// root is what Pebble signs with, new with every start of it.
func (a *acmeTest) root() *x509.CertPool {
	a.t.Helper()
	resp, err := a.trust.Get("https://" + a.roots + "/roots/0")
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(raw) {
		a.t.Fatalf("the CA's root: %v, %s", err, raw)
	}
	return pool
}

// serveDNS answers every question for an address with this machine's, over TCP as Pebble asks.
func serveDNS(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for answerDNS(conn) == nil {
				}
			}()
		}
	}()
	return l.Addr().String()
}

func answerDNS(conn net.Conn) error {
	length := make([]byte, 2)
	if _, err := io.ReadFull(conn, length); err != nil {
		return err
	}
	raw := make([]byte, binary.BigEndian.Uint16(length))
	if _, err := io.ReadFull(conn, raw); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(raw); err != nil {
		return err
	}
	m.Header, m.Additionals = dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}})
		}
	}
	answer, err := m.AppendPack(make([]byte, 2))
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(answer, uint16(len(answer)-2))
	_, err = conn.Write(answer)
	return err
}

// TestACME: the public host and the login servers below it get certificates, other names none; they outlive a restart without
// the CA; and where the CA refuses or is away the log says so in a sentence.
func TestACME(t *testing.T) {
	t.Parallel()
	a := newACMETest(t)
	a.startCA()
	a.startHouse()
	roots := a.root()
	first := a.mustShow(acmeHost, roots)
	if again := a.mustShow(acmeHost, roots); !bytes.Equal(again.Raw, first.Raw) {
		t.Error("a second connection is shown another certificate")
	}
	if cert := a.mustShow(acmeRegistry, roots); cert.VerifyHostname(acmeRegistry) != nil {
		t.Errorf("the login server has the names %v", cert.DNSNames)
	}
	a.refused("other."+acmeHost, "")
	a.refused("", "")
	stopCommand(a.house)
	if said := a.log.String(); strings.Contains(said, "The CA") {
		t.Errorf("the CA was asked for names that are not Dockbell's: %s", said)
	}

	stopCommand(a.ca)
	a.startHouse()
	if cert := a.mustShow(acmeHost, roots); !bytes.Equal(cert.Raw, first.Raw) {
		t.Error("after a restart another certificate is shown")
	}
	a.refused(acmeLate, "The CA could not be asked for a certificate for "+acmeLate)
	stopCommand(a.house)
	a.blocked = "example.com"
	a.startCA()
	a.startHouse()
	a.refused(acmeLate, "The CA refuses a certificate for "+acmeLate+": ")
	a.refused(acmeLate, "") // it is not asked again at once
	stopCommand(a.house)
	if said := a.log.String(); strings.Count(said, "The CA") != 1 {
		t.Errorf("one refusal is logged as %s", said)
	}
	if said := fmt.Sprint(modes(t, a.file("data/acme"))); said != "[-rw-------]" {
		t.Errorf("the files of ACME have the modes %s", said)
	}
}

// modes are those of the files in a folder, each once.
func modes(t *testing.T, folder string) []os.FileMode {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []os.FileMode
	seen := map[os.FileMode]bool{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode(); !seen[mode] {
			seen[mode] = true
			all = append(all, mode)
		}
	}
	return all
}

// TestACMERenews: a certificate is replaced before it expires, without a restart.
func TestACMERenews(t *testing.T) {
	t.Parallel()
	a := newACMETest(t)
	a.validity = 15 // renewed after two thirds of it
	a.startCA()
	a.startHouse()
	roots := a.root()
	first := a.mustShow(acmeHost, roots)
	until(t, "another certificate is shown", func() bool {
		now, err := a.shown(acmeHost, roots)
		if err != nil {
			t.Fatal(err)
		}
		return !bytes.Equal(now.Raw, first.Raw)
	})
}

// TestACMEOverPlainHTTP: where the CA does not reach the HTTPS listener it is answered by the plain one; where it reaches
// neither, the log says what has to be reached.
func TestACMEOverPlainHTTP(t *testing.T) {
	t.Parallel()
	a := newACMETest(t)
	_, a.tlsPort, _ = net.SplitHostPort(freeAddress(t))
	a.startCA()
	a.startHouse()
	a.mustShow(acmeHost, a.root())
	stopCommand(a.house)
	stopCommand(a.ca)
	_, a.plainPort, _ = net.SplitHostPort(freeAddress(t))
	a.startCA()
	a.startHouse()
	a.refused(acmeRegistry, "The CA could not reach this Dockbell as "+acmeRegistry)
}
