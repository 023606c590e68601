package main

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestBrowser walks the portal in headless Chromium as people do: one browser for all, a profile of its own for every visitor.
// What the browser_*_test.go files prove is listed here.
func TestBrowser(t *testing.T) {
	b := startChromium(t)
	for _, story := range []struct {
		name string
		tell func(*testing.T, *chromium)
	}{
		{"Checks", testChecksFindFaults},
		{"Door", testDoor},
		{"Webhooks", testWebhooks},
		{"Pages", testPages},
		{"ForeignText", testForeignText},
		{"Inbox", testInbox},
		{"Lists", testLists},
		{"Settings", testSettings},
		{"Keyboard", testKeyboard},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			story.tell(t, b)
		})
	}
}

// patience is how long a page may take before a test gives up; on a good day everything is there in milliseconds.
const patience = time.Minute

// chromium is the browser.
type chromium struct {
	ctx context.Context
	axe string // the source of axe-core
}

// startChromium starts the browser; it ends with the test. Nothing leaves the machine: no name but localhost resolves.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Fatal("the browser tests need Chromium: install it (on Debian: apt-get install chromium), or run make test, which does")
	}
	axe, err := os.ReadFile("testdata/axe/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("no-sandbox", os.Getuid() == 0), // Chromium refuses to be root inside its sandbox
	)
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("ending Chromium: %v", err)
		}
		stop()
		stopAlloc()
	})
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("%s does not start: %v", program, err)
	}
	return &chromium{ctx: ctx, axe: string(axe)}
}

// look is how a visitor sees a page.
type look struct {
	name          string
	width, height int64
	dark          bool
	plain         bool // without JavaScript
}

var (
	desk       = look{name: "desk", width: 1440, height: 900}
	deskPlain  = look{name: "desk without scripts", width: 1440, height: 900, plain: true}
	phone      = look{name: "phone", width: 390, height: 844, dark: true}
	phonePlain = look{name: "phone without scripts", width: 390, height: 844, plain: true}

	// looks are the ones in which every journey is walked.
	looks = []look{desk, deskPlain, phone, phonePlain}
)

// everyLook runs a story in each of looks, as a sub-test of its own.
func everyLook(t *testing.T, tell func(*testing.T, look)) {
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			tell(t, l)
		})
	}
}
