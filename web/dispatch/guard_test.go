package dispatch

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"dockbell/models/delivery"
	"dockbell/models/webhook"
)

// dialCase is a line of service_uris.json that says where a dial may lead.
type dialCase struct {
	ID, Input string
	Policy    json.RawMessage
	DNS       [][]string
	Expect    struct{ Outcome, Dial string }
	Why       string
}

var errNoContact = errors.New("allowed, and not really dialled by the test")

// dialling gives a sender whose connections end after the guard allowed them, with the addresses it allowed.
func dialling(t *testing.T, guard Guard) (s *HTTP, allowed func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	s = NewHTTP(guard, "1")
	d := guard.dialer()
	judge := d.Control
	d.Control = func(network, address string, c syscall.RawConn) error {
		if err := judge(network, address, c); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, address)
		return errNoContact
	}
	s.outside.DialContext = lines{dial: d.DialContext}.plain
	t.Cleanup(s.Close)
	return s, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func TestDialCases(t *testing.T) {
	raw, err := os.ReadFile("../../models/webhook/testdata/service_uris.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []dialCase }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, c := range all.Cases {
		if c.Expect.Dial == "" {
			continue
		}
		ran++
		t.Run(c.ID, func(t *testing.T) {
			var policy struct {
				Allow []netip.Prefix `json:"egress_allow"`
			}
			_ = json.Unmarshal(c.Policy, &policy) // "default" lists nothing
			job := jobTo(c.Input)
			replies := map[string][][]string{job.Webhook.ServiceURI.Host(): c.DNS}
			s, allowed := dialling(t, Guard{
				Networks: func() webhook.Networks { return webhook.Networks{Allowed: policy.Allow} },
				Resolver: lookUp(t, "", replies),
			})
			att := s.Send(t.Context(), job)
			if blocked := len(allowed()) == 0; blocked != (c.Expect.Dial == "blocked") {
				t.Errorf("allowed %q (%s), want %s: %s", allowed(), att.Sentence, c.Expect.Dial, c.Why)
			}
			if c.Expect.Dial != "blocked" {
				return
			}
			if att.Cause != delivery.CauseBlocked && att.Cause != delivery.CauseDNS || att.Status != 0 || att.Result().Word() == "" {
				t.Errorf("recorded as %q, status %d", att.Cause, att.Status)
			}
			if next := delivery.Next(job, att, att.Started, nil); att.Sentence == "" {
				t.Errorf("no sentence; next is %+v", next)
			}
		})
	}
	if ran < 5 {
		t.Errorf("only %d cases say where a dial leads", ran)
	}
}

// TestAddresses judges what could be dialled under the default setting and with everything listed.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]struct{ byDefault, listed bool }{
		"93.184.215.14:80":          {true, true},
		"[2606:2800:21f::1]:443":    {true, true},
		"127.0.0.1:80":              {false, true},
		"[::1]:80":                  {false, true},
		"[::ffff:127.0.0.1]:80":     {false, true},
		"[::ffff:169.254.169.254]:": {false, false},
		"10.1.2.3:80":               {false, true},
		"0.0.0.0:80":                {false, true},
		"[::]:80":                   {false, true},
		"[64:ff9b::7f00:1]:80":      {false, true},
		"[2002:7f00:1::]:80":        {false, true},
		"169.254.169.254:80":        {false, false},
		"168.63.129.16:80":          {false, false},
		"[fd00:ec2::254]:80":        {false, false},
		"[fe80::1%eth0]:80":         {false, false},
		"nonsense":                  {false, false},
	} {
		everything := webhook.Networks{Allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
		for _, c := range []struct {
			networks webhook.Networks
			want     bool
		}{{webhook.Networks{}, want.byDefault}, {everything, want.listed}} {
			err := Guard{Networks: func() webhook.Networks { return c.networks }}.judge(address)
			if (err == nil) != c.want {
				t.Errorf("%s with %d networks listed: %v, want allowed %v", address, len(c.networks.Allowed), err, c.want)
			}
			if refusal := new(blocked); err != nil && !errors.As(err, &refusal) {
				t.Errorf("%s: %v is not a refusal", address, err)
			}
		}
	}
}

// TestRebinding: a name that was public when the webhook was saved leads to this machine when it is dialled.
func TestRebinding(t *testing.T) {
	server := receive(t, behaviour{Status: 200}, 1, nil)
	attempt := func(change func(*HTTP, Guard)) (delivery.Attempt, int) {
		guard := Guard{
			Networks: func() webhook.Networks { return webhook.Networks{} },
			Resolver: lookUp(t, "", map[string][][]string{"moves.example.com": {{"127.0.0.1"}}}),
		}
		s := NewHTTP(guard, "1")
		t.Cleanup(s.Close)
		change(s, guard)
		_, before := server.seen()
		att := s.Send(t.Context(), jobTo("http://moves.example.com:"+server.port()+"/"))
		_, after := server.seen()
		return att, after - before
	}
	att, conns := attempt(func(*HTTP, Guard) {})
	if att.Cause != delivery.CauseBlocked || conns != 0 || !strings.Contains(att.Sentence, "moves.example.com") || !strings.Contains(att.Sentence, "127.0.0.0/8") {
		t.Errorf("%q with %d connections: %s", att.Cause, conns, att.Sentence)
	}
	// The control: checked when it is saved and not when it is dialled.
	att, conns = attempt(func(s *HTTP, g Guard) {
		s.outside.DialContext = lines{dial: (&net.Dialer{Resolver: g.Resolver}).DialContext}.plain
	})
	if !att.Succeeded() || conns != 1 {
		t.Errorf("without the guard nothing got through: %s", att.Sentence)
	}
}

// TestUnlisting: a connection that waits for its next request serves nobody after its network was taken off the list.
func TestUnlisting(t *testing.T) {
	for name, broken := range map[string]bool{"as it is": false, "asked when dialling alone": true} {
		t.Run(name, func(t *testing.T) {
			server, networks := receive(t, behaviour{Status: 200}, 1, nil), loopback
			guard := Guard{
				Networks: func() webhook.Networks { return networks },
				Resolver: lookUp(t, "", map[string][][]string{"lo.example.com": {{"127.0.0.1"}}}),
			}
			s := NewHTTP(guard, "1")
			t.Cleanup(s.Close)
			if broken {
				s.outside.DialContext = lines{dial: guard.dialer().DialContext}.plain
			}
			job := jobTo("http://lo.example.com:" + server.port() + "/")
			if att := s.Send(t.Context(), job); !att.Succeeded() {
				t.Fatal(att.Sentence)
			}
			networks = webhook.Networks{}
			att := s.Send(t.Context(), job)
			requests, _ := server.seen()
			if noticed := att.Cause != delivery.CauseBlocked || len(requests) != 1; noticed != broken {
				t.Errorf("%q (%s), %d requests", att.Cause, att.Sentence, len(requests))
			}
		})
	}
}

// TestOwnInbox: this installation's inboxes can be called although loopback is not listed, and nothing else of it.
func TestOwnInbox(t *testing.T) {
	server := receive(t, behaviour{Status: 200}, 1, nil)
	own := "127.0.0.1:" + server.port()
	s := NewHTTP(Guard{
		Networks: func() webhook.Networks { return webhook.Networks{} },
		Resolver: lookUp(t, "", map[string][][]string{"dock.example.com": {{"169.254.169.254"}}}), // it is never asked
		Own:      func(u webhook.URI) bool { return u.Authority() == "dock.example.com" || u.Authority() == own },
		OwnAddr:  own,
	}, "1")
	t.Cleanup(s.Close)
	for _, uri := range []string{
		"http://dock.example.com/inbox/Ab_c-9", "https://dock.example.com/inbox/abc?x=1", "http://" + own + "/inbox/abc",
	} {
		if att := s.Send(t.Context(), jobTo(uri)); !att.Succeeded() {
			t.Errorf("%s: %s", uri, att.Sentence)
		}
	}
	requests, _ := server.seen()
	if len(requests) != 3 || !strings.HasPrefix(requests[0].head, "POST /inbox/Ab_c-9 HTTP/1.1\r\nHost: dock.example.com\r\n") {
		t.Fatalf("%d requests reached the inboxes: %q", len(requests), requests)
	}
	for _, path := range []string{
		"/", "/inbox/", "/inbox", "/metrics", "/inbox/../metrics", "/inbox/..", "/inbox/a/../../x", "/inbox/%2e%2e", "/inbox/a/b",
		"/inbox/a;x", "//inbox/a", "/x/inbox/a", "/v2/", "/?/inbox/a",
	} {
		if att := s.Send(t.Context(), jobTo("http://"+own+path)); att.Cause != delivery.CauseBlocked {
			t.Errorf("%s: %d %q %s", path, att.Status, att.Cause, att.Sentence)
		}
	}
	if att := s.Send(t.Context(), jobTo("http://127.0.0.1:"+server.port()+"9/inbox/abc")); att.Status != 0 {
		t.Error("an inbox of another installation was called")
	}
	if after, _ := server.seen(); len(after) != len(requests) {
		t.Errorf("%d requests reached something else than an inbox", len(after)-len(requests))
	}
}
