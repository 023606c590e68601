package account_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
)

func TestCheckRedirect(t *testing.T) {
	for redirect, want := range map[string]bool{
		"http://localhost:8400": true, "http://localhost:8400/": true, "http://127.0.0.1:1234/cb": true, "http://[::1]:9/": true, "http://localhost": true, "http://LOCALHOST:1": true,
		"": false, "https://localhost:8400": false, "http://evil.test": false, "http://localhost.evil.test:8400": false, "http://localhost@evil.test": false,
		"http://evil.test#localhost": false, "http://localhost:8400#x": false, "http://u:p@localhost:8400": false, "javascript:alert(1)": false, "//localhost": false,
		"http:localhost": false, "http://localhost\\@evil.test": false, "http://127.0.0.1.evil.test": false, "http://0.0.0.0:8400": false, "http://10.0.0.1": false,
		"http://localhost:8400/\r\nX: y": false, "http://localhost/" + strings.Repeat("a", 2048): false, "ms-appx-web://x": false, "http://2130706433": false,
	} {
		if err := account.CheckRedirect(redirect); (err == nil) != want {
			t.Errorf("%.60q: %v", redirect, err)
		}
	}
}

// page is what az asks of the authorize page.
func page() account.BrowserRequest {
	sum := sha256.Sum256([]byte(verifier))
	return account.BrowserRequest{
		Client: cli, ResponseType: "code", Redirect: "http://localhost:8400/?x=1", State: "s&t", Nonce: "n-1",
		Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), ChallengeMethod: "S256",
	}
}

func (d *desk) code(r account.BrowserRequest) string {
	d.t.Helper()
	request, err := d.StartBrowser(d.t.Context(), r, here.Asker)
	d.must(err)
	back, err := d.AnswerBrowser(d.t.Context(), request, d.mei.ID, true)
	d.must(err)
	u, err := url.Parse(back)
	if err != nil || u.Host != "localhost:8400" || u.Query().Get("state") != "s&t" || u.Query().Get("x") != "1" {
		d.t.Fatalf("the browser is led to %s, %v", back, err)
	}
	_, err = d.BrowserRequest(d.t.Context(), request)
	d.refused("the page after its answer", err, "request")
	return u.Query().Get("code")
}

func TestAuthorizationCode(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		code := d.code(page())
		signed, err := d.Redeem(t.Context(), code, page().Redirect, verifier, here)
		d.must(err)
		d.opens("the token", signed.Access, true)
		if id := said(t, signed.ID); id["nonce"] != "n-1" || id["aud"] != cli {
			t.Errorf("the id token says %v", id)
		}
		_, err = d.Redeem(t.Context(), code, page().Redirect, verifier, here)
		d.refused("a second time", err, "invalid_grant")
		d.opens("what came of the first time", signed.Access, false)
	})
}

func TestAuthorizationCodesThatOpenNothing(t *testing.T) {
	for name, c := range map[string]struct {
		redirect, verifier, client string
		wait                       time.Duration
	}{
		"another verifier": {verifier: strings.Replace(verifier, "a", "b", 1)}, "no verifier": {verifier: " "}, "a short verifier": {verifier: "short"},
		"another redirect": {redirect: "http://localhost:8401/?x=1"}, "another client": {client: "another"}, "a minute later": {wait: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			eachDesk(t, func(t *testing.T, d *desk) {
				code := d.code(page())
				d.now = d.now.Add(c.wait)
				from := here
				from.Client = orElse(c.client, from.Client)
				_, err := d.Redeem(t.Context(), code, orElse(c.redirect, page().Redirect), orElse(c.verifier, verifier), from)
				d.refused("the code", err, "invalid_grant")
				_, err = d.Redeem(t.Context(), code, page().Redirect, verifier, here)
				d.refused("the code after a wrong try", err, "invalid_grant")
			})
		})
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func TestAuthorizeRequestsThatAreRefused(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		for name, change := range map[string]func(*account.BrowserRequest){
			"unsupported_response_type": func(r *account.BrowserRequest) { r.ResponseType = "token" },
			"invalid_request":           func(r *account.BrowserRequest) { r.Challenge = "" },
			"invalid_request ":          func(r *account.BrowserRequest) { r.ChallengeMethod = "plain" },
			"invalid_request  ":         func(r *account.BrowserRequest) { r.ResponseMode = "fragment" },
			"invalid_request   ":        func(r *account.BrowserRequest) { r.State = strings.Repeat("s", 3000) },
		} {
			r := page()
			change(&r)
			_, err := d.StartBrowser(t.Context(), r, here.Asker)
			d.refused(name, err, strings.TrimSpace(name))
		}
		request, err := d.StartBrowser(t.Context(), page(), here.Asker)
		d.must(err)
		back, err := d.AnswerBrowser(t.Context(), request, d.mei.ID, false)
		if u, _ := url.Parse(back); err != nil || u.Query().Get("error") != "access_denied" || u.Query().Get("state") != "s&t" || u.Query().Has("code") {
			t.Errorf("after No: %s, %v", back, err)
		}
		request, err = d.StartBrowser(t.Context(), page(), here.Asker)
		d.must(err)
		d.now = d.now.Add(15 * time.Minute)
		_, err = d.AnswerBrowser(t.Context(), request, d.mei.ID, true)
		d.refused("too late", err, "request")
	})
}
