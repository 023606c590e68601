package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dockbell/models/store/storetest"
)

// cleaning is the real program, but for its times: it collects and applies retention all the time, and its leases end soon.
var cleaning = sync.OnceValues(func() (string, error) {
	return buildProgram("cleaning", "-ldflags", "-X main.linkedEvery=20ms -X main.linkedGrace=50ms -X main.linkedWaiting=5s -X main.linkedLease=3s")
})

// aged is the repository whose old tags retention deletes; the others are kept from it.
const aged = "aged/app"

// churn pushes and deletes until it is told to stop. Its images share a few layers, so that what one needs was often just
// collected for another.
type churn struct {
	p       *process
	l       *tally
	stop    atomic.Bool
	refused atomic.Int64
	clients sync.WaitGroup
}

func (c *churn) start(clients int) {
	for n := range clients {
		c.clients.Go(func() {
			for i := 0; !c.stop.Load(); i++ {
				base := c.p.base()
				if base == "" {
					time.Sleep(2 * time.Millisecond)
					continue
				}
				if i%8 == 7 { // a client that goes away in the middle of an upload
					_, _ = c.p.send(http.MethodPost, base+"/v2/kept/app/blobs/uploads/", "", "")
				}
				c.once(base, []string{"kept/app", "kept/web", aged}[rand.N(3)], fmt.Sprintf("c%d-%d", n, i))
			}
		})
	}
}

// once pushes an image and, often, deletes it again.
func (c *churn) once(base, repo, tag string) {
	f := fate{repo: repo, config: fmt.Sprintf(`{"n":%d}`, rand.N(5)), layer: fmt.Sprintf("layer %d", rand.N(5)), asked: repo == aged}
	manifest := manifestOf("application/vnd.oci.image.config.v1+json", f.config, f.layer, fmt.Sprintf(`,"annotations":{"tag":%q}`, tag))
	digest := digestOf(manifest)
	c.l.begins(digest, f)
	if !c.push(base, repo, tag, manifest, f) {
		return
	}
	c.l.learns(digest, func(f *fate) { f.pushed = true })
	if repo == aged || rand.N(3) == 0 {
		return
	}
	c.l.learns(digest, func(f *fate) { f.asked = true })
	switch status, err := c.p.send(http.MethodDelete, base+"/v2/"+repo+"/manifests/"+digest, "", ""); {
	case err == nil && status == http.StatusAccepted:
		c.l.learns(digest, func(f *fate) { f.deleted = true })
	case err == nil:
		c.p.t.Errorf("the deletion of %s was answered %d", digest, status)
	}
}

// push does as clients do: it asks for each blob, uploads what is not there, and begins anew when the manifest is refused
// because a blob was collected meanwhile. It reports whether the manifest was acknowledged.
func (c *churn) push(base, repo, tag, manifest string, f fate) bool {
	for range 200 {
		for _, blob := range []string{f.config, f.layer} {
			there, err := c.p.send(http.MethodHead, base+"/v2/"+repo+"/blobs/"+digestOf(blob), "", "")
			if err == nil && there != http.StatusOK {
				err = c.p.pushBlobs(base, repo, blob)
			}
			if err != nil {
				return false // the process was killed
			}
		}
		done := c.p.putManifest(base, repo, tag, manifest)
		if done.err != nil || done.status == http.StatusCreated {
			return done.err == nil
		}
		if done.status != http.StatusBadRequest {
			c.p.t.Errorf("the manifest was answered %d", done.status)
			return false
		}
		c.refused.Add(1)
	}
	c.p.t.Errorf("%s was refused 200 times", tag)
	return false
}

// TestKilledWhileCollecting kills the program again and again while clients push and delete and it cleans up without a pause.
// Afterwards no manifest lacks a blob, every push and every deletion was told by exactly one event, those of retention too, and
// nothing half-written is left. DOCKBELL_TORTURE makes it go on for so many minutes.
func TestKilledWhileCollecting(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		p := killWhileCollecting(t, 8)
		if said := integrity(t, p.data); said != "ok" {
			t.Errorf("the database is not whole: %s", said)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		storetest.OnPostgres(t, func(t *testing.T, dsn string) {
			t.Setenv("DOCKBELL_DATABASE", dsn)
			killWhileCollecting(t, 4)
		})
	})
}

func killWhileCollecting(t *testing.T, kills int) *process {
	t.Helper()
	end := time.Time{}
	if minutes, err := strconv.ParseFloat(os.Getenv(tortureEnv), 64); err == nil {
		kills, end = 1<<30, time.Now().Add(time.Duration(minutes*float64(time.Minute)))
	}
	path, err := cleaning()
	if err != nil {
		t.Fatal(err)
	}
	p := startProgram(t, path, filepath.Join(t.TempDir(), "data"))
	l := newTally(t)
	b := p.browser()
	b.Send(hooksPath, hookForm("everybell", l.receiver(), "actions", "push delete")).LeadsLike(hooksPath)
	b.Post("/registries/"+houseRegistry+"/retention", "keepTags", "3", "keep", "kept/*").Leads("/registries/" + houseRegistry + "/retention")
	c := &churn{p: p, l: l}
	c.start(4)
	done := 0
	for ; done < kills && (end.IsZero() || time.Now().Before(end)); done++ {
		before, _ := l.acknowledged()
		want := before + 10 + rand.N(40)
		until(t, "more pushes are acknowledged", func() bool { now, _ := l.acknowledged(); return now >= want })
		time.Sleep(rand.N(10 * time.Millisecond))
		p.end(syscall.SIGKILL)
		p.start()
	}
	c.stop.Store(true)
	c.clients.Wait()
	for _, fault := range l.settled(p) {
		t.Error(fault)
	}
	pushed, deleted := l.acknowledged()
	t.Logf("%d kills: %d pushes and %d deletions acknowledged, %d pushes refused and repeated, %d manifests told of", done, pushed, deleted, c.refused.Load(), len(l.told))
	l.findsWhatIsWrong(p)
	p.end(os.Interrupt)
	return p
}

// settled waits until all is told and cleaned up, and gives what is still wrong when that does not come about.
func (l *tally) settled(p *process) []string {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		faults := l.faults(p)
		if len(faults) == 0 || time.Now().After(deadline) {
			return faults
		}
	}
}

// findsWhatIsWrong is the control: each promise is broken once, by hand, and the tally has to notice.
func (l *tally) findsWhatIsWrong(p *process) {
	l.t.Helper()
	var digest string // of a manifest that is there
	for one, f := range l.all {
		if f.repo != aged && f.pushed && !f.asked {
			digest = one
		}
	}
	name := strings.TrimPrefix(digestOf(l.all[digest].layer), "sha256:")
	blob := filepath.Join(p.data, "blobs", "sha256", name[:2], name)
	raw, err := os.ReadFile(blob)
	if err != nil {
		l.t.Fatal(err)
	}
	write := func(path string, content []byte) func() {
		return func() {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	upload := filepath.Join(p.data, "blobs", "uploads", strings.Repeat("0", 32))
	told := l.told[digest]
	for _, c := range []struct {
		want          string
		breaks, mends func()
	}{
		{"lacks a blob: " + digest, func() { _ = os.Remove(blob) }, write(blob, raw)},
		{"half-written: " + blob, write(blob, raw[:2]), write(blob, raw)},
		{"left behind: " + upload, write(upload, raw), func() { _ = os.Remove(upload) }},
		{"told by 0 events: " + digest, func() { delete(l.told, digest) }, func() { l.told[digest] = told }},
		{"told by 2 events: " + digest, func() { l.note(digest, "push", "another") }, func() { delete(told["push"], "another") }},
		{"told by 1 events: " + digest, func() { l.note(digest, "delete", "another") }, func() { delete(told["delete"], "another") }},
		{"is there though deleted: " + digest, func() { l.all[digest].deleted = true }, func() { l.all[digest].deleted = false }},
		{"nobody pushed: sha256:x", func() { l.note("sha256:x", "push", "x") }, func() { delete(l.told, "sha256:x") }},
	} {
		c.breaks()
		if found := strings.Join(l.faults(p), "\n"); !strings.Contains(found, c.want) {
			l.t.Errorf("the tally does not find %q but %q", c.want, found)
		}
		c.mends()
	}
}
