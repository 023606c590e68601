package webhook

import (
	"net/netip"
	"slices"
	"strings"

	"dockbell/models/fault"
)

// Networks says to which addresses webhooks may be sent: public ones always, others only when listed, a few never
// (PRODUCT.md, decision 8). It is judged when a webhook is saved and again on every address that is dialled.
type Networks struct {
	Allowed []netip.Prefix // the setting "allowed networks"
}

// never are refused whatever is listed: link-local addresses and the metadata services of clouds.
var never = prefixes(
	"169.254.0.0/16", "fe80::/10", "168.63.129.16/32", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32",
)

// special are not public (IANA's special-purpose registries): refused unless listed.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

// global6 holds every public IPv6 address; what lies outside is refused unless listed.
var global6 = netip.MustParsePrefix("2000::/3")

// metadataNames are refused by name, before anything is resolved.
var metadataNames = []string{"metadata", "metadata.google.internal"}

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

// Judge refuses an address to which no webhook may be sent; the message names the setting that would allow it.
func (n Networks) Judge(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	if within(never, addr) {
		return badURI("%s is a link-local or metadata address. Webhooks are never sent there.", addr)
	}
	if within(n.Allowed, addr) || public(addr) {
		return nil
	}
	return badURI("%s is %s outside the allowed networks. Use a public host, or ask an owner to add %s to the allowed networks.", addr, sortOf(addr), around(addr))
}

// JudgeURI judges what is known of a URI before its name is resolved: literal addresses, localhost and metadata names.
func (n Networks) JudgeURI(u URI) error {
	host := u.Host()
	if addr, err := netip.ParseAddr(host); err == nil {
		return n.Judge(addr)
	}
	if slices.Contains(metadataNames, host) {
		return badURI("%s is a cloud's metadata service. Webhooks are never sent there.", host)
	}
	if host != "localhost" && !strings.HasSuffix(host, ".localhost") {
		return nil
	}
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		if n.Judge(netip.MustParseAddr(loopback)) == nil {
			return nil
		}
	}
	return badURI("%s is this machine, which is outside the allowed networks. Use a public host, or ask an owner to add 127.0.0.0/8 to the allowed networks.", host)
}

func within(list []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}

func public(addr netip.Addr) bool {
	return !within(special, addr) && (addr.Is4() || global6.Contains(addr))
}

func sortOf(addr netip.Addr) string {
	switch {
	case addr.IsLoopback():
		return "this machine's own address,"
	case addr.IsPrivate():
		return "a private address"
	default:
		return "not a public address and"
	}
}

// around is the network that an owner would most likely list for addr.
func around(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr.Is4() {
		bits = 24
	}
	if addr.Is4() && addr.IsLoopback() {
		bits = 8
	}
	p, _ := addr.Prefix(bits) // the lengths above fit their families
	return p
}

// ParseNetworks reads a list of CIDRs or single addresses separated by blanks, commas or lines; faults are at field "networks".
func ParseNetworks(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\t\r\n", r) }) {
		p, err := netip.ParsePrefix(item)
		if err != nil {
			addr, single := netip.ParseAddr(item)
			if single != nil {
				return nil, fault.In("networks", "%q is not a network such as 10.0.0.0/8.", item)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, p.Masked())
	}
	return all, nil
}
