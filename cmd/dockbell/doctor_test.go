package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dockbell/models/doctor"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
	"dockbell/web/webtest"
)

// report is what doctor --json prints.
type report struct {
	Members []struct {
		Address  string
		Alive    bool
		InFlight int
	}
	Waiting  int
	Queue    []struct{ Webhook string }
	Findings []struct {
		Wrong      bool
		What, Next string
	}
}

// examined runs doctor. What it says of this machine's disk is left out: that is not the test's.
func examined(t *testing.T, args ...string) (r report, code int) {
	t.Helper()
	out, stderr, code := run(t, append([]string{"doctor", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr)
	}
	kept := r.Findings[:0]
	for _, f := range r.Findings {
		if !strings.Contains(f.What, "nearly full") {
			kept = append(kept, f)
		}
		if f.Wrong != (code == exitRefused) && f.Wrong {
			t.Errorf("with %q it ends with %d", f.What, code)
		}
	}
	r.Findings = kept
	return r, code
}

// says wants one finding, or none for "".
func (r report) says(t *testing.T, want string) {
	t.Helper()
	if want == "" && len(r.Findings) == 0 {
		return
	}
	if len(r.Findings) != 1 || want == "" || !strings.Contains(r.Findings[0].What, want) || r.Findings[0].Next == "" {
		t.Errorf("it says %+v, want %q", r.Findings, want)
	}
}

func TestDoctorLooksAtARunningServer(t *testing.T) {
	h := startHouse(t)
	place := []string{"--data=" + h.data, "--allowed-networks=127.0.0.0/8"}
	r, _ := examined(t, place...)
	r.says(t, "")
	if len(r.Members) != 1 || !r.Members[0].Alive || "http://"+r.Members[0].Address != h.url {
		t.Errorf("members %+v, want the one at %s", r.Members, h.url)
	}
	b := webtest.New(t, h.url)
	b.SignIn(houseOwner, housePassword)
	b.Send(hooksPath, hookForm("deployprod", "http://127.0.0.1:1/")).LeadsLike(hooksPath)
	b.Post(hooksPath + "/deployprod/pause")
	h.push("team/web:v1")
	r, _ = examined(t, place...)
	r.says(t, "")
	if r.Waiting != 1 || len(r.Queue) != 1 || r.Queue[0].Webhook != "deployprod" {
		t.Errorf("%d wait: %+v", r.Waiting, r.Queue)
	}
	b.Get("/settings/members").Says("#members", r.Members[0].Address).Says("#queue", "deployprod").Says("#queue", "Paused")
	r, code := examined(t, "--data="+h.data) // with the networks of another server
	r.says(t, "Nothing can be sent to the webhook deployprod of "+houseRegistry)
	if code != exitRefused {
		t.Errorf("it ends with %d", code)
	}
	out, _, _ := run(t, append([]string{"doctor"}, place...)...)
	for _, want := range []string{"SERVER", r.Members[0].Address, "running", "1 waiting, 0 in flight", "deployprod", "paused"} {
		if !strings.Contains(out, want) {
			t.Errorf("without %q it prints\n%s", want, out)
		}
	}
	h.stop()
	r, _ = examined(t, place...)
	r.says(t, "")
	if len(r.Members) != 0 {
		t.Errorf("after the end there are the members %+v", r.Members)
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	t.Run("nothing there", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "data")
		if _, stderr, code := run(t, "doctor", "--data="+folder); code != exitRefused || !strings.Contains(stderr, "there is no database") {
			t.Errorf("%d, %s", code, stderr)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Error("it made a data folder")
		}
	})
	t.Run("another key", func(t *testing.T) {
		h := startHouse(t)
		if err := os.WriteFile(filepath.Join(h.data, "key"), make([]byte, keyBytes), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := run(t, "doctor", "--data="+h.data); code != exitRefused || !strings.Contains(stderr, "key does not fit") {
			t.Errorf("%d, %s", code, stderr)
		}
	})
	t.Run("public address", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), "data")
		if _, stderr, code := run(t, "token", "list", "--data="+data); code != exitDone {
			t.Fatal(stderr)
		}
		if _, err := openData(t, data).Join(t.Context(), doctor.Member{ID: "1", PublicURL: "http://127.0.0.1:1"}); err != nil {
			t.Fatal(err)
		}
		r, _ := examined(t, "--data="+data)
		r.says(t, "http://127.0.0.1:1 does not answer")
	})
	t.Run("certificate", func(t *testing.T) {
		h := startHouse(t)
		for name, c := range map[string]struct {
			ends time.Duration
			want string
		}{"fine": {90 * 24 * time.Hour, ""}, "soon": {5*24*time.Hour + time.Hour, "expires in 5 days"}, "over": {-time.Hour, "has expired"}} {
			cert, key := certFiles(t, name, c.ends)
			r, _ := examined(t, "--data="+h.data, "--tls=files", "--tls-cert="+cert, "--tls-key="+key)
			r.says(t, c.want)
		}
	})
}

// TestDoctorFindsASilentServer: one that was killed is on the list and silent; the queue it left is nobody's.
func TestDoctorFindsASilentServer(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		place := []string{"--data=" + filepath.Join(t.TempDir(), "data"), "--database=" + dsn}
		if _, stderr, code := run(t, append([]string{"token", "list"}, place...)...); code != exitDone {
			t.Fatal(stderr)
		}
		key, err := os.ReadFile(filepath.Join(strings.TrimPrefix(place[0], "--data="), "key"))
		if err != nil {
			t.Fatal(err)
		}
		db := storetest.OpenWith(t, store.Options{DSN: dsn, Key: key, Now: func() time.Time { return time.Now().Add(-time.Hour) }})
		if _, err := db.Join(t.Context(), doctor.Member{ID: "1", Host: "gone", Address: "10.0.0.1:8080", PublicURL: "http://10.0.0.1:8080"}); err != nil {
			t.Fatal(err)
		}
		r, code := examined(t, place...)
		r.says(t, "on gone at 10.0.0.1:8080 has not been heard of for 60 minutes")
		if code != exitRefused {
			t.Errorf("it ends with %d", code)
		}
	})
}

// certFiles writes a certificate that ends after a while, and its key.
func certFiles(t *testing.T, name string, ends time.Duration) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(ends)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, key = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return cert, key
}

// TestDoctorTellsOfMailsAndSources: that the mail server is away, and that a source is full, stands in doctor, in the portal and in
// the metrics.
func TestDoctorTellsOfMailsAndSources(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	t.Setenv("DOCKBELL_SMTP_URL", "smtp://"+strings.TrimPrefix(closed.URL, "http://")+"?tls=off")
	t.Setenv("DOCKBELL_SMTP_FROM", "dockbell@example.com")
	p := startProcess(t, t.TempDir())
	b := p.browser()
	b.Send(hooksPath, hookForm("deployprod", closed.URL, "retry", "none")).LeadsLike(hooksPath)
	b.Post("/registries/"+houseRegistry+"/notices", "recipients", "ada@example.com", "webhook", "").Status(http.StatusSeeOther)
	p.push("team/api", "v1", "layer").wants(http.StatusCreated)
	until(t, "a mail is tried", func() bool { return strings.Contains(p.metrics(t), `dockbell_mails_total{result="failed"} 1`) })

	out, stderr, code := run(t, "source", "create", "--name", "edge", "--kind", "distribution", "--registry", "acmeedge", "--space", "1", "--data="+p.data)
	var made struct{ URL, Token string }
	if code != exitDone || json.Unmarshal([]byte(out), &made) != nil {
		t.Fatal(stderr)
	}
	var last int
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, made.URL, strings.NewReader(`{"pad":"`+strings.Repeat("x", 600<<10)+`","events":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+made.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		last = resp.StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the source is answered %d", last)
	}
	told := p.metrics(t)
	for _, line := range []string{"dockbell_mails_waiting 1\n", `dockbell_source_refusals_total{limit="space"} 1` + "\n"} {
		if !strings.Contains(told, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	page := b.Get("/settings/members").Says("main", "The source edge of acmeedge is full").Says("main", "does not take a mail about the webhooks of "+houseRegistry)
	page.Status(http.StatusOK)
	p.end(os.Interrupt) // which writes the counts of sources
	var said []string
	r, code := examined(t, "--data="+p.data, "--allowed-networks=127.0.0.0/8")
	for _, f := range r.Findings {
		said = append(said, f.What)
	}
	all := strings.Join(said, "\n")
	if code != exitRefused || len(said) != 2 || !strings.Contains(all, "does not take a mail") || !strings.Contains(all, "edge of acmeedge is full") {
		t.Errorf("it ends with %d and says\n%s", code, all)
	}
}
