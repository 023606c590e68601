package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"

	"dockbell/models/notice"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

// ears hear of notices: a mail server and a chat. Both write down what they got before they answer.
type ears struct {
	t      *testing.T
	status atomic.Int64 // with which the receiver answers, about which they are told
	hooks  *httptest.Server

	mu    sync.Mutex
	mails map[string]int // copies by Message-ID and subject
	chats map[string]int // copies by webhook-id and text
}

func newEars(t *testing.T) *ears {
	e := &ears{t: t, mails: map[string]int{}, chats: map[string]int{}}
	e.hooks = httptest.NewServer(e)
	t.Cleanup(e.hooks.Close)
	office := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return visitor{e}, nil }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = office.Serve(l) }()
	t.Cleanup(func() { _ = office.Close() })
	t.Setenv("DOCKBELL_SMTP_URL", "smtp://"+l.Addr().String()+"?tls=off")
	t.Setenv("DOCKBELL_SMTP_FROM", "Dockbell <dockbell@example.com>")
	return e
}

func (e *ears) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/chat" {
		w.WriteHeader(int(e.status.Load()))
		return
	}
	var said struct{ Text string }
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		return // the program was killed while it wrote
	}
	title, _, _ := strings.Cut(said.Text, ". ")
	e.mu.Lock()
	e.chats[r.Header.Get("webhook-id")+" "+title]++
	e.mu.Unlock()
}

// visitor is a connection to the mail server.
type visitor struct{ *ears }

func (visitor) Mail(string, *smtp.MailOptions) error { return nil }
func (visitor) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (visitor) Reset()                               {}
func (visitor) Logout() error                        { return nil }

func (v visitor) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mails[m.Header.Get("Message-ID")+" "+m.Header.Get("Subject")]++
	return nil
}

// heard gives the titles of different mails and chat messages, sorted.
func (e *ears) heard() (mails, chats []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key := range e.mails {
		_, title, _ := strings.Cut(key, "] The webhook ")
		mails = append(mails, title)
	}
	for key := range e.chats {
		_, title, _ := strings.Cut(key, " The webhook ")
		chats = append(chats, title)
	}
	slices.Sort(mails)
	slices.Sort(chats)
	return mails, chats
}

// hears waits until both have heard of as many changes.
func (e *ears) hears(n int) {
	e.t.Helper()
	until(e.t, fmt.Sprintf("%d changes are told of", n), func() bool {
		mails, chats := e.heard()
		return len(mails) >= n && len(chats) >= n
	})
}

// furnish makes the webhook that they are told about, which never tries again, and the one of the chat.
func (e *ears) furnish(p *process) {
	b := p.browser()
	b.Send(hooksPath, hookForm("deploy", e.hooks.URL+"/deploy", "retry", "none")).Status(http.StatusSeeOther)
	b.Send(hooksPath, hookForm("chatops", e.hooks.URL+"/chat", "format", "slack", "scope", "nothing/*:never")).Status(http.StatusSeeOther)
	b.Post("/registries/"+houseRegistry+"/notices", "recipients", "ada@example.com", "webhook", "chatops").Status(http.StatusSeeOther)
}

// wantTold are the changes of a webhook that failed and works again, as everybody is to hear of them.
var wantTold = []string{"deploy began to fail", "deploy works again"}

// judge gives what is wrong with what was noticed and heard.
func (e *ears) judge(db *store.DB) (faults []string) {
	e.t.Helper()
	page, err := db.Notices(e.t.Context(), notice.Filter{Limit: 100})
	if err != nil {
		e.t.Fatal(err)
	}
	var noticed []string
	for _, n := range page.Notices {
		noticed = append(noticed, strings.TrimPrefix(n.Title(), "The webhook "))
	}
	slices.Sort(noticed)
	mails, chats := e.heard()
	for who, got := range map[string][]string{"noticed": noticed, "mailed": mails, "said in the chat": chats} {
		if !slices.Equal(got, wantTold) {
			faults = append(faults, fmt.Sprintf("%s: %q", who, got))
		}
	}
	return faults
}

// pushes pushes an image whose delivery ends with this answer.
func (e *ears) pushes(p *process, n int, status int64) {
	e.t.Helper()
	e.status.Store(status)
	for i := range n {
		p.push("team/api", fmt.Sprintf("v%d-%d", status, i), fmt.Sprint("layer", i)).wants(http.StatusCreated)
	}
}

// killedWhileItFails lets the program die in the middle of the transaction that notices, and at random while it tells.
func (e *ears) killedWhileItFails(p *process) {
	t := e.t
	for _, status := range []int64{500, 200} {
		p.end(os.Interrupt)
		p.start("DOCKBELL_FAIL=finishing:1")
		e.pushes(p, 1, status)
		p.dies(t)
		p.start()
		e.pushes(p, 3, status)
		p.end(syscall.SIGKILL)
		p.start()
		e.hears(map[int64]int{500: 1, 200: 2}[status])
	}
	p.end(os.Interrupt)
}

// TestOneNoticePerChangeThoughKilled: in the portal, by mail and in the chat, whenever the program dies.
func TestOneNoticePerChangeThoughKilled(t *testing.T) {
	e := newEars(t)
	p := startProgram(t, breakableProgram(t), filepath.Join(t.TempDir(), "data"))
	e.furnish(p)
	e.killedWhileItFails(p)
	for _, fault := range e.judge(openData(t, p.data)) {
		t.Error(fault)
	}
}

// TestANoticePerFailureIsFound is the control: a trigger forgets that somebody was told.
func TestANoticePerFailureIsFound(t *testing.T) {
	e := newEars(t)
	p := startProgram(t, breakableProgram(t), filepath.Join(t.TempDir(), "data"))
	e.furnish(p)
	sabotage(t, p.data, "create trigger forgetful after update of told on webhook_states when new.told <> 0 begin update webhook_states set told = 0 where webhook_id = new.webhook_id; end")
	e.pushes(p, 3, 500)
	e.hears(2)
	p.end(os.Interrupt)
	faults := strings.Join(e.judge(openData(t, p.data)), "\n")
	for _, who := range []string{"noticed", "mailed", "said in the chat"} {
		if !strings.Contains(faults, who+`: ["deploy began to fail" "deploy began to fail"`) {
			t.Errorf("nothing wrong is found with what is %s: %s", who, faults)
		}
	}
}

// TestOneNoticeOfTwoMachines: both see the failures and the recovery, one of them is killed, and everybody hears once.
func TestOneNoticeOfTwoMachines(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, dsn string) {
		e := newEars(t)
		one, two := twoMachines(t, dsn)
		e.furnish(one)
		for i, status := range []int64{500, 200} {
			var both sync.WaitGroup
			e.status.Store(status)
			for n, p := range []*process{one, two} {
				both.Go(func() {
					for j := range 5 {
						p.push("team/api", fmt.Sprintf("v%d-%d-%d", status, n, j), fmt.Sprintf("layer%d%d", n, j))
					}
				})
			}
			both.Wait()
			one.end(syscall.SIGKILL)
			e.hears(1 + i)
			one.start()
		}
		key, err := loadKey(placed(one.data))
		if err != nil {
			t.Fatal(err)
		}
		db := storetest.OpenWith(t, store.Options{DSN: dsn, Key: key})
		until(t, "nothing waits any more", func() bool {
			due, err := db.NextDue(t.Context())
			return err == nil && due.At.IsZero()
		})
		for _, fault := range e.judge(db) {
			t.Error(fault)
		}
	})
}
