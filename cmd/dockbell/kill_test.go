package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/store"
	"dockbell/web/webtest"
)

// tortureEnv makes TestKilledAtRandom go on for so many minutes.
const tortureEnv = "DOCKBELL_TORTURE"

// browser is the owner's, signed in.
func (p *process) browser() *webtest.Browser {
	p.t.Helper()
	b := webtest.New(p.t, p.base())
	b.SignIn(houseOwner, housePassword).Leads("/")
	return b
}

const hooksPath = "/registries/" + houseRegistry + "/webhooks"

// hookForm is the portal's form of a webhook; more are names and values that win over the usual ones.
func hookForm(name, uri string, more ...string) url.Values {
	form := url.Values{
		"name": {name}, "location": {"local"}, "serviceUri": {uri}, "actions": {"push"}, "status": {"enabled"}, "format": {"azure"},
		"retry": {"default"}, "timeout": {"10"}, "signed": {"on"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		form[more[i]] = strings.Fields(more[i+1])
	}
	return form
}

// driver pushes from several clients at once for as long as it is let, and writes what was acknowledged into the ledger.
type driver struct {
	p       *process
	base    func() string // where to push to; empty: nowhere at the moment
	ledger  *ledger
	stop    atomic.Bool
	clients sync.WaitGroup
}

// repositories are what the clients push to in turn.
var repositories = []string{"team/api", "team/web", "base"}

func (d *driver) start(clients int) {
	for c := range clients {
		d.clients.Go(func() {
			for n := 0; !d.stop.Load(); n++ {
				base := d.base()
				if base == "" {
					time.Sleep(2 * time.Millisecond)
					continue
				}
				repo, tag := repositories[n%len(repositories)], fmt.Sprintf("c%d-%d", c, n)
				if done := d.p.pushThrough(base, repo, tag, repo+tag); done.status == http.StatusCreated {
					d.ledger.acknowledge(repo+":"+tag, done.digest)
				}
			}
		})
	}
}

func (d *driver) end() {
	d.stop.Store(true)
	d.clients.Wait()
}

// wants says of what each receiver is to be told: its webhook's scope.
var wants = map[string]func(image string) bool{
	"everything": func(string) bool { return true },
	"teamonly":   func(image string) bool { return strings.HasPrefix(image, "team/") },
	"slowly":     func(image string) bool { return strings.HasPrefix(image, "base:") },
}

// subscribe makes a webhook with a receiver for each of wants.
func (l *ledger) subscribe(t *testing.T, p *process, more ...string) {
	t.Helper()
	b := p.browser()
	for name, scope := range map[string]string{"everything": "", "teamonly": "team/*:*", "slowly": "base:*"} {
		takes := map[string]time.Duration{"slowly": 20 * time.Millisecond}[name]
		b.Send(hooksPath, hookForm(name, l.receiver(t, name, takes).URL, append([]string{"scope", scope}, more...)...)).LeadsLike(hooksPath)
	}
}

// quiet waits until every receiver was told of everything, and says what is missing when that does not come about.
func (l *ledger) quiet(patience time.Duration) []string {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		missing := l.silent(wants)
		if len(missing) == 0 || time.Now().After(deadline) {
			return missing
		}
	}
}

// TestKilledAtRandom kills the program again and again while four clients push. Afterwards everything that was acknowledged is
// there, and every receiver was told of it.
func TestKilledAtRandom(t *testing.T) {
	kills, until := 6, time.Time{}
	if minutes, err := strconv.ParseFloat(os.Getenv(tortureEnv), 64); err == nil {
		kills, until = 1<<30, time.Now().Add(time.Duration(minutes*float64(time.Minute)))
	}
	data := filepath.Join(t.TempDir(), "data")
	p := startProcess(t, data)
	l := newLedger()
	l.subscribe(t, p)
	d := &driver{p: p, base: p.base, ledger: l}
	d.start(4)
	done := 0
	for ; done < kills && (until.IsZero() || time.Now().Before(until)); done++ {
		l.grows(t, 10+rand.N(50))
		time.Sleep(rand.N(10 * time.Millisecond))
		p.end(syscall.SIGKILL)
		p.start()
	}
	d.end()
	l.judge(t, p, done)
}

// judge compares the ledger with the program and its database (TRUST.md part D, I1 to I7).
func (l *ledger) judge(t *testing.T, p *process, kills int) {
	t.Helper()
	acked := l.judgeRunning(t, p, kills)
	p.end(os.Interrupt)
	if said := integrity(t, p.data); said != "ok" {
		t.Errorf("I5: the database is not whole: %s", said)
	}
	l.judgeHistory(t, openData(t, p.data), acked)
}

// judgeRunning compares the ledger with a program that runs, and gives what was acknowledged.
func (l *ledger) judgeRunning(t *testing.T, p *process, kills int) map[string]string {
	t.Helper()
	acked := l.acknowledged()
	held := func(image string) string {
		repo, tag, _ := strings.Cut(image, ":")
		return p.held(repo, tag)
	}
	for _, fault := range l.unregistered(held) {
		t.Error("I1:", fault)
	}
	for _, fault := range l.quiet(time.Minute) {
		t.Error("I2:", fault)
	}
	repeated, faults := l.copies()
	for _, fault := range faults {
		t.Error("I4:", fault)
	}
	if most := kills * len(wants) * 16; repeated > most {
		t.Errorf("I4: %d calls were repeated, at most %d may", repeated, most)
	}
	t.Logf("%d kills: %d pushes acknowledged, %d calls repeated", kills, len(acked), repeated)
	return acked
}

// judgeHistory looks into the database after the program has ended.
func (l *ledger) judgeHistory(t *testing.T, db *store.DB, acked map[string]string) {
	t.Helper()
	for _, fault := range l.historyFaults(t, db, acked) {
		t.Error(fault)
	}
}

// historyFaults compares the history with the ledger.
func (l *ledger) historyFaults(t *testing.T, db *store.DB, acked map[string]string) (faults []string) {
	t.Helper()
	found := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	told := map[string]string{}
	for f := (event.Filter{Registry: houseRegistry, Action: event.Push, Limit: 500}); ; {
		page, err := db.Events(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range page.Events {
			told[ev.Target.Repository+":"+ev.Target.Tag] = ev.Target.Digest
			f.Before = ev.ID
		}
		if !page.Older {
			break
		}
	}
	for image, digest := range acked {
		if told[image] != digest {
			found("I1: the event of %s is missing", image)
		}
	}
	copies := map[string]int{} // by webhook-id
	for _, events := range l.calls {
		for _, ids := range events {
			copies[ids[0]] += len(ids)
		}
	}
	seen := 0
	for f := (delivery.Filter{Registry: houseRegistry, Limit: 500}); ; {
		page, err := db.Deliveries(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, del := range page.Deliveries {
			f.Before = del.ID
			n := copies[del.ID.String()]
			attempts, err := db.Attempts(t.Context(), del.ID)
			if err != nil {
				t.Fatal(err)
			}
			if n > len(attempts) || del.Attempts != len(attempts) {
				found("I3: delivery %s was seen %d times and has %d attempts, %d of them on record", del.ID, n, del.Attempts, len(attempts))
			}
			if del.State != delivery.Delivered || n == 0 {
				found("I6: delivery %s of %s is %s and was seen %d times", del.ID, del.Image, del.State, n)
			}
			if n > 0 {
				seen++
			}
		}
		if !page.Older {
			break
		}
	}
	if seen != len(copies) {
		found("I3: of %d deliveries that were seen %d are in the history", len(copies), seen)
	}
	return faults
}

// integrity asks SQLite itself whether the file is whole.
func integrity(t *testing.T, data string) string {
	t.Helper()
	conn, err := sql.Open("sqlite3", filepath.Join(data, "dockbell.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var said string
	if err := conn.QueryRow("pragma integrity_check").Scan(&said); err != nil {
		t.Fatal(err)
	}
	return said
}

// TestTheLedgerFindsABrokenPromise is the control: the same driver and the same ledger, but a door before the program that
// acknowledges a manifest before it passes it on, as a server does that answers before its commit.
func TestTheLedgerFindsABrokenPromise(t *testing.T) {
	p := startProcess(t, filepath.Join(t.TempDir(), "data"))
	l := newLedger()
	l.subscribe(t, p)
	liar := newLiar(t, p)
	d := &driver{p: p, base: liar.base, ledger: l}
	d.start(4)
	liar.wait(20)
	p.end(syscall.SIGKILL)
	d.end()
	liar.end()
	p.start()
	held := func(image string) string {
		repo, tag, _ := strings.Cut(image, ":")
		return p.held(repo, tag)
	}
	lost, silent := l.unregistered(held), l.quiet(time.Second)
	if len(lost) == 0 || len(silent) == 0 {
		t.Errorf("of %d false promises the ledger found %d lost manifests and %d calls that never came", len(l.acknowledged()), len(lost), len(silent))
	}
}

// liar is a proxy that answers 201 to a manifest at once and passes it on a little later.
type liar struct {
	url     string
	p       *process
	pending atomic.Int64
	passed  atomic.Int64
	later   sync.WaitGroup
}

func newLiar(t *testing.T, p *process) *liar {
	l := &liar{p: p}
	to, err := url.Parse(p.base())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = nil
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			proxy.ServeHTTP(w, r)
			return
		}
		l.promise(t, w, r)
	}))
	t.Cleanup(srv.Close)
	l.url = srv.URL
	return l
}

// promise acknowledges and queues: what waits when the program is killed is lost with it.
func (l *liar) promise(t *testing.T, w http.ResponseWriter, r *http.Request) {
	body := new(strings.Builder)
	if err := r.Write(body); err != nil {
		t.Error(err)
	}
	_, manifest, _ := strings.Cut(body.String(), "\r\n\r\n")
	l.pending.Add(1)
	l.later.Go(func() {
		time.Sleep(50 * time.Millisecond)
		if base := l.p.base(); base != "" {
			_, _ = l.p.send(http.MethodPut, base+r.URL.Path, manifest, r.Header.Get("Content-Type"))
		}
		l.pending.Add(-1)
		l.passed.Add(1)
	})
	w.WriteHeader(http.StatusCreated)
}

func (l *liar) base() string {
	if l.p.base() == "" {
		return ""
	}
	return l.url
}

// wait returns when some promises were kept and others are open.
func (l *liar) wait(kept int64) {
	for l.passed.Load() < kept || l.pending.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
}

func (l *liar) end() { l.later.Wait() }
