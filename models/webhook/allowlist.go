package webhook

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
)

// AllowList is the setting "allowed networks": the union of what the configuration lists and what owners added in the portal.
type AllowList struct {
	configured []netip.Prefix
	settings   Settings
	resolve    func(ctx context.Context, host string) ([]netip.Addr, error)
	now        func() time.Time

	mu    sync.Mutex
	union Networks
	read  time.Time // when union was last put together
}

// Settings keeps single values by key; "" stands for an absent one.
type Settings interface {
	Setting(ctx context.Context, key string) (string, error)
	PutSetting(ctx context.Context, key, value string) error
}

const (
	networksKey   = "networks.added"
	networksFresh = 5 * time.Second // another server of the same database may have changed the list
	networksWait  = 2 * time.Second
)

// NewAllowList makes the list; resolve gives the addresses of a name.
func NewAllowList(configured []netip.Prefix, settings Settings, resolve func(ctx context.Context, host string) ([]netip.Addr, error), now func() time.Time) *AllowList {
	return &AllowList{configured: configured, settings: settings, resolve: resolve, now: now, union: Networks{Allowed: configured}}
}

// Networks is the list of the moment. When the database does not answer, what it said last goes on holding.
func (l *AllowList) Networks() Networks {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.read) >= networksFresh {
		ctx, cancel := context.WithTimeout(context.Background(), networksWait)
		defer cancel()
		if added, err := l.added(ctx); err == nil {
			l.keep(added)
		}
		l.read = now // after a failure too: nobody waits for a database that is away more than once in a while
	}
	return l.union
}

func (l *AllowList) keep(added []netip.Prefix) {
	l.union = Networks{Allowed: append(append([]netip.Prefix(nil), l.configured...), added...)}
}

func (l *AllowList) added(ctx context.Context) ([]netip.Prefix, error) {
	text, err := l.settings.Setting(ctx, networksKey)
	if err != nil {
		return nil, err
	}
	return ParseNetworks(text)
}

// Configured are the ranges of flag, environment or file.
func (l *AllowList) Configured() []string { return written(l.configured) }

// Added are the ranges that were added in the portal.
func (l *AllowList) Added(ctx context.Context) ([]string, error) {
	added, err := l.added(ctx)
	return written(added), err
}

// Replace stores all the ranges that are added in the portal; they hold at once.
func (l *AllowList) Replace(ctx context.Context, ranges []string) error {
	added, err := ParseNetworks(strings.Join(ranges, "\n"))
	if err != nil {
		return err
	}
	before, err := l.Added(ctx)
	if err != nil {
		return err
	}
	change := audit.Change{Field: "ranges", From: strings.Join(before, ", "), To: strings.Join(written(added), ", ")}
	ctx = audit.Note(ctx, audit.Entry{Action: "allowedNetworks.update", Object: "allowed networks", Changes: []audit.Change{change}})
	if err := l.settings.PutSetting(ctx, networksKey, strings.Join(written(added), "\n")); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep(added)
	l.read = l.now()
	return nil
}

// Judge says what would happen to a webhook sent to host, a name or an address: what it resolves to and why that is allowed,
// or the fault with which it would be refused.
func (l *AllowList) Judge(ctx context.Context, host string) (string, error) {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		host = "[" + host + "]"
	}
	u, err := ParseURI("http://" + host)
	if err != nil {
		return "", err
	}
	nets := l.Networks()
	if err := nets.JudgeURI(u); err != nil {
		return "", err
	}
	addrs, err := l.addressesOf(ctx, u)
	if err != nil {
		return "", err
	}
	var said []string
	for _, addr := range addrs {
		if err := nets.Judge(addr); err != nil {
			return "", err
		}
		said = append(said, nets.why(addr))
	}
	return strings.Join(said, "; "), nil
}

func (l *AllowList) addressesOf(ctx context.Context, u URI) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(u.Host()); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := l.resolve(ctx, u.Host())
	if err != nil || len(addrs) == 0 {
		return nil, &fault.Error{Code: fault.Invalid, Field: "serviceUri", Cause: err,
			Message: fmt.Sprintf("%s resolves to no address. Check the spelling, or the name servers of this machine.", u.Host())}
	}
	return addrs, nil
}

// why names an address with the reason for which it is allowed.
func (n Networks) why(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	for _, p := range n.Allowed {
		if p.Contains(addr) {
			return fmt.Sprintf("%s, in %s", addr, p)
		}
	}
	return fmt.Sprintf("%s, a public address", addr)
}

func written(ranges []netip.Prefix) []string {
	all := make([]string, len(ranges))
	for i, r := range ranges {
		all[i] = r.String()
	}
	return all
}
