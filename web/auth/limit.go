package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"dockbell/models/fault"
)

// Wrong tries that are free: five a minute for one account from one address, twenty for all accounts from one address.
// What is counted belongs to an address, so nobody can lock out somebody else.
const (
	accountTries = 5
	addressTries = 20
	maxTracked   = 20_000
)

var (
	accountRate = rate.Every(time.Minute)     // after the fifth: one a minute
	addressRate = rate.Every(6 * time.Second) // after the twentieth: ten a minute
)

// Limits slows down whoever guesses passwords.
type Limits struct {
	Now func() time.Time

	mu    sync.Mutex
	tries map[string]*rate.Limiter
}

// Check refuses a further try while too many wrong ones are young, right or wrong; the fault says how long to wait.
func (l *Limits) Check(addr, account string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	wait := max(
		due(l.tries[pairKey(addr, account)], accountRate, now),
		due(l.tries[network(addr)], addressRate, now),
	)
	if wait == 0 {
		return nil
	}
	wait = wait.Round(time.Second) + time.Second
	return fault.New(fault.LimitReached, "Too many wrong tries from your address. Try again in %s.", wait).After(wait)
}

// due is how long until a limiter has a whole try again.
func due(lim *rate.Limiter, r rate.Limit, now time.Time) time.Duration {
	if lim == nil {
		return 0
	}
	missing := 1 - lim.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(r) * float64(time.Second))
}

// Failed counts a wrong try. Tries that ran at the same time add up, so a wave of them waits longer afterwards.
func (l *Limits) Failed(addr, account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	l.limiter(pairKey(addr, account), accountRate, accountTries, now).ReserveN(now, 1)
	l.limiter(network(addr), addressRate, addressTries, now).ReserveN(now, 1)
}

// Succeeded forgets the wrong tries for this account from this address.
func (l *Limits) Succeeded(addr, account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.tries, pairKey(addr, account))
}

func (l *Limits) limiter(key string, r rate.Limit, burst int, now time.Time) *rate.Limiter {
	if l.tries == nil {
		l.tries = map[string]*rate.Limiter{}
	}
	lim, ok := l.tries[key]
	if !ok {
		l.makeRoom(now)
		lim = rate.NewLimiter(r, burst)
		l.tries[key] = lim
	}
	return lim
}

// makeRoom forgets whoever has made no wrong try for a while; if everybody has, all of them.
func (l *Limits) makeRoom(now time.Time) {
	if len(l.tries) < maxTracked {
		return
	}
	for key, lim := range l.tries {
		if lim.TokensAt(now) >= float64(lim.Burst()) {
			delete(l.tries, key)
		}
	}
	if len(l.tries) >= maxTracked {
		clear(l.tries)
	}
}

func pairKey(addr, account string) string { return network(addr) + "\x00" + strings.ToLower(account) }

// network is the address, or the /64 of an IPv6 one: a single host has all of it.
func network(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // 64 bits always fit an IPv6 address
	return p.String()
}
