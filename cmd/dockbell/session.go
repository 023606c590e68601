package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dockbell/models/account"
)

// early is how long before its end a token is renewed.
const early = 2 * time.Minute

// session gives a Bearer token for each call, from the profile.
type session struct {
	base    *url.URL
	profile profile
	kept    bool // write renewed tokens into the profile file
	now     func() time.Time
}

// renewable reports whether a refused token can be replaced without the user.
func (s *session) renewable() bool { return s.profile.Token == "" }

// bearer gives a token that is valid for a while yet; renew asks for a new one whatever the clock says.
func (s *session) bearer(ctx context.Context, on *http.Client, renew bool) (string, error) {
	p := &s.profile
	switch {
	case p.Token != "":
		return p.Token, nil
	case s.fresh() && !renew:
		return p.AccessToken, nil
	case !s.kept:
		return p.AccessToken, s.renew(ctx, on)
	}
	unlock, err := lockProfile()
	if err != nil {
		return "", err
	}
	defer unlock()
	// Another command may have renewed it meanwhile, and a refresh token is good for one use.
	if now, err := loadProfile(); err == nil && now.URL == p.URL && now.AccessToken != p.AccessToken {
		if s.profile = now; s.fresh() {
			return p.AccessToken, nil
		}
	}
	if err := s.renew(ctx, on); err != nil {
		return "", err
	}
	return p.AccessToken, p.save()
}

func (s *session) fresh() bool {
	return s.profile.AccessToken != "" && s.now().Add(early).Before(s.profile.Expires)
}

// renew gets new tokens with what the profile holds.
func (s *session) renew(ctx context.Context, on *http.Client) error {
	p := &s.profile
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {p.ClientID}, "client_secret": {p.ClientSecret}}
	if p.RefreshToken != "" {
		form = url.Values{"grant_type": {"refresh_token"}, "client_id": {account.CommandLine}, "refresh_token": {p.RefreshToken}}
	}
	form.Set("scope", s.base.String()+"//.default")
	answer, err := postForm(ctx, on, s.base, "/adfs/oauth2/token", form)
	var refused *signInError
	if errors.As(err, &refused) && p.RefreshToken != "" {
		return fmt.Errorf("the sign-in has ended: run dockbell login %s again", s.base)
	}
	if err == nil {
		p.take(answer, s.now())
	}
	return err
}

// take keeps the tokens of an answer.
func (p *profile) take(answer object, now time.Time) {
	p.AccessToken = pick(answer, "access_token")
	lifetime, err := time.ParseDuration(pick(answer, "expires_in") + "s")
	if err != nil {
		lifetime = 0
	}
	p.Expires = now.Add(lifetime).UTC()
	if next := pick(answer, "refresh_token"); next != "" {
		p.RefreshToken = next
	}
}

// signInError is a refusal of the token endpoint.
type signInError struct{ code, description string }

// Error gives the server's sentence.
func (e *signInError) Error() string {
	if e.description == "" {
		return "signing in was refused (" + printable(e.code) + ")"
	}
	return printable(e.description + " (" + e.code + ")")
}

// postForm calls one of the sign-in endpoints.
func postForm(ctx context.Context, on *http.Client, base *url.URL, path string, form url.Values) (object, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "dockbell/"+version)
	resp, err := on.Do(req)
	if err != nil {
		return nil, unreachable(base, err)
	}
	defer resp.Body.Close()
	text, err := readAnswer(resp)
	if err != nil {
		return nil, fmt.Errorf("the answer of %s broke off: %w", base, err)
	}
	answer, err := decodeObject(text)
	if code := pick(answer, "error"); code != "" && err == nil && resp.StatusCode >= 400 {
		if inner, ok := answer["error"].(object); ok {
			return nil, &signInError{pick(inner, "code"), pick(inner, "message")}
		}
		return nil, &signInError{code, pick(answer, "error_description")}
	}
	if resp.StatusCode != http.StatusOK || err != nil {
		return nil, refusal(base, resp, text)
	}
	return answer, nil
}
