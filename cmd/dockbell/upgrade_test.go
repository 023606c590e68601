package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"dockbell/models/webhook"
)

// oldData unpacks a data folder that an older Dockbell left when it was killed: its tables are at step 30, fifty pushes wait
// for ten webhooks whose receivers are not there, and the key lies beside the database.
func oldData(t *testing.T) (data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(filepath.Join("testdata", "upgrade", "before-sources.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	in, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(in); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return data
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, head.Name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// backlog is how many deliveries wait after multiply.
const backlog = 10_000

// multiply copies what waits by the statements of the old tables: the copies are minutes apart.
func multiply(t *testing.T, data string) {
	t.Helper()
	sabotage(t, data, `create temp table n as with recursive n (k) as (select 1 union all select k + 1 from n where k < 19) select k, (k * 60000) << 22 as off from n;
		insert into bodies select id + off, body from bodies, n;
		insert into deliveries select id + off, event_id || '-' || k, registry, registry_key, webhook_id, webhook, action, repository, tag, digest, image_id, body_id + off,
			state, attempts, retries, next, claimed, created, class, last_status, last_cause, last_duration_us, last_at from deliveries, n;
		insert into attempts select delivery_id + off, number, started, duration_us, dns_us, connect_us, tls_us, first_byte_us, remote_addr, request_uri, request_headers,
			status, status_text, proto, response_headers, response_body, truncated, cause, sentence, retry_after_us, cert_expires from attempts, n;
		insert into events select seq + off, id || '-' || k, registry, registry_key, location, action, at, repository, tag, digest, media_type, size, kind, chart_name, chart_version,
			carried_tags, request_id, request_addr, request_host, request_method, user_agent, actor, source, webhooks, image_id, first_delivery + off, last_delivery + off, verdicts from events, n`)
}

// TestAnUpgradeWithABacklog: whatever an older program left waiting is delivered by the new one, also when it dies again and again in
// the middle of the upgrade.
func TestAnUpgradeWithABacklog(t *testing.T) {
	data := oldData(t)
	multiply(t, data)
	p := &process{pusher: newPusher(t, credentials{}), program: breakableProgram(t), data: data}
	for range 2 {
		p.diesStarting("DOCKBELL_FAIL=migrating:1")
		if said := integrity(t, data); said != "ok" {
			t.Fatalf("I5: after a death in the upgrade the database is not whole: %s", said)
		}
	}

	var mu sync.Mutex
	calls := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		calls[r.URL.Path+" "+r.Header.Get("webhook-id")]++
	}))
	defer srv.Close()
	redirect(t, data, srv.URL)
	t.Cleanup(func() { p.end(os.Kill) })
	p.start()
	until(t, "the backlog is delivered", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(calls) == backlog
	})
	p.end(os.Interrupt)
	for call, n := range calls {
		if n != 1 {
			t.Errorf("%s came %d times", call, n)
		}
	}
	if said := integrity(t, data); said != "ok" {
		t.Errorf("I5: the database is not whole: %s", said)
	}
}

// redirect ends the upgrade and sends every webhook to a receiver that is there.
func redirect(t *testing.T, data, base string) {
	t.Helper()
	db := openData(t, data)
	hooks, err := db.Webhooks(t.Context(), houseRegistry)
	if err != nil {
		t.Fatal(err)
	}
	for i, hook := range hooks {
		if hook.ServiceURI, err = webhook.ParseURI(fmt.Sprint(base, "/hook", i)); err != nil {
			t.Fatal(err)
		}
		if err := db.UpdateWebhook(t.Context(), hook, hook.Version); err != nil {
			t.Fatal(err)
		}
	}
	if len(hooks) != 10 {
		t.Fatalf("%d webhooks came along", len(hooks))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// diesStarting begins a life that ends before it answers.
func (p *process) diesStarting(env string) {
	p.t.Helper()
	cmd := p.command(env)
	ended := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		p.t.Fatal("it did not die")
	}
	if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || state.Signal() != syscall.SIGKILL {
		p.t.Fatalf("it ended otherwise: %s", cmd.ProcessState)
	}
}
