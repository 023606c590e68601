package account

import (
	"context"
	"time"

	"dockbell/models/fault"
)

// SignIns gives tokens to clients that act for people and programs: Azure's way of signing in. It proves Bearers of both
// kinds, so every door that asks it takes them.
type SignIns struct {
	*Service
	Grants Grants
	Codes  Codes
	Key    []byte // the installation's key; what signs tokens is derived from it
	Tenant string // GUID
}

// Signed is what a client gets.
type Signed struct {
	Access  string
	Expires time.Time // of the access token
	Refresh string    // for people
	ID      string    // for people: who they are
}

// Asking is a request for tokens: which client asks, and how it knows this installation.
type Asking struct {
	Asker
	Issuer   string
	Audience string
	nonce    string // of the page that a person said yes on
}

// Bearer proves an access token, or the Bearer of a program.
func (s *SignIns) Bearer(ctx context.Context, token string) (Principal, error) {
	if !looksLikeJWT(token) {
		return s.Service.Bearer(ctx, token)
	}
	c, err := sealFor(s.Key, forAccess).read(token, s.Now())
	if err != nil {
		return Principal{}, fault.New(fault.Unauthenticated, "The access token is not one of this Dockbell, or it has expired. Sign in again.").Because(err)
	}
	g, err := s.Grants.Grant(ctx, c.Grant)
	if fault.Is(err, fault.NotFound) {
		return Principal{}, ended()
	}
	if err != nil {
		return Principal{}, err
	}
	p, err := s.principal(ctx, g)
	if err != nil {
		return Principal{}, err
	}
	s.note(ctx, g)
	return p, nil
}

func ended() *fault.Error {
	return refused("invalid_grant", "This sign-in has ended: it was revoked, or the password changed. Sign in again.")
}

// principal gives who a grant stands for, with the role they have now.
func (s *SignIns) principal(ctx context.Context, g Grant) (Principal, error) {
	var p Principal
	var stamp string
	var err error
	if g.Kind == KindUser {
		var u User
		u, err = s.Users.User(ctx, g.Subject)
		p, stamp = u.Principal(), u.stamp()
	} else {
		var t Token
		t, err = s.Tokens.TokenByClientID(ctx, g.Subject)
		p, stamp = t.Principal(), t.stamp()
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return Principal{}, ended()
	case err != nil:
		return Principal{}, err
	case stamp != g.Stamp || !s.Now().Before(g.Expires):
		return Principal{}, ended()
	}
	return p, nil
}

// note remembers, once an hour, that a grant is used. It is a note for people: without it the request goes on.
func (s *SignIns) note(ctx context.Context, g Grant) {
	now := s.Now()
	if now.Sub(g.Used) < touched {
		return
	}
	_ = s.Grants.ChangeGrant(ctx, g.ID, func(g *Grant) error {
		g.Used = now
		return nil
	})
}

// Begin gives tokens to a client that proved who it acts for by a password or secret.
func (s *SignIns) Begin(ctx context.Context, p Principal, by Method, r Asking) (Signed, error) {
	if p.Kind == KindUser {
		u, err := s.Users.User(ctx, p.ID)
		if err != nil {
			return Signed{}, err
		}
		return s.beginUser(ctx, u, s.NewID(), by, r)
	}
	t, err := s.Tokens.TokenByClientID(ctx, p.ID)
	if fault.Is(err, fault.NotFound) {
		return Signed{}, refused("invalid_client", "Sign in with a client id and its secret, as dockbell token create makes them.")
	}
	if err != nil {
		return Signed{}, err
	}
	g, err := s.programGrant(ctx, t, by, r.Asker)
	if err != nil {
		return Signed{}, err
	}
	return s.sign(g, r), nil
}

func (s *SignIns) beginUser(ctx context.Context, u User, id string, by Method, r Asking) (Signed, error) {
	now := s.Now()
	g := Grant{
		ID: id, Kind: KindUser, Subject: u.ID, Name: u.Name, Method: by, Asker: r.Asker, Stamp: u.stamp(),
		Generation: 1, Rotated: now, Created: now, Used: now, Expires: now.Add(refreshAge),
	}
	if err := s.Grants.AddGrant(ctx, g); err != nil {
		return Signed{}, err
	}
	return s.sign(g, r), nil
}

// programGrant gives the grant of a program, the one it has or a new one: programs ask for a token with every command.
func (s *SignIns) programGrant(ctx context.Context, t Token, by Method, asker Asker) (Grant, error) {
	have, err := s.Grants.Grants(ctx, t.ClientID)
	if err != nil {
		return Grant{}, err
	}
	now := s.Now()
	for _, g := range have {
		if g.Method != by || g.Stamp != t.stamp() || !now.Before(g.Expires) {
			continue
		}
		if now.Sub(g.Used) < touched && g.Expires.Sub(now) > 2*AccessAge {
			return g, nil
		}
		err := s.Grants.ChangeGrant(ctx, g.ID, func(g *Grant) error {
			g.Used, g.Expires, g.Asker = now, now.Add(programAge), asker
			return nil
		})
		if !fault.Is(err, fault.NotFound) {
			return g, err
		}
	}
	g := Grant{
		ID: s.NewID(), Kind: KindToken, Subject: t.ClientID, Name: t.Name, Method: by, Asker: asker, Stamp: t.stamp(),
		Created: now, Used: now, Expires: now.Add(programAge),
	}
	return g, s.Grants.AddGrant(ctx, g)
}

// sign writes the tokens of a grant.
func (s *SignIns) sign(g Grant, r Asking) Signed {
	now := s.Now()
	c := claims{
		Issuer: r.Issuer, Audience: r.Audience, Subject: g.Subject, Object: g.Subject, Tenant: s.Tenant, Issued: now.Unix(),
		NotBefore: now.Unix(), Expires: now.Add(AccessAge).Unix(), Version: "1.0", Grant: g.ID, App: r.Client, Kind: "app", Name: g.Name,
	}
	if g.Kind == KindUser {
		c.Kind, c.UPN, c.Preferred = "user", g.Name, g.Name
	}
	made := Signed{Access: sealFor(s.Key, forAccess).write(c), Expires: time.Unix(c.Expires, 0)}
	if g.Kind == KindUser {
		made.Refresh = s.refreshToken(g)
		c.Audience, c.Nonce, c.Grant, c.App = r.Client, r.nonce, "", ""
		made.ID = sealFor(s.Key, forID).write(c)
	}
	return made
}

// Refresh gives new tokens for a refresh token, which ends with it. One that was used before is a copy in somebody else's
// hands: the whole sign-in ends. Only a client that runs twice at the same moment gets the same successor again.
func (s *SignIns) Refresh(ctx context.Context, token string, r Asking) (Signed, error) {
	id, generation, err := s.openRefresh(token)
	if err != nil {
		return Signed{}, err
	}
	now := s.Now()
	var g Grant
	stolen := false
	err = s.Grants.ChangeGrant(ctx, id, func(have *Grant) error {
		stolen = false
		switch again := have.Generation == generation+1 && now.Sub(have.Rotated) < replayed && have.Asker.Addr == r.Addr; {
		case have.Asker.Client != r.Client:
			return refused("invalid_grant", "This refresh token was given to another client. Sign in again.")
		case !now.Before(have.Expires):
			return ended()
		case have.Generation == generation:
			have.Generation++
			have.Rotated, have.Used, have.Expires = now, now, now.Add(refreshAge)
			have.Asker = r.Asker
		case !again:
			stolen = true
		}
		g = *have
		return nil
	})
	if fault.Is(err, fault.NotFound) {
		return Signed{}, ended()
	}
	if err != nil {
		return Signed{}, err
	}
	if stolen {
		return Signed{}, s.end(ctx, id, refused("invalid_grant", "This refresh token was used before. Its sign-in has ended, for the case that somebody copied it: sign in again."))
	}
	if _, err := s.principal(ctx, g); err != nil {
		return Signed{}, err
	}
	return s.sign(g, r), nil
}

// end deletes a grant and gives why; what is gone already has ended too.
func (s *SignIns) end(ctx context.Context, id string, why error) error {
	if err := s.Grants.DeleteGrant(ctx, id); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return why
}

// redeem turns a person's yes into tokens.
func (s *SignIns) redeem(ctx context.Context, c Code, grant string, r Asking) (Signed, error) {
	u, err := s.Users.User(ctx, c.User)
	if fault.Is(err, fault.NotFound) {
		return Signed{}, ended()
	}
	if err != nil {
		return Signed{}, err
	}
	r.nonce = c.Nonce
	return s.beginUser(ctx, u, grant, c.Method, r)
}

// List gives the sign-ins of one subject, or all for "", that are good now; newest first.
func (s *SignIns) List(ctx context.Context, subject string) ([]Grant, error) {
	all, err := s.Grants.Grants(ctx, subject)
	if err != nil {
		return nil, err
	}
	var good []Grant
	for _, g := range all {
		if s.Now().Before(g.Expires) {
			good = append(good, g)
		}
	}
	return good, nil
}

// Revoke ends a sign-in at once; subject, unless empty, is whose it must be.
func (s *SignIns) Revoke(ctx context.Context, id, subject string) (Grant, error) {
	g, err := s.Grants.Grant(ctx, id)
	if err == nil && subject != "" && g.Subject != subject {
		err = fault.New(fault.NotFound, "not theirs")
	}
	if fault.Is(err, fault.NotFound) {
		f := fault.New(fault.NotFound, "There is no such sign-in, or not any more.").Because(err)
		f.Field = "sign-in"
		return g, f
	}
	if err != nil {
		return g, err
	}
	return g, s.end(noted(ctx, "signIn.revoke", g.Name), id, nil)
}
