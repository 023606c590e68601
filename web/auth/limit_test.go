package auth

import (
	"fmt"
	"testing"
	"time"

	"dockbell/models/fault"
)

// tries says how many wrong tries in a row are taken.
func tries(l *Limits, n int, addr func(int) string, account func(int) string) int {
	for i := range n {
		if l.Check(addr(i), account(i)) != nil {
			return i
		}
		l.Failed(addr(i), account(i))
	}
	return n
}

func always(s string) func(int) string { return func(int) string { return s } }

func TestLimits(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	fresh := func() *Limits { return &Limits{Now: func() time.Time { return now }} }
	names := func(i int) string { return fmt.Sprint("user", i) }
	for _, c := range []struct {
		name          string
		addr, account func(int) string
		want          int
	}{
		{"one account", always("203.0.113.7"), always("mei.lin"), 5},
		{"one account in many spellings", always("203.0.113.7"), func(i int) string { return []string{"Mei.Lin", "MEI.LIN"}[i%2] }, 5},
		{"many accounts from one address", always("203.0.113.7"), names, 20},
		{"many accounts from one IPv6 network", func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }, names, 20},
		{"one account from many addresses", func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, always("mei.lin"), 60},
	} {
		if got := tries(fresh(), 60, c.addr, c.account); got != c.want {
			t.Errorf("%s: %d tries, want %d", c.name, got, c.want)
		}
	}

	l := fresh()
	tries(l, 5, always("203.0.113.7"), always("mei.lin"))
	err := l.Check("203.0.113.7", "mei.lin")
	if f := fault.All(err); !fault.Is(err, fault.LimitReached) || f[0].Wait < time.Second || f[0].Wait > 2*time.Minute {
		t.Errorf("the sixth: %v", err)
	}
	if err := l.Check("198.51.100.1", "mei.lin"); err != nil {
		t.Errorf("the account from another address: %v", err)
	}
	now = now.Add(time.Minute + time.Second)
	if err := l.Check("203.0.113.7", "mei.lin"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	l.Failed("203.0.113.7", "mei.lin")
	if l.Check("203.0.113.7", "mei.lin") == nil {
		t.Error("a second try within that minute")
	}
	now = now.Add(2 * time.Minute)
	l.Succeeded("203.0.113.7", "MEI.lin")
	if got := tries(l, 9, always("203.0.113.7"), always("mei.lin")); got != 5 {
		t.Errorf("after the right password: %d tries", got)
	}
}

func TestLimitsForget(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := &Limits{Now: func() time.Time { return now }}
	for i := range maxTracked {
		l.Failed(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), "x")
	}
	if len(l.tries) > maxTracked {
		t.Errorf("%d are remembered", len(l.tries))
	}
}
