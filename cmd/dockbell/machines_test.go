package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// twoMachines serves one PostgreSQL with two processes, whose leases end soon.
func twoMachines(t *testing.T, dsn string) (one, two *process) {
	t.Helper()
	path, err := hasty()
	if err != nil {
		t.Fatal(err)
	}
	return twoOf(t, path, dsn)
}

// twoOf serves one PostgreSQL with two processes of a program.
func twoOf(t *testing.T, path, dsn string) (one, two *process) {
	t.Helper()
	t.Setenv("DOCKBELL_DATABASE", dsn)
	data := filepath.Join(t.TempDir(), "data") // as on a disk that both machines share
	out, stderr, code := run(t, "token", "create", "--name", "tests", "--role", "owner", "--data="+data)
	if code != exitDone {
		t.Fatal(stderr)
	}
	token := readCredentials(t, out)
	start := func() *process {
		p := &process{data: data, program: path, pusher: newPusher(t, token)}
		p.start()
		t.Cleanup(func() { p.end(os.Kill) })
		return p
	}
	return start(), start()
}

// inTurn gives the address of the one and the other that runs.
func inTurn(machines ...*process) func() string {
	var n atomic.Int64
	return func() string {
		for range machines {
			if base := machines[int(n.Add(1))%len(machines)].base(); base != "" {
				return base
			}
		}
		return ""
	}
}

// judgeShared compares the ledger with machines that run and with the database that they leave behind, when all that was
// in flight somewhere has its end.
func (l *ledger) judgeShared(t *testing.T, dsn string, kills int, machines ...*process) {
	t.Helper()
	acked := l.judgeRunning(t, machines[0], kills)
	key, err := loadKey(placed(machines[0].data))
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.OpenWith(t, store.Options{DSN: dsn, Key: key})
	until(t, "nothing waits any more", func() bool {
		due, err := db.NextDue(t.Context())
		return err == nil && due.At.IsZero()
	})
	for _, p := range machines {
		p.end(os.Interrupt)
	}
	l.judgeHistory(t, db, acked)
}

// TestAMachineIsKilledAtRandom kills one of two machines again and again while clients push to both.
func TestAMachineIsKilledAtRandom(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		one, two := twoMachines(t, dsn)
		l := newLedger()
		l.subscribe(t, one)
		d := &driver{p: one, base: inTurn(one, two), ledger: l}
		d.start(4)
		const kills = 6
		for n := range kills {
			victim := []*process{one, two}[n%2]
			l.grows(t, 40)
			victim.end(syscall.SIGKILL)
			l.grows(t, 20) // the other one goes on alone
			victim.start()
		}
		d.end()
		l.judgeShared(t, dsn, kills, one, two)
	})
}

// TestMachinesAreRestartedInTurn: a rolling restart under load loses nothing and repeats nothing.
func TestMachinesAreRestartedInTurn(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		one, two := twoMachines(t, dsn)
		l := newLedger()
		l.subscribe(t, one)
		d := &driver{p: one, base: inTurn(one, two), ledger: l}
		d.start(4)
		for _, p := range []*process{one, two, one, two} {
			l.grows(t, 50)
			if code := p.end(syscall.SIGTERM); code != exitDone {
				t.Errorf("it ended with %d", code)
			}
			p.start()
		}
		d.end()
		l.judgeShared(t, dsn, 0, one, two)
	})
}

// TestWorkMovesToTheOtherMachine: what a killed machine had in flight is sent by the other one when the lease ends.
func TestWorkMovesToTheOtherMachine(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		one, two := twoMachines(t, dsn)
		h := newHanging(t)
		one.browser().Send(hooksPath, hookForm("deployprod", h.url)).LeadsLike(hooksPath)
		two.signal(syscall.SIGSTOP) // so that the first one has the work
		one.push("team/api", "v1", "layer").wants(http.StatusCreated)
		until(t, "the receiver is called", func() bool { return h.count() == 1 })
		one.end(syscall.SIGKILL)
		two.signal(syscall.SIGCONT)
		until(t, "the other machine calls it too", func() bool { return h.count() == 2 })
		h.letGo()
		until(t, "it says that it has delivered", func() bool { return delivered(t, two) == 1 })
	})
}

// TestEitherMachineDelivers: one machine takes the pushes, and both deliver. Their webhooks have a limit, which both count in the queue;
// of others a machine starts itself what it has room for.
func TestEitherMachineDelivers(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		one, two := twoMachines(t, dsn)
		l := newLedger()
		l.subscribe(t, one, "maxInFlight", "16")
		d := &driver{p: one, base: one.base, ledger: l}
		d.start(4)
		until(t, "both machines deliver", func() bool { return delivered(t, one) > 20 && delivered(t, two) > 20 })
		d.end()
		l.judgeShared(t, dsn, 0, one, two)
	})
}

var attemptsLine = regexp.MustCompile(`dockbell_attempts_total\{[^}]*2xx[^}]*\} (\d+)`)

// delivered is how many of its attempts a process counts as answered by 2xx.
func delivered(t *testing.T, p *process) (n int) {
	t.Helper()
	if said := attemptsLine.FindStringSubmatch(p.metrics(t)); said != nil {
		_, _ = fmt.Sscan(said[1], &n) // a number, as the expression says
	}
	return n
}

// metrics are what the process counts.
func (p *process) metrics(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	p.token.bearer(req)
	resp, err := p.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// server is a PostgreSQL of a test's own, which it may tear down.
type server struct{ dsn, home string }

func ownServer(t *testing.T) server {
	t.Helper()
	if os.Getenv(storetest.Postgres) == "" {
		storetest.Without(t, storetest.Postgres+" names no PostgreSQL (make test sets it)")
	}
	cmd := exec.Command("../../.ci/postgres", "sh", "-c", `echo "$DOCKBELL_TEST_POSTGRES"; cat`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // it removes what it made
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dsn := strings.TrimSpace(line)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return server{dsn, u.Query().Get("host")}
}

// tearDown ends the server as if its machine had died, and starts it again.
func (s server) tearDown(t *testing.T) {
	t.Helper()
	if out, err := exec.Command(filepath.Join(s.home, "restart")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestPostgresIsTornDown tears the database down again and again while clients push to two machines.
func TestPostgresIsTornDown(t *testing.T) {
	s := ownServer(t)
	one, two := twoMachines(t, s.dsn)
	l := newLedger()
	l.subscribe(t, one)
	d := &driver{p: one, base: inTurn(one, two), ledger: l}
	d.start(4)
	const times = 4
	for range times {
		l.grows(t, 60)
		s.tearDown(t)
	}
	l.grows(t, 60)
	d.end()
	l.judgeShared(t, s.dsn, times, one, two)
}

// TestTheLedgerFindsWhatATornDownServerLost is the control: a door before the program acknowledges manifests before they are
// passed on, and the database is torn down meanwhile.
func TestTheLedgerFindsWhatATornDownServerLost(t *testing.T) {
	s := ownServer(t)
	one, _ := twoMachines(t, s.dsn)
	l := newLedger()
	l.subscribe(t, one)
	liar := newLiar(t, one)
	d := &driver{p: one, base: liar.base, ledger: l}
	d.start(4)
	liar.wait(20)
	s.tearDown(t)
	d.end()
	liar.end()
	held := func(image string) string {
		repo, tag, _ := strings.Cut(image, ":")
		return one.held(repo, tag)
	}
	if lost := l.unregistered(held); len(lost) == 0 {
		t.Errorf("of %d false promises the ledger found none", len(l.acknowledged()))
	}
}

// TestPagesShowWhatHappensElsewhere: an open page of one machine shows a push to the other, also after the connection was
// lost over which it hears of it.
func TestPagesShowWhatHappensElsewhere(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		one, two := twoMachines(t, dsn)
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, tag := range []string{"v1", "v2"} {
			shown := make(chan string, 1)
			go watch(t, two, "show=events", tag, shown)
			<-shown // the page as it is
			one.push("team/api", tag, "layer").wants(http.StatusCreated)
			select {
			case <-shown:
			case <-time.After(40 * time.Second):
				t.Fatalf("the other machine's page does not show %s", tag)
			}
			until(t, "both machines listen", func() bool { return rows(t, db, listening) == 2 })
			rows(t, db, "select pg_terminate_backend(pid) from ("+listening+") as them")
		}
	})
}

const listening = `select pid from pg_stat_activity where query = 'listen "dockbell_' || md5(current_schema()) || '"'`

func rows(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	done, err := db.ExecContext(t.Context(), query)
	if err == nil {
		n, err = done.RowsAffected()
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// sessionCookie is the session's over plain HTTP.
const sessionCookie = "dockbell"

// watch opens a page's stream, again when it ends, and says when it begins and when a text appears in it.
func watch(t *testing.T, p *process, query, text string, shown chan<- string) {
	b, begun := p.browser(), false
	for t.Context().Err() == nil {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base()+"/registries/"+houseRegistry+"/stream?"+query, nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.AddCookie(&http.Cookie{Name: sessionCookie, Value: b.Cookie(sessionCookie)})
		resp, err := p.http.Do(req)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if !begun {
				begun = true
				shown <- "begun"
			}
			if strings.Contains(lines.Text(), text) {
				shown <- text
				resp.Body.Close()
				return
			}
		}
		resp.Body.Close()
	}
}
