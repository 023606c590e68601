package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// browser fills in the portal's forms.
type browser struct {
	address string
	client  *http.Client
}

func newBrowser(address string) *browser {
	jar, _ := cookiejar.New(nil) // fails with bad options only
	return &browser{address: address, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// page is what a request led to.
type page struct {
	status     int
	path, text string
}

func (b *browser) do(ctx context.Context, method, path string, form url.Values) (page, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, b.address+path, body)
	if err != nil {
		return page{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return page{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return page{resp.StatusCode, resp.Request.URL.Path, string(text)}, err
}

// ready says what is missing before a demo makes sense.
func (b *browser) ready(ctx context.Context) error {
	home, err := b.do(ctx, http.MethodGet, "/", nil)
	switch {
	case err != nil:
		return fmt.Errorf("no Dockbell answers at %s: start it with make run, or name it with --address (%w)", b.address, err)
	case home.path == "/setup":
		return errors.New("nobody has an account yet: open the set-up link that make run printed, then run make demo again")
	}
	return nil
}

func (b *browser) signIn(ctx context.Context, g guest) error {
	p, err := b.do(ctx, http.MethodPost, "/sign-in", url.Values{"username": {g.name}, "password": {g.password}})
	if err == nil && (p.status != http.StatusOK || p.path == "/sign-in") {
		err = fmt.Errorf("signing in was refused with %d", p.status)
	}
	return err
}

// hook is one webhook of the demo and how its inbox answers.
type hook struct {
	name, scope   string
	actions       []string
	answer, delay string // an HTTP status, and after how many seconds
}

var hooks = []hook{
	{"deployweb", "team/web:*", []string{"push"}, "200", "0"},
	{"everything", "", []string{"push", "delete", "chart_push", "chart_delete"}, "204", "0"},
	{"brokenreceiver", "team/api:*", []string{"push", "delete"}, "503", "0"},
	{"slowreceiver", "team/gateway:*", []string{"push"}, "200", "15"}, // longer than a webhook waits
}

// addWebhooks makes an inbox and a webhook to it for each of hooks; what is there from a run before stays.
func (b *browser) addWebhooks(ctx context.Context, registry string) error {
	for _, h := range hooks {
		there, err := b.do(ctx, http.MethodGet, registry+"/webhooks/"+h.name, nil)
		if err != nil {
			return err
		}
		if there.status == http.StatusOK {
			fmt.Println("webhook", h.name, "is there already")
			continue
		}
		if err := b.addWebhook(ctx, registry, h); err != nil {
			return fmt.Errorf("webhook %s: %w", h.name, err)
		}
		fmt.Println("webhook", h.name, "made")
	}
	return nil
}

var inboxAddress = regexp.MustCompile(`value="([^"]*/inbox/([\w-]+))"`)

func (b *browser) addWebhook(ctx context.Context, registry string, h hook) error {
	form := url.Values{"name": {h.name}, "actions": h.actions, "scope": {h.scope}, "status": {"enabled"}}
	form.Set("use", "inbox")
	p, err := b.do(ctx, http.MethodPost, registry+"/webhooks", form)
	if err != nil {
		return err
	}
	inbox := inboxAddress.FindStringSubmatch(p.text)
	if inbox == nil {
		return fmt.Errorf("no inbox was made: status %d", p.status)
	}
	answer, err := b.do(ctx, http.MethodPost, registry+"/inbox/"+inbox[2]+"/answer", url.Values{"status": {h.answer}, "delay": {h.delay}})
	if err == nil && answer.status != http.StatusOK {
		err = fmt.Errorf("the inbox's answer was refused with %d", answer.status)
	}
	if err != nil {
		return err
	}
	form.Del("use")
	form.Set("serviceUri", inbox[1])
	if h.delay == "0" { // the portal waits for the answer to a ping
		form.Set("then", "ping")
	}
	p, err = b.do(ctx, http.MethodPost, registry+"/webhooks", form)
	if err == nil && p.status != http.StatusOK {
		err = fmt.Errorf("the form was refused with %d", p.status)
	}
	return err
}
