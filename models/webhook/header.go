package webhook

import (
	"slices"
	"strings"

	"dockbell/models/fault"
)

// Limits of custom headers.
const (
	MaxHeaders     = 20
	MaxHeaderName  = 256      // bytes
	MaxHeaderValue = 4096     // bytes
	MaxHeaderBytes = 16 << 10 // names and values together
)

// Header is one custom header of a webhook; its value is a secret.
type Header struct{ Name, Value string }

// Headers are a webhook's custom headers in the order they were given.
type Headers []Header

// reserved names belong to HTTP's framing, the connection or the signature; compared without regard to case.
var reserved = []string{
	"host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection",
	"proxy-authorization", "proxy-authenticate", "te", "trailer", "upgrade", "http2-settings", "expect",
	"content-encoding", "webhook-id", "webhook-timestamp", "webhook-signature",
}

// ParseHeaderText reads the form's text area: one "Key: value" per line, blank lines skipped. Faults are at field "customHeaders".
func ParseHeaderText(text string) (Headers, error) {
	var all Headers
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if strings.Trim(line, " \t") == "" {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			return nil, badHeader("%q has no colon. Write one header per line as Key: value.", line)
		}
		all = append(all, Header{name, value})
	}
	return CheckHeaders(all)
}

// CheckHeaders checks names, values and limits (RFC 9110, 5.6.2 and 5.5) and trims the values.
func CheckHeaders(given Headers) (Headers, error) {
	if len(given) > MaxHeaders {
		return nil, badHeader("A webhook has at most %d custom headers; these are %d.", MaxHeaders, len(given))
	}
	var all Headers
	seen, size := map[string]bool{}, 0
	for _, h := range given {
		h.Value = strings.Trim(h.Value, " \t")
		if err := checkHeader(h); err != nil {
			return nil, err
		}
		key := strings.ToLower(h.Name)
		if seen[key] {
			return nil, badHeader("%s is there twice. Header names are compared without regard to case.", h.Name)
		}
		seen[key] = true
		size += len(h.Name) + len(h.Value)
		all = append(all, h)
	}
	if size > MaxHeaderBytes {
		return nil, badHeader("The custom headers are %d bytes together; 16 KiB is the limit.", size)
	}
	return all, nil
}

func checkHeader(h Header) error {
	switch {
	case h.Name == "" || strings.ContainsFunc(h.Name, func(r rune) bool { return !tokenChar(r) }):
		return badHeader("%q is not a header name. Use letters, digits and - without blanks.", h.Name)
	case len(h.Name) > MaxHeaderName:
		return badHeader("A header name has at most %d bytes.", MaxHeaderName)
	case slices.Contains(reserved, strings.ToLower(h.Name)):
		return badHeader("%s is set by Dockbell or by HTTP itself and cannot be a custom header.", h.Name)
	case len(h.Value) > MaxHeaderValue:
		return badHeader("The value of %s is longer than %d bytes.", h.Name, MaxHeaderValue)
	case strings.ContainsFunc(h.Value, func(r rune) bool { return r != '\t' && (r < 0x20 || r > 0x7e) }):
		return badHeader("The value of %s has a character that HTTP does not allow. Use printable ASCII.", h.Name)
	}
	return nil
}

func badHeader(format string, args ...any) error { return fault.In("customHeaders", format, args...) }

// tokenChar reports whether r may stand in a token (RFC 9110, 5.6.2).
func tokenChar(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// Get gives the value of a header by name, without regard to case.
func (hs Headers) Get(name string) (string, bool) {
	for _, h := range hs {
		if strings.EqualFold(h.Name, name) {
			return h.Value, true
		}
	}
	return "", false
}

// Masked writes the headers as the portal shows them: one line each, every value as ******.
func (hs Headers) Masked() string {
	var lines []string
	for _, h := range hs {
		lines = append(lines, h.Name+": "+Masked)
	}
	return strings.Join(lines, "\n")
}

// Keep puts the stored value wherever ****** came back unchanged under a name that was there.
func (hs Headers) Keep(stored Headers) Headers {
	kept := slices.Clone(hs)
	for i, h := range kept {
		if old, ok := stored.Get(h.Name); ok && h.Value == Masked {
			kept[i].Value = old
		}
	}
	return kept
}
