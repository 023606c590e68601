package main

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dockbell/models/failpoint"
)

// breakable is the program built so that it can die at a chosen moment and that its clock can be set.
var breakable = sync.OnceValues(func() (string, error) {
	usual, err := built()
	if err != nil {
		return "", err
	}
	path := usual + "-failpoints"
	out, err := exec.Command("go", "build", "-tags", "netgo,failpoints", "-o", path, ".").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func breakableProgram(t *testing.T) string {
	t.Helper()
	path, err := breakable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// dies waits until the process ends by itself, and fails the test when it was not killed.
func (p *process) dies(t *testing.T) {
	t.Helper()
	until(t, "the program dies at its point", p.run.over)
	if state, ok := p.run.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || state.Signal() != syscall.SIGKILL {
		t.Fatalf("it ended otherwise: %s %s", p.run.cmd.ProcessState, p.run.out.String())
	}
	p.ended()
}

// TestKilledAtEveryPoint kills the program where it hurts most, while four clients push: nothing that was acknowledged is lost, no
// call is made that is not on record.
func TestKilledAtEveryPoint(t *testing.T) {
	for _, point := range []failpoint.Point{failpoint.Committed, failpoint.Claimed, failpoint.Sent, failpoint.Finishing} {
		t.Run(string(point), func(t *testing.T) {
			p := startProgram(t, breakableProgram(t), filepath.Join(t.TempDir(), "data"))
			l := newLedger()
			l.subscribe(t, p)
			d := &driver{p: p, base: p.base, ledger: l}
			d.start(4)
			const kills = 3
			for range kills {
				l.grows(t, 5)
				p.end(os.Interrupt)
				p.start(fmt.Sprintf("DOCKBELL_FAIL=%s:%d", point, 3+rand.N(20)))
				p.dies(t)
				p.start()
			}
			d.end()
			l.judge(t, p, kills)
		})
	}
}

// onClaim makes a trigger that changes a delivery when it is claimed, in the queue or as it is stored.
func onClaim(name, change string) []string {
	then := " begin update deliveries set " + change + " where id = new.id; end"
	return []string{
		"create trigger " + name + "_queued after update of claimed on deliveries when new.claimed <> 0 and old.claimed = 0" + then,
		"create trigger " + name + "_stored after insert on deliveries when new.claimed <> 0" + then,
	}
}

// TestACountThatIsLateIsFound is the control: a trigger in the database takes back that an attempt was counted when it was
// claimed, as a program does that counts after the call.
func TestACountThatIsLateIsFound(t *testing.T) {
	p := startProgram(t, breakableProgram(t), filepath.Join(t.TempDir(), "data"))
	l := newLedger()
	l.subscribe(t, p)
	sabotage(t, p.data, onClaim("late", "attempts = attempts - 1")...)
	d := &driver{p: p, base: p.base, ledger: l}
	p.end(os.Interrupt)
	p.start("DOCKBELL_FAIL=sent:3")
	d.start(4)
	p.dies(t)
	d.end()
	p.start()
	l.quiet(20 * time.Second)
	p.end(os.Interrupt)
	faults := l.historyFaults(t, openData(t, p.data), l.acknowledged())
	if !strings.Contains(strings.Join(faults, "\n"), "I3:") {
		t.Errorf("of a late count the ledger says %q", faults)
	}
}

// TestASuccessThatIsNoneIsFound is the control: a trigger says that whatever is claimed was delivered.
func TestASuccessThatIsNoneIsFound(t *testing.T) {
	p := startProgram(t, breakableProgram(t), filepath.Join(t.TempDir(), "data"))
	l := newLedger()
	l.subscribe(t, p)
	sabotage(t, p.data, onClaim("early", "state = 'delivered'")...)
	d := &driver{p: p, base: p.base, ledger: l}
	p.end(os.Interrupt)
	p.start("DOCKBELL_FAIL=claimed:3")
	d.start(4)
	p.dies(t)
	d.end()
	p.start()
	silent := l.quiet(2 * time.Second)
	p.end(os.Interrupt)
	faults := l.historyFaults(t, openData(t, p.data), l.acknowledged())
	if len(silent) == 0 || !strings.Contains(strings.Join(faults, "\n"), "I6:") {
		t.Errorf("%d calls never came, and of false successes the ledger says %q", len(silent), faults)
	}
}

// sabotage changes the database behind the program's back.
func sabotage(t *testing.T, data string, statements ...string) {
	t.Helper()
	conn, err := sql.Open("sqlite3", "file:"+filepath.Join(data, "dockbell.db")+"?_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, statement := range statements {
		if _, err := conn.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilledInABackUp: the half of a back-up is none, the server does not notice, and the next one is whole.
func TestKilledInABackUp(t *testing.T) {
	p := startProgram(t, breakableProgram(t), filepath.Join(t.TempDir(), "data"))
	for n := range 10 {
		p.push("team/api", fmt.Sprint("v", n), fmt.Sprint("layer", n)).wants(201)
	}
	for _, name := range []string{"folder", "copy.tar"} {
		to, again := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), name)
		cmd := exec.Command(p.program, "backup", to, "--data", p.data)
		cmd.Env = append(os.Environ(), "DOCKBELL_FAIL=backing-up:1")
		if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the back-up was not killed: %v %s", err, out)
		}
		data := "--data=" + filepath.Join(t.TempDir(), "elsewhere")
		if _, stderr, code := run(t, "restore", to, data); code == exitDone {
			t.Errorf("half a back-up is restored: %s", stderr)
		}
		if name != "folder" { // the same name may be tried again
			again = to
		}
		if _, stderr, code := run(t, "backup", again, "--data", p.data); code != exitDone {
			t.Errorf("the next back-up: %s", stderr)
		}
		if _, stderr, code := run(t, "restore", again, data); code != exitDone {
			t.Errorf("the next back-up does not restore: %s", stderr)
		}
	}
	p.push("team/api", "after", "layer").wants(201)
	left, err := filepath.Glob(filepath.Join(p.data, "backup-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the data folder holds %q", left)
	}
}
