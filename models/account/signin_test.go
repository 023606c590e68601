package account_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

const (
	word     = "four words of a quay"
	cli      = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	tenant   = "0b1e2c3d-0000-4000-8000-000000000001"
	verifier = "a-verifier-of-forty-three-signs-or-more-than-that"
)

// desk is where people and programs sign in, on a real database, with a clock that a test moves.
type desk struct {
	*account.SignIns
	t   *testing.T
	now time.Time
	mei account.User
}

// eachDesk runs a test on every database there is.
func eachDesk(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		d := &desk{t: t, now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
		now := func() time.Time { return d.now }
		db := storetest.OpenWith(t, store.Options{DSN: dsn, Now: now})
		accounts := &account.Service{Users: db, Tokens: db, Settings: db, Hasher: account.NewHasher(), Now: now, NewID: uuid.NewString}
		d.SignIns = &account.SignIns{Service: accounts, Grants: db, Codes: db, Key: storetest.Key, Tenant: tenant}
		var err error
		d.mei, err = accounts.CreateUser(t.Context(), account.UserDraft{Name: "mei.lin", Password: word, Role: "owner"})
		d.must(err)
		test(t, d)
	})
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// refused wants OAuth's name of a refusal.
func (d *desk) refused(what string, err error, name string) {
	d.t.Helper()
	all := fault.All(err)
	if len(all) == 0 || all[0].Field != name || all[0].Message == "" {
		d.t.Errorf("%s: %v, want it refused as %s", what, err, name)
	}
}

// asking is a client on one machine.
func asking(addr string) account.Asking {
	return account.Asking{Asker: account.Asker{Client: cli, Agent: "test", Addr: addr}, Issuer: "https://dock/adfs", Audience: "https://dock/"}
}

var here = asking("192.0.2.7")

func (d *desk) signedIn() account.Signed {
	d.t.Helper()
	signed, err := d.Begin(d.t.Context(), d.mei.Principal(), account.ByPassword, here)
	d.must(err)
	return signed
}

func (d *desk) opens(what, token string, want bool) {
	d.t.Helper()
	p, err := d.Bearer(d.t.Context(), token)
	if (err == nil) != want || want && p.Name == "" {
		d.t.Errorf("%s: %+v, %v", what, p, err)
	}
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		d.t.Errorf("%s: %v is no refusal to sign in", what, err)
	}
}

// said reads the claims of a token as clients do: without a look at the signature.
func said(t *testing.T, token string) map[string]any {
	t.Helper()
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(body, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTokensOfAPerson(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		signed := d.signedIn()
		d.opens("the access token", signed.Access, true)
		id := said(t, signed.ID)
		for name, want := range map[string]any{"aud": cli, "tid": tenant, "preferred_username": "mei.lin", "upn": "mei.lin", "exp": float64(d.now.Add(time.Hour).Unix())} {
			if id[name] != want {
				t.Errorf("the id token says %s=%v, not %v", name, id[name], want)
			}
		}
		for what, token := range map[string]string{
			"the id token": signed.ID, "the refresh token": signed.Refresh, "a token without a signature": signed.Access[:strings.LastIndex(signed.Access, ".")+1],
			"another signature": signed.Access[:len(signed.Access)-2] + "AA", "nothing": "", "dots": "..", "another algorithm": swapped(signed.Access),
		} {
			d.opens(what, token, false)
		}
		d.now = d.now.Add(time.Hour - time.Second)
		d.opens("just before its end", signed.Access, true)
		d.now = d.now.Add(time.Second)
		d.opens("at its end", signed.Access, false)
	})
}

// swapped is a token whose header says that it needs no signature.
func swapped(token string) string {
	parts := strings.Split(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."
}

// TestTokensOfAnotherInstallation: what was signed with another key opens nothing, whatever it says.
func TestTokensOfAnotherInstallation(t *testing.T) {
	eachDesk(t, func(_ *testing.T, d *desk) {
		signed := d.signedIn()
		d.Key = []byte("another key of thirty-two bytes.")
		d.opens("a foreign access token", signed.Access, false)
		_, err := d.Refresh(d.t.Context(), signed.Refresh, here)
		d.refused("a foreign refresh token", err, "invalid_grant")
	})
}

func TestWhatEndsASignIn(t *testing.T) {
	for name, end := range map[string]func(d *desk){
		"revoked": func(d *desk) {
			all, err := d.List(d.t.Context(), d.mei.ID)
			d.must(err)
			_, err = d.Revoke(d.t.Context(), all[0].ID, d.mei.ID)
			d.must(err)
		},
		"a new password": func(d *desk) {
			_, err := d.SetPassword(d.t.Context(), d.mei.ID, "five quite other words here")
			d.must(err)
		},
		"the user is gone": func(d *desk) {
			_, err := d.CreateUser(d.t.Context(), account.UserDraft{Name: "ben", Password: word, Role: "owner"})
			d.must(err)
			d.must(d.DeleteUser(d.t.Context(), d.mei.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachDesk(t, func(_ *testing.T, d *desk) {
				signed := d.signedIn()
				d.opens("before", signed.Access, true)
				end(d)
				d.opens("after", signed.Access, false)
				_, err := d.Refresh(d.t.Context(), signed.Refresh, here)
				d.refused("the refresh token", err, "invalid_grant")
			})
		})
	}
}

// TestARoleCountsAtOnce: a token carries no role; the user has it.
func TestARoleCountsAtOnce(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		ben, err := d.CreateUser(t.Context(), account.UserDraft{Name: "ben", Password: word, Role: "owner"})
		d.must(err)
		signed, err := d.Begin(t.Context(), ben.Principal(), account.ByPassword, here)
		d.must(err)
		_, err = d.SetRole(t.Context(), ben.ID, "reader")
		d.must(err)
		if p, err := d.Bearer(t.Context(), signed.Access); err != nil || p.Role != account.Reader {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestRefresh(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		first := d.signedIn()
		d.now = d.now.Add(2 * time.Hour)
		second, err := d.Refresh(t.Context(), first.Refresh, here)
		d.must(err)
		if second.Refresh == first.Refresh {
			t.Error("the refresh token does not change")
		}
		d.opens("the new access token", second.Access, true)
		d.now = d.now.Add(5 * time.Second)
		again, err := d.Refresh(t.Context(), first.Refresh, here)
		if err != nil || again.Refresh != second.Refresh {
			t.Errorf("a client that runs twice at the same moment: %v", err)
		}
		foreign := here
		foreign.Client = "another"
		_, err = d.Refresh(t.Context(), second.Refresh, foreign)
		d.refused("another client", err, "invalid_grant")
		third, err := d.Refresh(t.Context(), second.Refresh, here)
		d.must(err)
		d.now = d.now.Add(89 * 24 * time.Hour)
		fourth, err := d.Refresh(t.Context(), third.Refresh, here)
		d.must(err)
		d.now = d.now.Add(91 * 24 * time.Hour)
		_, err = d.Refresh(t.Context(), fourth.Refresh, here)
		d.refused("a refresh token that lay for three months", err, "invalid_grant")
		for _, bad := range []string{"", "dkr_", "dkr_x.1.y", strings.Replace(fourth.Refresh, ".4.", ".5.", 1), fourth.Access} {
			_, err = d.Refresh(t.Context(), bad, here)
			d.refused(bad, err, "invalid_grant")
		}
	})
}

// TestACopiedRefreshToken: a token that is used a second time ends everything that came of its sign-in.
func TestACopiedRefreshToken(t *testing.T) {
	for name, again := range map[string]struct {
		after time.Duration
		from  account.Asking
	}{"later": {11 * time.Second, here}, "from elsewhere": {time.Second, asking("198.51.100.9")}} {
		t.Run(name, func(t *testing.T) {
			eachDesk(t, func(t *testing.T, d *desk) {
				other := d.signedIn()
				first := d.signedIn()
				second, err := d.Refresh(t.Context(), first.Refresh, here)
				d.must(err)
				d.now = d.now.Add(again.after)
				_, err = d.Refresh(t.Context(), first.Refresh, again.from)
				d.refused("the copy", err, "invalid_grant")
				d.opens("an access token of the family", second.Access, false)
				_, err = d.Refresh(t.Context(), second.Refresh, here)
				d.refused("its newest refresh token", err, "invalid_grant")
				d.opens("another sign-in of the same person", other.Access, true)
			})
		})
	}
}

func TestPrograms(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		made, err := d.IssueToken(t.Context(), account.TokenDraft{Name: "ci", Role: "contributor", Registry: "acme1"}, "mei.lin")
		d.must(err)
		var last account.Signed
		for range 5 {
			last, err = d.Begin(t.Context(), made.Token.Principal(), account.BySecret, here)
			d.must(err)
			d.now = d.now.Add(20 * time.Minute)
		}
		if last.Refresh != "" || last.ID != "" {
			t.Error("a program gets tokens of a person")
		}
		if p, err := d.Bearer(t.Context(), last.Access); err != nil || p.Kind != account.KindToken || p.Role != account.Contributor || p.Registry != "acme1" || p.ID != made.Token.ClientID {
			t.Errorf("%+v, %v", p, err)
		}
		all, err := d.List(t.Context(), made.Token.ClientID)
		if err != nil || len(all) != 1 {
			t.Errorf("five tokens of one program are %d sign-ins, %v", len(all), err)
		}
		_, err = d.Revoke(t.Context(), all[0].ID, "")
		d.must(err)
		d.opens("after Revoke", last.Access, false)
		last, err = d.Begin(t.Context(), made.Token.Principal(), account.BySecret, here)
		d.must(err)
		d.opens("a new one", last.Access, true)
		d.opens("the Bearer of the token itself", made.Bearer, true)
		d.must(d.RevokeToken(t.Context(), made.Token.ClientID))
		d.opens("after its API token is gone", last.Access, false)
		d.opens("the Bearer of a token that is gone", made.Bearer, false)
	})
}

func TestRevokeOfSomebodyElse(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		signed := d.signedIn()
		all, err := d.List(t.Context(), "")
		d.must(err)
		if _, err := d.Revoke(t.Context(), all[0].ID, "somebody else"); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else: %v", err)
		}
		if _, err := d.Revoke(t.Context(), "no such", ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("an unknown one: %v", err)
		}
		d.opens("afterwards", signed.Access, true)
	})
}

func TestDeviceCode(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		dev, err := d.StartDevice(ctx, here.Asker)
		d.must(err)
		poll := func() (account.Signed, error) {
			d.now = d.now.Add(5 * time.Second)
			return d.PollDevice(ctx, dev.Code, here)
		}
		_, err = poll()
		d.refused("before an answer", err, "authorization_pending")
		_, err = d.PollDevice(ctx, dev.Code, here)
		d.refused("at once again", err, "slow_down")
		_, err = poll()
		d.refused("still too soon", err, "slow_down")
		d.now = d.now.Add(15 * time.Second)
		_, err = d.PollDevice(ctx, dev.Code, asking("198.51.100.9"))
		d.refused("from another address", err, "authorization_pending")
		typed := strings.ToLower(strings.ReplaceAll(dev.UserCode, "-", " "))
		c, err := d.DeviceRequest(ctx, typed)
		if err != nil || c.Asker != here.Asker {
			t.Fatalf("typed as %q: %+v, %v", typed, c, err)
		}
		_, err = d.AnswerDevice(ctx, typed, d.mei.ID, true)
		d.must(err)
		_, err = d.AnswerDevice(ctx, typed, "somebody else", true)
		d.refused("a second answer", err, "code")
		d.now = d.now.Add(30 * time.Second)
		other := here
		other.Client = "another"
		_, err = d.PollDevice(ctx, dev.Code, other)
		d.refused("another client", err, "invalid_grant")
		d.now = d.now.Add(30 * time.Second)
		signed, err := poll()
		d.must(err)
		d.opens("the token", signed.Access, true)
		if said(t, signed.ID)["preferred_username"] != "mei.lin" {
			t.Error("the token is for somebody else")
		}
		_, err = poll()
		d.refused("once more", err, "invalid_grant")
		_, err = d.PollDevice(ctx, "unknown", here)
		d.refused("an unknown device code", err, "invalid_grant")
	})
}

func TestDeviceCodesThatComeToNothing(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		denied, err := d.StartDevice(ctx, here.Asker)
		d.must(err)
		_, err = d.AnswerDevice(ctx, denied.UserCode, d.mei.ID, false)
		d.must(err)
		_, err = d.PollDevice(ctx, denied.Code, here)
		d.refused("after No", err, "access_denied")
		late, err := d.StartDevice(ctx, here.Asker)
		d.must(err)
		d.now = d.now.Add(15 * time.Minute)
		_, err = d.DeviceRequest(ctx, late.UserCode)
		d.refused("the page after 15 minutes", err, "code")
		_, err = d.PollDevice(ctx, late.Code, here)
		d.refused("the client after 15 minutes", err, "expired_token")
		d.now = d.now.Add(2 * time.Hour)
		_, err = d.StartDevice(ctx, here.Asker)
		d.must(err)
		_, err = d.PollDevice(ctx, late.Code, here)
		d.refused("hours later", err, "invalid_grant")
		for _, typed := range []string{"", "AAAA-AAAA", "BCDF", "BCDF-GHJKL", "BCDF-GHJ\x00", strings.Repeat("B", 1000)} {
			_, err = d.DeviceRequest(ctx, typed)
			d.refused(typed, err, "code")
		}
		for _, client := range []string{"", "a b", "-x", strings.Repeat("a", 65), "x\n"} {
			_, err = d.StartDevice(ctx, account.Asker{Client: client})
			d.refused(client, err, "invalid_request")
		}
	})
}

// TestRequestsThatNobodyAnswers: one address cannot fill the table.
func TestRequestsThatNobodyAnswers(t *testing.T) {
	eachDesk(t, func(t *testing.T, d *desk) {
		var err error
		n := 0
		for ; err == nil && n < 200; n++ {
			_, err = d.StartDevice(t.Context(), here.Asker)
		}
		if !fault.Is(err, fault.LimitReached) || fault.All(err)[0].Wait == 0 || n != 51 {
			t.Errorf("after %d: %v", n, err)
		}
		_, err = d.StartDevice(t.Context(), asking("198.51.100.9").Asker)
		d.must(err)
		d.now = d.now.Add(15 * time.Minute)
		_, err = d.StartDevice(t.Context(), here.Asker)
		d.must(err)
	})
}
