package webhook

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"dockbell/models/fault"
)

// MaxURI is the longest service URI in bytes.
const MaxURI = 2048

// URI is a checked service URI in its stored form; userinfo, if any, is a secret.
type URI struct {
	scheme, user, host, port, rest string // user without the @, rest is path and query as typed
}

// ParseURI checks a service URI and brings it into its stored form: scheme and host in lower case, an international name as
// its A-labels, one trailing dot dropped, the rest as typed. Faults are at field "serviceUri". Networks judges where it leads.
func ParseURI(text string) (URI, error) {
	if err := checkURIText(text); err != nil {
		return URI{}, err
	}
	scheme, after, found := strings.Cut(text, "://")
	u := URI{scheme: strings.ToLower(scheme)}
	if !found || u.scheme != "http" && u.scheme != "https" {
		return URI{}, badURI("The service URI begins with https:// or http://.")
	}
	authority := after
	if i := strings.IndexAny(after, "/?"); i >= 0 {
		authority, u.rest = after[:i], after[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		u.user, authority = authority[:i], authority[i+1:]
		if err := checkUserinfo(u.user); err != nil {
			return URI{}, err
		}
	}
	var err error
	if u.host, u.port, err = splitHost(authority); err != nil {
		return URI{}, err
	}
	if _, err := url.Parse(u.String()); err != nil {
		return URI{}, badURI("The path or query of the service URI is not well formed: check the percent signs.")
	}
	return u, nil
}

// StoredURI takes a URI that ParseURI accepted before.
func StoredURI(text string) URI {
	u, err := ParseURI(text)
	if err != nil {
		return URI{}
	}
	return u
}

func badURI(format string, args ...any) error { return fault.In("serviceUri", format, args...) }

func checkURIText(text string) error {
	switch {
	case text == "":
		return badURI("Enter the address that is called, such as https://hooks.example.com/acr.")
	case len(text) > MaxURI:
		return badURI("The service URI is longer than %d characters.", MaxURI)
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		return badURI("The service URI has a blank or a control character in it. Remove it, or write it as %%20.")
	case strings.ContainsFunc(text, func(r rune) bool {
		return unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) || r == unicode.ReplacementChar
	}):
		return badURI("The service URI has an invisible character in it. Type it again instead of pasting it.")
	case strings.Contains(text, `\`):
		return badURI("The service URI has a backslash in it. Use /.")
	case strings.Contains(text, "#"):
		return badURI("The service URI has a fragment (#...), which is never sent. Remove it.")
	}
	return nil
}

func checkUserinfo(user string) error {
	if strings.Contains(user, "@") {
		return badURI("The service URI has two @. Write an @ inside user name or password as %%40.")
	}
	name, pass, _ := strings.Cut(user, ":")
	for _, part := range []string{name, pass} {
		plain, err := url.PathUnescape(part)
		if err != nil || strings.ContainsFunc(plain, unicode.IsControl) {
			return badURI("User name and password in the service URI must not hold control characters or broken percent signs.")
		}
	}
	return nil
}

func splitHost(authority string) (host, port string, err error) {
	host = authority
	if strings.HasPrefix(authority, "[") {
		end := strings.IndexByte(authority, ']')
		if end < 0 {
			return "", "", badURI("The service URI has an IPv6 address without its closing bracket.")
		}
		host, port = authority[:end+1], authority[end+1:]
		if port != "" && !strings.HasPrefix(port, ":") {
			return "", "", badURI("After the address in brackets comes a port or the path.")
		}
	} else if i := strings.IndexByte(authority, ':'); i >= 0 {
		host, port = authority[:i], authority[i:]
	}
	if port != "" {
		if port, err = checkPort(port[1:]); err != nil {
			return "", "", err
		}
	}
	host, err = normalHost(host)
	return host, port, err
}

func checkPort(text string) (string, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 || text[0] == '+' {
		return "", badURI("The port of the service URI is a number from 1 to 65535.")
	}
	return text, nil
}

// normalHost maps a host with IDNA before it is judged, so that no spelling hides an address.
func normalHost(host string) (string, error) {
	if host == "" {
		return "", badURI("The service URI names no host. Write it as https://hooks.example.com/acr.")
	}
	if strings.HasPrefix(host, "[") {
		addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", badURI("%s is not an IPv6 address without a zone.", host)
		}
		return "[" + addr.String() + "]", nil
	}
	mapped, err := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII(host)
	if err != nil {
		return "", badURI("%q is not a host name.", host)
	}
	if addr, err := netip.ParseAddr(mapped); err == nil && addr.Is4() {
		return mapped, nil
	}
	return checkLabels(strings.TrimSuffix(mapped, "."), host)
}

func checkLabels(name, typed string) (string, error) {
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || strings.ContainsFunc(l, func(r rune) bool { return !hostChar(r) }) {
			return "", badURI("%q is not a host name.", typed)
		}
	}
	if len(name) > 253 {
		return "", badURI("The host name is longer than 253 characters.")
	}
	if last := labels[len(labels)-1]; numeric(last) {
		return "", badURI("%q looks like an address in an odd spelling. Write a host name, or an address as four numbers.", typed)
	}
	return name, nil
}

func hostChar(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// numeric reports whether a label would be read as a number by some resolver: decimal, octal or hexadecimal.
func numeric(label string) bool {
	if rest, hex := strings.CutPrefix(label, "0x"); hex {
		return !strings.ContainsFunc(rest, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
	}
	return !strings.ContainsFunc(label, func(r rune) bool { return r < '0' || r > '9' })
}

// String gives the URI in clear: for sending, sealing and getCallbackConfig alone.
func (u URI) String() string { return u.write(u.user) }

// Masked gives the URI with ****** in place of userinfo: for every other use.
func (u URI) Masked() string {
	if u.user == "" {
		return u.String()
	}
	return u.write(Masked)
}

func (u URI) write(user string) string {
	if u.scheme == "" {
		return ""
	}
	text := u.scheme + "://"
	if user != "" {
		text += user + "@"
	}
	text += u.host
	if u.port != "" {
		text += ":" + u.port
	}
	return text + u.rest
}

// Host is the host alone, an IPv6 address without its brackets.
func (u URI) Host() string { return strings.Trim(u.host, "[]") }

// Authority is host and port as in the Host header.
func (u URI) Authority() string {
	if u.port == "" {
		return u.host
	}
	return u.host + ":" + u.port
}

// Scheme is http or https.
func (u URI) Scheme() string { return u.scheme }

// Path is path and query as typed.
func (u URI) Path() string { return u.rest }

// Bare is the URI without its userinfo: what the HTTP client is given.
func (u URI) Bare() string { return u.write("") }

// BasicAuth is the Authorization value that userinfo stands for; "" without userinfo.
func (u URI) BasicAuth() string {
	if u.user == "" {
		return ""
	}
	name, pass, _ := strings.Cut(u.user, ":")
	name, _ = url.PathUnescape(name) // checked by ParseURI
	pass, _ = url.PathUnescape(pass)
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+pass))
}

// Keep gives u the stored userinfo when ****** came back in its place, for the same host; else nothing changes.
func (u URI) Keep(stored URI) URI {
	if u.user == Masked && u.host == stored.host && u.port == stored.port && u.scheme == stored.scheme {
		u.user = stored.user
	}
	return u
}

// Same reports whether two URIs have the same scheme, host and port, a port left out being the scheme's own.
func (u URI) Same(other URI) bool {
	return u.scheme != "" && u.scheme == other.scheme && u.host == other.host && u.portNumber() == other.portNumber()
}

func (u URI) portNumber() string {
	switch {
	case u.port != "":
		return strings.TrimLeft(u.port, "0")
	case u.scheme == "https":
		return "443"
	default:
		return "80"
	}
}
