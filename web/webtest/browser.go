// Package webtest is the browser of the tests: it keeps cookies, sends forms and htmx's requests, follows no redirect,
// and asks pages what they say.
package webtest

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// Browser is one person's browser at one server.
type Browser struct {
	URL    string      // of the server, without a slash at its end
	Header http.Header // sent with every request
	t      testing.TB
	client *http.Client
}

// New opens a browser that has not been anywhere.
func New(t testing.TB, server string) *Browser { return NewAt(t, server, "") }

// NewAt opens a browser on another machine: its connections come from this address.
func NewAt(t testing.TB, server, address string) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	dialer := &net.Dialer{}
	if address != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)}
	}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{URL: server, Header: http.Header{}, t: t, client: &http.Client{
		Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// HTMX is the same browser as htmx asks with it from the page at this path: with the same cookies and its own headers.
func (b *Browser) HTMX(at string) *Browser {
	asked := *b
	asked.Header = b.Header.Clone()
	asked.Header.Set("HX-Request", "true")
	asked.Header.Set("HX-Current-URL", b.URL+at)
	return &asked
}

// Get fetches a page.
func (b *Browser) Get(path string) *Page {
	b.t.Helper()
	return b.Do(http.MethodGet, path, nil)
}

// Post sends a form given as names and values in turn.
func (b *Browser) Post(path string, pairs ...string) *Page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.Send(path, form)
}

// Send sends a form.
func (b *Browser) Send(path string, form url.Values) *Page {
	b.t.Helper()
	return b.Do(http.MethodPost, path, form)
}

// SignIn sends the form of the sign-in page.
func (b *Browser) SignIn(name, password string) *Page {
	b.t.Helper()
	return b.Post("/sign-in", "username", name, "password", password)
}

// Do sends any request; a form that is not nil is its body.
func (b *Browser) Do(method, path string, form url.Values) *Page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.URL+path, strings.NewReader(form.Encode()))
	must(b.t, err)
	if method != http.MethodGet {
		req.Header.Set("Origin", b.URL)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range b.Header {
		req.Header[name] = values
	}
	resp, err := b.client.Do(req)
	must(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(b.t, err)
	return &Page{t: b.t, what: method + " " + path, Code: resp.StatusCode, Header: resp.Header, Body: string(body)}
}

// Cookie is the value of a cookie that the server set; empty when it did not.
func (b *Browser) Cookie(name string) string {
	b.t.Helper()
	at, err := url.Parse(b.URL)
	must(b.t, err)
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
