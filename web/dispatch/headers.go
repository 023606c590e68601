package dispatch

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/payload"
	"dockbell/models/webhook"
)

// maxText bounds a text of the receiver's that stands in a line of ours.
const maxText = 300

// headersOf are the headers of a request but for those that HTTP itself adds (Host, Content-Length): as Azure's, the
// custom ones, and the signature when there is a secret.
func headersOf(hook *webhook.Webhook, del delivery.Delivery, version string, at time.Time) (http.Header, error) {
	format, _ := payload.ByName(hook.Format)
	h := http.Header{
		"Content-Type": {format.ContentType},
		"User-Agent":   {strings.TrimSpace(format.UserAgent + " dockbell/" + version)},
	}
	if format.UserAgent == "" {
		h.Set("User-Agent", "Dockbell/"+version)
	}
	if basic := hook.ServiceURI.BasicAuth(); basic != "" {
		h.Set("Authorization", basic)
	}
	for _, custom := range hook.Headers {
		h[spelling(custom.Name)] = []string{custom.Value}
	}
	return h, sign(h, hook.SigningSecrets, del.ID.String(), at, del.Body)
}

// spelling is how a custom header's name goes out: as typed, but for those that net/http must recognise, and those
// that it must not, because they would make it repeat a POST by itself.
func spelling(name string) string {
	switch canonical := http.CanonicalHeaderKey(name); canonical {
	case "Content-Type", "User-Agent", "Authorization":
		return canonical
	case "Idempotency-Key", "X-Idempotency-Key":
		return strings.ToLower(name)
	default:
		return name
	}
}

// recordRequest lists the headers as they are sent, with ****** for what is a secret.
func recordRequest(req *http.Request, hook *webhook.Webhook) []delivery.Header {
	all := []delivery.Header{
		{Name: "Host", Value: req.Host},
		{Name: "Content-Length", Value: strconv.FormatInt(req.ContentLength, 10)},
	}
	for _, h := range recordHeaders(req.Header) {
		if _, custom := hook.Headers.Get(h.Name); custom || h.Name == "Authorization" {
			h.Value = webhook.Masked
		}
		all = append(all, h)
	}
	return all
}

// recordHeaders lists headers by name; what is not text is replaced, for they are shown and stored as text.
func recordHeaders(h http.Header) []delivery.Header {
	var all []delivery.Header
	for name, values := range h {
		for _, v := range values {
			all = append(all, delivery.Header{Name: clean(name, maxHeaders), Value: clean(v, maxHeaders)})
		}
	}
	slices.SortStableFunc(all, func(a, b delivery.Header) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// clean makes text of a receiver's bytes: valid UTF-8, no control character but a tab, at most so many bytes.
func clean(text string, most int) string {
	if len(text) <= most && printable(text) { // as nearly all of it is
		return text
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

func printable(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// reasonOf is the reason phrase as sent; many servers send none.
func reasonOf(resp *http.Response) string {
	return clean(strings.TrimSpace(strings.TrimPrefix(resp.Status, strconv.Itoa(resp.StatusCode))), maxText)
}

// locationOf is where a redirect leads, as an address that could be a service URI; "" when it leads nowhere.
func locationOf(resp *http.Response) string {
	given := resp.Header.Get("Location")
	if given == "" || resp.StatusCode/100 != 3 {
		return ""
	}
	to, err := resp.Request.URL.Parse(given)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" {
		return ""
	}
	bare := url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path, RawPath: to.RawPath, RawQuery: to.RawQuery}
	return clean(bare.String(), maxText)
}

func factsOf(hook *webhook.Webhook) delivery.Facts {
	f := delivery.Facts{Host: hook.ServiceURI.Host(), Port: "80", Timeout: hook.Timeout}
	if hook.ServiceURI.Scheme() == "https" {
		f.Port = "443"
	}
	if _, port, err := net.SplitHostPort(hook.ServiceURI.Authority()); err == nil {
		f.Port = port
	}
	if f.Timeout <= 0 {
		f.Timeout = webhook.DefaultTimeout
	}
	return f
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
