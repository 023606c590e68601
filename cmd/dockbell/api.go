package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"dockbell/models/fault"
)

// apiVersion is the newest stable version of the management API that has webhooks; the server takes any.
const apiVersion = "2025-11-01"

// Limits of one call.
const (
	answerTimeout = time.Minute
	maxAnswer     = 64 << 20 // bytes
	maxTries      = 4
	maxPause      = 30 * time.Second
)

// client speaks the management API over the network, as az does (ACR.md, AZ.md).
type client struct {
	base         *url.URL
	http         *http.Client
	session      *session
	command      string // name of the command, for the server's audit log
	subscription string
	status       int    // of the last answer
	etag         string // of the last answer: the version of the resource
	progress     *progress
	pause        func(context.Context, time.Duration) error
}

// apiError is a refusal by the server.
type apiError struct {
	status  int
	code    string
	message string
	target  string
}

// Error is one clear line: the sentence, then the code and the field for whoever looks it up.
func (e *apiError) Error() string {
	where := e.code
	if e.target != "" {
		where += ": " + e.target
	}
	if e.status == http.StatusUnauthorized {
		return fmt.Sprintf("%s (%s). Sign in again with dockbell login.", strings.TrimRight(e.message, "."), where)
	}
	return printable(fmt.Sprintf("%s (%s)", e.message, where))
}

// Unwrap gives the kind of refusal, which decides the exit code.
func (e *apiError) Unwrap() error {
	if e.status == http.StatusNotFound {
		return fault.New(fault.NotFound, "%s", e.message)
	}
	return nil
}

// newHTTP makes a client that trusts the system's certificates, or those of the profile alone. It follows no redirect, which could
// carry the token to another server.
func newHTTP(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout:       answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 15 * time.Second, MaxIdleConnsPerHost: 4, ForceAttemptHTTP2: true,
			DialContext: (&net.Dialer{Timeout: 15 * time.Second}).DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
	}
}

// question is one call; header is empty for most.
type question struct {
	method, path string
	body         any
	header       http.Header
}

// call makes one call and gives the answer's object; nil when it has no body.
func (a *client) call(ctx context.Context, method, path string, body any) (object, error) {
	return a.do(ctx, question{method: method, path: path, body: body})
}

// do makes a call. A refused token is renewed once, and a server that asks for patience gets it.
func (a *client) do(ctx context.Context, q question) (object, error) {
	var renewed bool
	for try := 1; ; try++ {
		bearer, err := a.session.bearer(ctx, a.http, renewed)
		if err != nil {
			return nil, err
		}
		answer, wait, err := a.once(ctx, bearer, q)
		var refused *apiError
		switch {
		case errors.As(err, &refused) && refused.status == http.StatusUnauthorized && !renewed && a.session.renewable():
			renewed = true
		case wait > 0 && wait <= maxPause && try < maxTries:
			a.progress.say("The server asks to wait %s", wait)
			if err := a.pause(ctx, wait); err != nil {
				return nil, err
			}
		default:
			return answer, err
		}
	}
}

// once makes one request; wait says when trying again makes sense, 0 that it does not.
func (a *client) once(ctx context.Context, bearer string, q question) (answer object, wait time.Duration, err error) {
	req, err := a.request(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("CommandName", a.command)
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, 0, unreachable(a.base, err)
	}
	defer resp.Body.Close()
	a.status, a.etag = resp.StatusCode, resp.Header.Get("ETag")
	text, err := readAnswer(resp)
	if err != nil {
		return nil, 0, fmt.Errorf("the answer of %s broke off: %w", a.base, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, retryAfter(resp), refusal(a.base, resp, text)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, 0, nil
	}
	answer, err = decodeObject(text)
	if err != nil {
		return nil, 0, fmt.Errorf("%s answers with something that is not the management API: is the address right?", a.base)
	}
	return answer, 0, nil
}

func (a *client) request(ctx context.Context, q question) (*http.Request, error) {
	var content io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	u, err := url.Parse(a.base.String() + q.path) // never Parse(path): "//host/..." would name another server
	if err != nil {
		return nil, err
	}
	if query := u.Query(); !query.Has("api-version") {
		query.Set("api-version", apiVersion)
		u.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.method, u.String(), content)
	if err != nil {
		return nil, err
	}
	if q.header != nil {
		req.Header = q.header.Clone()
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "dockbell/"+version)
	req.Header.Set("x-ms-client-request-id", newID())
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func readAnswer(resp *http.Response) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = fmt.Errorf("it is larger than %d MiB", maxAnswer>>20)
	}
	return text, err
}

// decodeObject reads JSON, keeping numbers as they are written.
func decodeObject(text []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var o object
	err := dec.Decode(&o)
	return o, err
}

// refusal reads an error body (ACR.md, section 1.11); what has none gets its status as the sentence.
func refusal(base *url.URL, resp *http.Response, text []byte) error {
	if place := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && place != "" {
		return fmt.Errorf("%s sends requests on to %s: sign in with that address", base, printable(place))
	}
	e := &apiError{status: resp.StatusCode, code: strconv.Itoa(resp.StatusCode), message: "The server answered " + resp.Status}
	if id := resp.Header.Get("X-Request-Id"); id != "" && resp.StatusCode >= 500 {
		e.message += ", request " + id
	}
	answer, err := decodeObject(text)
	if err != nil {
		return e
	}
	inner, ok := answer["error"].(object)
	if !ok {
		return e
	}
	e.code, e.message, e.target = pick(inner, "code"), pick(inner, "message"), pick(inner, "target")
	if details, ok := inner["details"].([]any); ok && len(details) > 1 {
		e.message, e.target = joinDetails(e.message, details), ""
	}
	return e
}

// joinDetails writes the sentence of every wrong field; the first is the message itself.
func joinDetails(message string, details []any) string {
	sentences := []string{}
	for _, d := range details {
		if detail, ok := d.(object); ok {
			sentence := pick(detail, "message")
			if target := pick(detail, "target"); target != "" {
				sentence = target + ": " + sentence
			}
			sentences = append(sentences, sentence)
		}
	}
	if len(sentences) == 0 {
		return message
	}
	return strings.Join(sentences, " ")
}

func retryAfter(resp *http.Response) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return max(time.Duration(seconds)*time.Second, time.Second)
}

// unreachable says why no answer came, with what to do about it.
func unreachable(base *url.URL, err error) error {
	var unknown x509.UnknownAuthorityError
	var names x509.HostnameError
	var cause *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &unknown):
		return fmt.Errorf("the certificate of %s is signed by an authority that is not trusted here: name it with dockbell login %s --ca ca.pem", base, base)
	case errors.As(err, &names):
		return fmt.Errorf("%s: %w", base, names)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%s does not speak HTTPS: is its plain address http:// instead?", base)
	case errors.As(err, &cause):
		err = cause.Err
	}
	return fmt.Errorf("%s cannot be reached: %w", base, err)
}

// pages reads a list with all its pages. The address of the next page is taken on the server that is signed in to, whatever host
// it names: a token goes nowhere else.
func (a *client) pages(ctx context.Context, method, path string, each func([]object) (more bool)) error {
	seen := map[string]bool{}
	for count := 0; path != "" && !seen[path]; {
		seen[path] = true
		answer, err := a.call(ctx, method, path, nil)
		if err != nil {
			return err
		}
		items := objectsOf(answer["value"])
		if count += len(items); !each(items) {
			return nil
		}
		next, err := url.Parse(pick(answer, "nextLink"))
		if err != nil {
			return fmt.Errorf("%s names a next page that is no address", a.base)
		}
		method, path = http.MethodGet, next.RequestURI()
		if next.String() == "" {
			return nil
		}
		a.progress.say("%d read", count)
	}
	return nil
}

// all reads a list whole.
func (a *client) all(ctx context.Context, method, path string) ([]object, error) {
	list := []object{}
	err := a.pages(ctx, method, path, func(items []object) bool {
		list = append(list, items...)
		return true
	})
	return list, err
}

func objectsOf(v any) []object {
	var all []object
	if list, ok := v.([]any); ok {
		for _, x := range list {
			if o, ok := x.(object); ok {
				all = append(all, o)
			}
		}
	}
	return all
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
