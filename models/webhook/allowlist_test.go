package webhook

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dockbell/models/fault"
)

// kept keeps settings in a map, and refuses when it is told to.
type kept struct {
	values map[string]string
	err    error
}

func (s *kept) Setting(_ context.Context, key string) (string, error) { return s.values[key], s.err }

func (s *kept) PutSetting(_ context.Context, key, value string) error {
	if s.err == nil {
		s.values[key] = value
	}
	return s.err
}

func names(_ context.Context, host string) ([]netip.Addr, error) {
	switch host {
	case "hooks.example.com":
		return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
	case "build.example.com":
		return []netip.Addr{netip.MustParseAddr("10.0.4.7")}, nil
	case "both.example.com":
		return []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("192.168.1.9")}, nil
	}
	return nil, errors.New("no such host")
}

func TestAllowListIsTheUnion(t *testing.T) {
	ctx, now, memory := t.Context(), time.Unix(1_000_000, 0), &kept{values: map[string]string{}}
	clock := func() time.Time { return now }
	list := NewAllowList([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, memory, names, clock)
	other := NewAllowList(nil, memory, names, clock) // another server of the same database
	ten := netip.MustParseAddr("10.0.4.7")
	if list.Networks().Judge(ten) == nil || other.Networks().Judge(ten) == nil {
		t.Fatal("a private address is allowed by nobody")
	}
	if err := list.Replace(ctx, []string{"10.0.0.0/8"}); err != nil {
		t.Fatal(err)
	}
	if err := list.Networks().Judge(ten); err != nil {
		t.Errorf("right after Replace: %v", err)
	}
	if err := list.Networks().Judge(netip.MustParseAddr("127.0.0.1")); err != nil {
		t.Errorf("what is configured: %v", err)
	}
	now = now.Add(networksFresh)
	if err := other.Networks().Judge(ten); err != nil {
		t.Errorf("another server, a few seconds later: %v", err)
	}
	memory.err = errors.New("away")
	now = now.Add(networksFresh)
	if err := list.Networks().Judge(ten); err != nil {
		t.Errorf("while the database is away: %v", err)
	}
	if err := list.Replace(ctx, nil); err == nil {
		t.Error("a list that was not stored was taken")
	}
	memory.err = nil
	if err := list.Replace(ctx, nil); err != nil || list.Networks().Judge(ten) == nil {
		t.Errorf("after the range was taken away: %v", err)
	}
	if added, err := list.Added(ctx); len(added) != 0 || err != nil {
		t.Errorf("added %v, %v", added, err)
	}
	if got := list.Configured(); !slices.Equal(got, []string{"127.0.0.0/8"}) {
		t.Errorf("configured %v", got)
	}
	if err := list.Replace(ctx, []string{"ten"}); !fault.Is(err, fault.Invalid) || fault.All(err)[0].Field != "networks" {
		t.Errorf("no network: %v", err)
	}
}

func TestAllowListJudges(t *testing.T) {
	list := NewAllowList([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16")},
		&kept{values: map[string]string{}}, names, time.Now)
	for host, want := range map[string]string{
		"hooks.example.com": "8.8.8.8, a public address",
		"build.example.com": "10.0.4.7, in 10.0.0.0/8",
		"10.0.4.7":          "10.0.4.7, in 10.0.0.0/8",
		"2606:4700::1111":   "2606:4700::1111, a public address",
	} {
		if got, err := list.Judge(t.Context(), host); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", host, got, err, want)
		}
	}
	for host, want := range map[string]string{
		"both.example.com":         "192.168.1.9",
		"nowhere.example.com":      "resolves to no address",
		"127.0.0.1":                "127.0.0.0/8",
		"169.254.169.254":          "never",
		"metadata.google.internal": "metadata",
		"localhost":                "this machine",
		"0x7f.1":                   "odd spelling",
		"::1":                      "outside",
		"":                         "no host",
	} {
		if got, err := list.Judge(t.Context(), host); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want a refusal with %q", host, got, err, want)
		}
	}
}

func TestOwnInbox(t *testing.T) {
	for public, cases := range map[string]map[string]bool{
		"http://127.0.0.1:8080": {
			"http://127.0.0.1:8080/inbox/a-B_9":         true,
			"http://127.0.0.1:8080/inbox/abc?x=1":       true,
			"http://127.0.0.1:8080/inbox/":              false,
			"http://127.0.0.1:8080/inbox/../settings":   false,
			"http://127.0.0.1:8080/inbox/a/b":           false,
			"http://127.0.0.1:8080/inbox/a%2fb":         false,
			"http://127.0.0.1:8080/settings":            false,
			"http://127.0.0.1:8081/inbox/abc":           false,
			"http://127.0.0.1/inbox/abc":                false,
			"https://127.0.0.1:8080/inbox/abc":          false,
			"http://localhost:8080/inbox/abc":           false,
			"http://u:p@127.0.0.1:8080/inbox/abc":       false,
			"http://127.0.0.1:8080.evil.example/inbox/": false,
		},
		"https://bell.example.com": {
			"https://bell.example.com/inbox/abc":     true,
			"https://BELL.example.com:443/inbox/abc": true,
			"https://bell.example.com:8443/inbox/a":  false,
			"http://bell.example.com/inbox/abc":      false,
		},
	} {
		own := OwnInbox(public)
		for text, want := range cases {
			u, _ := ParseURI(text)
			if got := own(u); got != want {
				t.Errorf("at %s: %s is own: %v, want %v", public, text, got, want)
			}
		}
	}
	if OwnInbox("")(URI{}) {
		t.Error("nothing is an inbox of nowhere")
	}
}
