package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// console is a real terminal with a person at it: commands that run on it find one on stdin, stdout and stderr.
type console struct {
	t      *testing.T
	keys   *os.File // what the person types goes in here
	screen *os.File // what the program has as its streams
	shown  *lockedBuffer
	runs   int
}

func newConsole(t *testing.T) *console {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, keys: keys, screen: screen, shown: &lockedBuffer{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(c.shown, keys) // ends with an error when the terminal is closed
	}()
	stdin := os.Stdin
	os.Stdin = screen
	t.Cleanup(func() {
		os.Stdin = stdin
		_, _ = keys.WriteString("\n") // a read that was given up would hold the terminal open
		screen.Close()
		<-read
		keys.Close()
	})
	return c
}

// run types ahead what the person will answer, runs a command and gives its exit code and what stood on the screen.
func (c *console) run(typed string, args ...string) (code int, screen string) {
	c.t.Helper()
	before := len(c.shown.String())
	if _, err := c.keys.WriteString(typed); err != nil {
		c.t.Fatal(err)
	}
	code = execute(c.t.Context(), args, c.screen, c.screen)
	c.runs++
	end := fmt.Sprintf("<end of run %d>", c.runs)
	fmt.Fprint(c.screen, end)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if text, _, done := strings.Cut(c.shown.String()[before:], end); done {
			return code, strings.ReplaceAll(text, "\r\n", "\n")
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%v: the screen shows %q", args, c.shown.String()[before:])
		}
	}
}

// TestOnATerminal: people get tables, progress and questions.
func TestOnATerminal(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("owner")
	p.ok("webhook", "create", "-r", "...", "-n", "deployhook", "--uri", "https://hooks.example.com", "--actions", "push")
	c := newConsole(t)
	if code, screen := c.run("", "webhook", "list", "-r", houseRegistry); code != exitDone || !strings.HasPrefix(screen, "NAME        LOCATION") {
		t.Errorf("list: %d, %q", code, screen)
	}
	if code, screen := c.run("", "webhook", "export", "-r", houseRegistry); code != exitDone || !strings.Contains(screen, "\r\x1b[KReading webhook 1 of 1 ...\r\x1b[Kregistry: mycontainerregistry\n") {
		t.Errorf("export: %d, %q", code, screen)
	}

	file := filepath.Join(t.TempDir(), "webhooks.yaml")
	write(t, file, "webhooks: [{name: newhook, uri: 'https://hooks.example.com', actions: [push]}]\n")
	apply := []string{"webhook", "apply", "-r", houseRegistry, "-f", file, "--prune"}
	for _, no := range []string{"\n", "n\n", "what?\n"} {
		if code, screen := c.run(no, apply...); code != exitRefused || !strings.Contains(screen, "Make these changes? [y/N] ") || !strings.HasSuffix(screen, "dockbell: nothing was changed\n") {
			t.Errorf("%q: %d, %q", no, code, screen)
		}
	}
	if got := p.ok("webhook", "list", "-r", "...", "-o", "table"); !strings.Contains(got, "deployhook") || strings.Contains(got, "newhook") {
		t.Errorf("after saying no:\n%s", got)
	}
	if code, screen := c.run("y\n", apply...); code != exitDone || !strings.HasSuffix(screen, "Done: 2 changes.\n") {
		t.Errorf("yes: %d, %q", code, screen)
	}
	if got := p.ok("webhook", "list", "-r", "...", "-o", "table"); strings.Contains(got, "deployhook") || !strings.Contains(got, "newhook") {
		t.Errorf("after saying yes:\n%s", got)
	}
	if code, screen := c.run("", append(apply, "--yes")...); code != exitDone || strings.Contains(screen, "[y/N]") {
		t.Errorf("nothing to do: %d, %q", code, screen)
	}

	p.ok("registry", "create", "-n", "teamregistry", "--sku", "Basic")
	if code, screen := c.run("\n", "registry", "delete", "-n", "teamregistry"); code != exitRefused || !strings.Contains(screen, "nothing was deleted") {
		t.Errorf("delete, no: %d, %q", code, screen)
	}
	if code, screen := c.run("yes\n", "registry", "delete", "-n", "teamregistry"); code != exitDone {
		t.Errorf("delete, yes: %d, %q", code, screen)
	}
	p.refused(exitNotFound, "teamregistry", "registry", "show", "-n", "teamregistry")
}

// TestTrustIsAskedOnce: the authority of a server is shown with its fingerprint, and a yes is remembered.
func TestTrustIsAskedOnce(t *testing.T) {
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	withoutProfile(t)
	token := h.newToken("reader").Token
	text, err := os.ReadFile(filepath.Join(h.data, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := firstCertificate(text)
	if err != nil {
		t.Fatal(err)
	}
	c := newConsole(t)
	if code, screen := c.run("n\n", "login", h.https, "--token", token); code != exitRefused || !strings.Contains(screen, fingerprint(ca)) || !strings.Contains(screen, "not trusted") {
		t.Errorf("no: %d, %q", code, screen)
	}
	if _, err := loadProfile(); err == nil {
		t.Error("a no left a profile")
	}
	if code, screen := c.run("y\n", "login", h.https, "--token", token); code != exitDone || !strings.Contains(screen, "Trust it for this server? [y/N]") {
		t.Errorf("yes: %d, %q", code, screen)
	}
	if code, screen := c.run("", "registry", "list"); code != exitDone || !strings.Contains(screen, houseRegistry) {
		t.Errorf("list: %d, %q", code, screen)
	}
	if code, screen := c.run(token+"\n", "login", "--token", "-"); code != exitDone || strings.Contains(screen, "[y/N]") {
		t.Errorf("signing in again: %d, %q", code, screen)
	}
}

// TestCtrlC: a question waits for no answer any more once it is interrupted, nothing happens, and the terminal echoes again.
func TestCtrlC(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("owner")
	for _, c := range []struct{ args, question string }{
		{"registry delete -n " + houseRegistry, "[y/N] "},
		{"login " + h.url + " --token -", "Token: "},
		{"user password " + houseOwner + " --data=" + h.data, "Password: "},
	} {
		screen := newConsole(t)
		before, err := unix.IoctlGetTermios(int(screen.screen.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		ended := make(chan int)
		go func() { ended <- execute(ctx, strings.Fields(c.args), screen.screen, screen.screen) }()
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(screen.shown.String(), c.question); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the screen shows %q", c.args, screen.shown)
			}
		}
		interrupt()
		if code := <-ended; code != exitRefused {
			t.Errorf("%s ends with %d", c.args, code)
		}
		after, err := unix.IoctlGetTermios(int(screen.screen.Fd()), unix.TCGETS)
		if err != nil || after.Lflag != before.Lflag {
			t.Errorf("%s: %v, the terminal's flags were %x and are %x", c.args, err, before.Lflag, after.Lflag)
		}
	}
	p.ok("registry", "show", "-n", "...")
}

// TestApplyMeetsSomebody: while the plan waits for its yes, somebody else changes the webhooks; nothing of theirs is overwritten.
func TestApplyMeetsSomebody(t *testing.T) {
	h := startHouse(t)
	p := h.signIn("contributor")
	file := filepath.Join(t.TempDir(), "webhooks.yaml")
	for name, c := range map[string]struct {
		before, file string // before: commands; file: the list of webhooks
		meanwhile    string
		says         string
	}{
		"changed":    {"create -n samehook --uri https://a.example --actions push", "{name: samehook, uri: 'https://b.example', actions: [push]}", "update -n samehook --scope theirs", "somebody changed it since the plan was made"},
		"deleted":    {"create -n gonehook --uri https://a.example --actions push", "{name: gonehook, uri: 'https://b.example', actions: [push]}", "delete -n gonehook", "ResourceNotFound"},
		"made":       {"", "{name: newhook, uri: 'https://b.example', actions: [push]}", "create -n newhook --uri https://theirs.example --actions delete", "newhook: "},
		"to be gone": {"create -n oldhook --uri https://a.example --actions push", "", "update -n oldhook --status disabled", "somebody changed it since the plan was made"},
	} {
		t.Run(name, func(t *testing.T) {
			do := func(line string) {
				if line != "" {
					p.ok(append(append([]string{"webhook"}, strings.Fields(line)...), "-r", houseRegistry)...)
				}
			}
			write(t, file, "webhooks: []\n")
			p.ok("webhook", "apply", "-r", "...", "-f", file, "--prune")
			do(c.before)
			write(t, file, "webhooks: ["+c.file+"]\n")
			screen := newConsole(t)
			met := make(chan struct{})
			var theirs string
			go func() {
				defer close(met)
				for !strings.Contains(screen.shown.String(), "[y/N]") {
					time.Sleep(time.Millisecond)
				}
				do(c.meanwhile)
				theirs, _, _ = run(t, "webhook", "export", "-r", houseRegistry)
				_, _ = screen.keys.WriteString("y\n")
			}()
			code, shown := screen.run("", "webhook", "apply", "-r", houseRegistry, "-f", file, "--prune")
			<-met
			if code != exitRefused && code != exitNotFound || !strings.Contains(shown, c.says) || !strings.Contains(shown, "(0 of 1 changes were made before)") {
				t.Errorf("code %d: %s", code, shown)
			}
			if after := p.ok("webhook", "export", "-r", "..."); after != theirs {
				t.Errorf("theirs was\n%s\nand became\n%s", theirs, after)
			}
		})
	}
}
