package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/store"
	"dockbell/models/store/storetest"
)

var (
	_ account.Users    = (*store.DB)(nil)
	_ account.Tokens   = (*store.DB)(nil)
	_ account.Settings = (*store.DB)(nil)
)

func person(name string) account.User {
	return account.User{ID: uuid.NewString(), Name: name, Role: account.Owner, PHC: "$argon2id$x", Created: noon, Updated: noon}
}

func TestUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		mei, bob := person("Mei.Lin"), person("bob")
		for _, u := range []account.User{mei, bob} {
			if err := db.AddUser(ctx, u); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.AddUser(ctx, person("MEI.LIN")); !fault.Is(err, fault.Conflict) || fault.All(err)[0].Field != "name" {
			t.Errorf("the same name in another case: %v, want a conflict at name", err)
		}
		got, err := db.UserByName(ctx, "mei.LIN")
		if d := cmp.Diff(mei, got); err != nil || d != "" {
			t.Errorf("by name in another case (%v):\n%s", err, d)
		}
		mei.Role, mei.PHC, mei.Updated = account.Reader, "", noon.Add(time.Hour)
		if err := db.UpdateUser(ctx, mei); err != nil {
			t.Fatal(err)
		}
		if got, err = db.User(ctx, mei.ID); err != nil || !cmp.Equal(mei, got) {
			t.Errorf("after an update that cleared the hash (%v):\n%s", err, cmp.Diff(mei, got))
		}
		bob.Name = "mei.lin"
		if err := db.UpdateUser(ctx, bob); !fault.Is(err, fault.Conflict) {
			t.Errorf("renamed to a taken name: %v, want a conflict", err)
		}
		if err := db.DeleteUser(ctx, mei.ID); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"deleted again":            db.DeleteUser(ctx, mei.ID),
			"updated after the delete": db.UpdateUser(ctx, mei),
			"found after the delete":   second(db.User(ctx, mei.ID)),
			"found by name":            second(db.UserByName(ctx, "Mei.Lin")),
			"found by a broken name":   second(db.UserByName(ctx, "\xff\x00")),
		} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v, want not found", what, err)
			}
		}
		all, err := db.Users(ctx)
		n, err2 := db.CountUsers(ctx)
		if err != nil || err2 != nil || n != 1 || len(all) != 1 || all[0].Name != "bob" {
			t.Errorf("%d users, %v (%v, %v), want bob", n, all, err, err2)
		}
	})
}

// second gives the error of a call that gives a value too.
func second[T any](_ T, err error) error { return err }

func TestTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		addRegistry(t, db, acme("acmereg", registry.Premium))
		narrow := account.Token{
			ClientID: uuid.NewString(), Name: "ci", Role: account.Contributor, Registry: "AcmeReg",
			SecretHash: account.HashSecret("s1"), BearerHash: account.HashSecret("b1"), Created: noon, CreatedBy: "mei",
		}
		wide := account.Token{
			ClientID: uuid.NewString(), Name: "Audit", Role: account.Reader,
			SecretHash: account.HashSecret("s2"), BearerHash: account.HashSecret("b2"), Created: noon, CreatedBy: "mei", LastUsed: noon,
		}
		for _, tok := range []account.Token{narrow, wide} {
			if err := db.AddToken(ctx, tok); err != nil {
				t.Fatal(err)
			}
		}
		got, err := db.TokenByBearer(ctx, account.HashSecret("b1"))
		if d := cmp.Diff(narrow, got); err != nil || d != "" {
			t.Errorf("by its Bearer (%v):\n%s", err, d)
		}
		if err := db.TouchToken(ctx, narrow.ClientID, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := db.TouchToken(ctx, narrow.ClientID, noon); err != nil { // a late note of an earlier use
			t.Fatal(err)
		}
		if got, err = db.TokenByClientID(ctx, narrow.ClientID); err != nil || !got.LastUsed.Equal(noon.Add(time.Hour)) {
			t.Errorf("last used %s (%v), want the later of two notes", got.LastUsed, err)
		}
		if all, err := db.Tokens(ctx); err != nil || len(all) != 2 || all[0].Name != "Audit" || !cmp.Equal(all[0], wide) {
			t.Errorf("the list: %v (%v), want Audit first", all, err)
		}
		if err := db.DeleteRegistry(ctx, "acmereg", 0); err != nil {
			t.Fatal(err)
		}
		if _, err := db.TokenByBearer(ctx, account.HashSecret("b1")); !fault.Is(err, fault.NotFound) {
			t.Errorf("a token outlived the registry it was for: %v", err)
		}
		if err := db.DeleteToken(ctx, wide.ClientID); err != nil {
			t.Errorf("the token for every registry went too: %v", err)
		}
		if err := db.DeleteToken(ctx, wide.ClientID); !fault.Is(err, fault.NotFound) {
			t.Errorf("revoked twice: %v, want not found", err)
		}
	})
}

func TestSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, value := range []string{"", "first", "second", ""} {
			if value != "" || stored(t, db, "some.key") {
				if err := db.PutSetting(t.Context(), "some.key", value); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := db.Setting(t.Context(), "some.key"); err != nil || got != value {
				t.Errorf("the setting is %q (%v), want %q", got, err, value)
			}
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	now := noon
	o := store.Options{Now: func() time.Time { return now }}
	storetest.EachWith(t, o, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		now = noon
		put := func(token, data string, expires time.Time) {
			t.Helper()
			if err := db.CommitCtx(ctx, token, []byte(data), expires); err != nil {
				t.Fatal(err)
			}
		}
		want := func(token, data string) {
			t.Helper()
			b, found, err := db.FindCtx(ctx, token)
			if err != nil || found != (data != "") || string(b) != data {
				t.Errorf("session %s is %q, found %v (%v), want %q", token, b, found, err, data)
			}
		}
		put("short", "a\x00\xff", noon.Add(time.Minute))
		put("long", "b", noon.Add(time.Hour))
		put("long", "c", noon.Add(time.Hour))
		want("short", "a\x00\xff")
		want("long", "c")
		want("other", "")
		now = noon.Add(time.Minute)
		want("short", "")
		want("long", "c")
		rows := func() (n int64) {
			if err := db.Read(ctx).Table("sessions").Count(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		put("long", "d", noon.Add(time.Hour))
		if n := rows(); n != 2 {
			t.Errorf("%d sessions are stored a minute after the last sweep, want 2", n)
		}
		now = noon.Add(11 * time.Minute)
		put("long", "e", noon.Add(time.Hour))
		if n := rows(); n != 1 {
			t.Errorf("%d sessions are stored after a sweep, want the one that goes on", n)
		}
		for range 2 {
			if err := db.DeleteCtx(ctx, "long"); err != nil {
				t.Error(err)
			}
			want("long", "")
		}
	})
}
