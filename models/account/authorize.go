package account

import (
	"context"
	"net/url"

	"dockbell/models/fault"
)

// StartBrowser checks what a client asks of the authorize page and gives the name under which that page asks a person. A
// fault at "redirect_uri" or "client_id" is for the person's eyes alone; with any other the browser goes back to the client.
func (s *SignIns) StartBrowser(ctx context.Context, r BrowserRequest, asker Asker) (request string, err error) {
	if err := r.check(); err != nil {
		return "", err
	}
	now := s.Now()
	request = newSecret("")
	return request, s.Codes.AddCode(ctx, Code{
		ID: codeID(request), Method: ByBrowser, Asker: asker, Redirect: r.Redirect, State: r.State, Challenge: r.Challenge, Nonce: r.Nonce,
		Status: CodeWaiting, Created: now, Expires: now.Add(requestAge),
	}, maxWaiting)
}

// BrowserRequest gives what a request of the authorize page asks for; NotFound when it is too old or answered.
func (s *SignIns) BrowserRequest(ctx context.Context, request string) (Code, error) {
	over := fault.New(fault.NotFound, "This sign-in is over: it was answered, or it is older than 15 minutes. Start it again in the program that wants it.")
	over.Field = "request"
	c, err := s.Codes.Code(ctx, codeID(request))
	switch {
	case fault.Is(err, fault.NotFound):
		return Code{}, over
	case err != nil:
		return Code{}, err
	case c.Method != ByBrowser || c.Status != CodeWaiting || !s.Now().Before(c.Expires):
		return Code{}, over
	}
	return c, nil
}

// AnswerBrowser lets the client of a request act for a person, or not, and gives the address that tells it.
func (s *SignIns) AnswerBrowser(ctx context.Context, request, user string, yes bool) (back string, err error) {
	c, err := s.BrowserRequest(ctx, request)
	if err != nil {
		return "", err
	}
	code := newSecret("")
	until := s.Now().Add(codeAge)
	err = s.Codes.ChangeCode(ctx, c.ID, func(c *Code) error {
		if err := c.answer(user, yes); err != nil {
			return err
		}
		c.ID, c.Expires = codeID(code), until
		return nil
	})
	if err != nil {
		return "", err
	}
	if !yes {
		return c.BackTo(url.Values{"error": {"access_denied"}, "error_description": {"The sign-in was refused."}}), nil
	}
	return c.BackTo(url.Values{"code": {code}}), nil
}

// Redeem gives tokens for an authorization code, once. A second try ends what came of the first: one of the two is a thief.
func (s *SignIns) Redeem(ctx context.Context, code, redirect, verifier string, r Asking) (Signed, error) {
	grant, now := s.NewID(), s.Now()
	var was Code
	err := s.Codes.ChangeCode(ctx, codeID(code), func(c *Code) error {
		was = *c
		if c.Method == ByBrowser && c.Status == CodeApproved {
			c.Status, c.Grant = CodeUsed, grant
		}
		return nil
	})
	bad := refused("invalid_grant", "This authorization code is wrong, was used before or has expired. Sign in again.")
	if fault.Is(err, fault.NotFound) {
		return Signed{}, bad
	}
	if err != nil {
		return Signed{}, err
	}
	switch {
	case was.Status == CodeUsed:
		return Signed{}, s.end(ctx, was.Grant, bad)
	case was.Method != ByBrowser || was.Status != CodeApproved || !now.Before(was.Expires):
		return Signed{}, bad
	case was.Asker.Client != r.Client || was.Redirect != redirect || !was.proves(verifier):
		return Signed{}, refused("invalid_grant", "The client, the redirect or the code_verifier is not the one of the request. The code has ended: sign in again.")
	}
	return s.redeem(ctx, was, grant, r)
}
