package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// fault is one way to hurt.
type fault struct {
	name      string
	processes int // 1 unless it says more
	prepare   func(*site) (undo func(), err error)
	round     func(context.Context, *site) error
}

var faults = []fault{
	{name: "kill", round: kill},
	{name: "committed", round: dieAt("committed")},
	{name: "claimed", round: dieAt("claimed")},
	{name: "sent", round: dieAt("sent")},
	{name: "finishing", round: dieAt("finishing")},
	{name: "stop", round: stopUnderWay},
	{name: "stop-twice", round: stopTwice},
	{name: "disk-full", prepare: smallDisk, round: fillDisk},
	{name: "read-only", prepare: smallDisk, round: readOnly},
	{name: "locked", round: lockOut},
	{name: "clock-forward", prepare: ownClock, round: setClock(72 * time.Hour)},
	{name: "clock-back", prepare: ownClock, round: setClock(-24 * time.Hour)},
	{name: "receiver", round: badReceiver},
	{name: "back-up", round: backUp},
	{name: "postgres-kill", processes: 2, prepare: postgres, round: killOne},
	{name: "postgres-down", processes: 2, prepare: postgres, round: tearDown},
}

func pause(atLeast, more time.Duration) { time.Sleep(atLeast + rand.N(more)) }

func kill(_ context.Context, s *site) error {
	pause(200*time.Millisecond, time.Second)
	s.processes[0].kill()
	return s.processes[0].start()
}

// dieAt lets the program kill itself.
func dieAt(point string) func(context.Context, *site) error {
	return func(_ context.Context, s *site) error {
		p := s.processes[0]
		if err := p.stop(); err != nil {
			return err
		}
		if err := p.start(fmt.Sprintf("DOCKBELL_FAIL=%s:%d", point, 20+rand.N(100))); err != nil {
			return err
		}
		if err := p.gone(time.Minute); err != nil {
			return fmt.Errorf("at the point %s: %w", point, err)
		}
		return p.start()
	}
}

// stopUnderWay stops it while calls are under way.
func stopUnderWay(_ context.Context, s *site) error {
	s.receiver.behave("slow")
	defer s.receiver.behave("ok")
	pause(300*time.Millisecond, 500*time.Millisecond)
	if err := s.processes[0].stop(); err != nil {
		return err
	}
	return s.processes[0].start()
}

// stopTwice does not wait for calls that hang.
func stopTwice(_ context.Context, s *site) error {
	s.receiver.behave("hang")
	defer s.receiver.behave("ok")
	pause(300*time.Millisecond, 500*time.Millisecond)
	p := s.processes[0]
	p.signal(syscall.SIGTERM)
	pause(100*time.Millisecond, 200*time.Millisecond)
	p.signal(syscall.SIGTERM)
	if err := p.gone(10 * time.Second); err != nil {
		return err
	}
	return p.start()
}

// smallDisk puts the data on a disk of its own, which the log of SQLite alone does not fill.
func smallDisk(s *site) (undo func(), err error) {
	if err := os.Mkdir(s.data, 0o700); err != nil {
		return nil, err
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256m,mode=0700", "none", s.data).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("a disk of its own needs root: %s", out)
	}
	return func() { _ = exec.Command("umount", s.data).Run() }, nil
}

// fillDisk lets something else take all the room, enlarges the disk later, and gives the room back in the end.
func fillDisk(_ context.Context, s *site) error {
	ballast := filepath.Join(s.data, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		return err
	}
	piece := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(piece)
	}
	f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	if err := waitFor(time.Minute, "the full disk is noticed", func() bool { return !s.notify(s.base(), rand.Int64N(1<<40)+1<<40) }); err != nil {
		return err
	}
	pause(300*time.Millisecond, time.Second)
	if out, err := exec.Command("mount", "-o", "remount,size=320m", s.data).CombinedOutput(); err != nil {
		return fmt.Errorf("remount: %s", out)
	}
	if err := s.grows(20, time.Minute); err != nil {
		return err
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if out, err := exec.Command("mount", "-o", "remount,size=256m", s.data).CombinedOutput(); err != nil {
		return fmt.Errorf("remount: %s", out)
	}
	return nil
}

// readOnly lets the disk come back read-only after a death: the start says so, and the next one goes on.
func readOnly(_ context.Context, s *site) error {
	p := s.processes[0]
	pause(200*time.Millisecond, 500*time.Millisecond)
	p.kill()
	if out, err := exec.Command("mount", "-o", "remount,ro", s.data).CombinedOutput(); err != nil {
		return fmt.Errorf("remount: %s", out)
	}
	refused := p.start()
	if out, err := exec.Command("mount", "-o", "remount,rw", s.data).CombinedOutput(); err != nil {
		return fmt.Errorf("remount: %s", out)
	}
	if refused == nil {
		return errors.New("it serves a disk that takes nothing")
	}
	return p.start()
}

// lockOut holds the lock of a writer of SQLite for longer than the program waits for it.
func lockOut(_ context.Context, s *site) error {
	f, err := os.OpenFile(filepath.Join(s.data, "dockbell.db-shm"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()    // which gives the lock back
	const writer = 120 // the byte of the file that stands for it
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: writer, Len: 1}
	err = waitFor(time.Minute, "the lock is free", func() bool { return syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &lock) == nil })
	if err != nil {
		return err
	}
	if err := waitFor(time.Minute, "the lock is noticed", func() bool { return !s.notify(s.base(), rand.Int64N(1<<40)+1<<40) }); err != nil {
		return err
	}
	pause(100*time.Millisecond, time.Second)
	return nil
}

// ownClock gives the processes a clock that can be set.
func ownClock(s *site) (undo func(), err error) {
	s.env = append(s.env, "DOCKBELL_CLOCK="+filepath.Join(s.folder, "clock"))
	return func() {}, os.WriteFile(filepath.Join(s.folder, "clock"), []byte("0s"), 0o600)
}

// setClock sets the clock by so much more while calls wait for their next attempt, and half of the time starts anew after it.
func setClock(by time.Duration) func(context.Context, *site) error {
	return func(_ context.Context, s *site) error {
		s.receiver.behave("error")
		pause(500*time.Millisecond, time.Second)
		file := filepath.Join(s.folder, "clock")
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		was, err := time.ParseDuration(string(text))
		if err != nil {
			return err
		}
		if err := os.WriteFile(file+".new", []byte((was + by).String()), 0o600); err != nil {
			return err
		}
		if err := os.Rename(file+".new", file); err != nil {
			return err
		}
		s.receiver.behave("ok")
		if rand.N(2) == 0 {
			s.processes[0].kill()
			if err := s.processes[0].start(); err != nil {
				return err
			}
		}
		// Nothing waits for longer than the schedule and a look at the clock.
		known := s.receiver.snapshot()
		return waitFor(30*time.Second, "what waited when the clock was set is sent", func() bool { return s.receiver.missingOf(known) == 0 })
	}
}

func badReceiver(_ context.Context, s *site) error {
	for _, how := range []string{"error", "reset", "hang", "slow"} {
		s.receiver.behave(how)
		pause(200*time.Millisecond, 800*time.Millisecond)
	}
	s.receiver.behave("ok")
	known := s.receiver.snapshot()
	return waitFor(time.Minute, "what the receiver refused is sent", func() bool { return s.receiver.missingOf(known) == 0 })
}

// backUp kills a back-up half way, and makes one that is whole.
func backUp(_ context.Context, s *site) error {
	to := filepath.Join(s.folder, "copy.tar")
	cmd := exec.Command(s.t.dockbell, "backup", to, "--data", s.data)
	cmd.Env = append(os.Environ(), "DOCKBELL_FAIL=backing-up:1")
	if err := cmd.Run(); err == nil {
		return errors.New("the back-up was not killed")
	}
	if _, err := os.Stat(to); err == nil {
		return errors.New("half a back-up has the name of a whole one")
	}
	_, err := s.command("backup", to)
	return errors.Join(err, os.Remove(to))
}

// postgres gives the site a schema of its own.
func postgres(s *site) (undo func(), err error) {
	dsn := os.Getenv("DOCKBELL_TEST_POSTGRES")
	if dsn == "" {
		return nil, errors.New("there is no PostgreSQL")
	}
	name := filepath.Base(s.folder)
	run := func(statement string) error {
		if out, err := exec.Command("psql", dsn, "-qc", statement).CombinedOutput(); err != nil {
			return fmt.Errorf("psql: %s", out)
		}
		return nil
	}
	if err := run("create schema " + name); err != nil {
		return nil, err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	s.env = append(s.env, "DOCKBELL_DATABASE="+u.String())
	return func() { _ = run("drop schema " + name + " cascade") }, nil
}

// killOne kills one of two; the other one goes on.
func killOne(_ context.Context, s *site) error {
	pause(200*time.Millisecond, time.Second)
	victim := s.processes[rand.N(len(s.processes))]
	victim.kill()
	if err := s.grows(20, 30*time.Second); err != nil {
		return err
	}
	return victim.start()
}

// tearDown ends PostgreSQL as if its machine had died, and starts it again.
func tearDown(_ context.Context, s *site) error {
	pause(500*time.Millisecond, time.Second)
	u, err := url.Parse(os.Getenv("DOCKBELL_TEST_POSTGRES"))
	if err != nil {
		return err
	}
	if out, err := exec.Command(filepath.Join(u.Query().Get("host"), "restart")).CombinedOutput(); err != nil {
		return fmt.Errorf("PostgreSQL does not start again: %s", out)
	}
	return nil
}
