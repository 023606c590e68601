package account

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dockbell/models/fault"
)

func TestCheckPassword(t *testing.T) {
	for _, c := range []struct {
		password string
		ok       bool
	}{
		{"password1", false}, {"dockbell1", false}, {"short", false}, {"", false},
		{"password1234", false}, {"P@ssw0rd2026!!", false}, {"dockbelldockbell", false}, {"admin.password.99", false},
		{"aaaaaaaaaaaaaaaa", false}, {"123456789012", false}, {"mei.lin.2026!", false}, {"qwertyuiop123", false},
		{"correct horse battery", true}, {"密碼是很長的一句話不是嗎對吧", true}, {"xK9#vR2$mQ7w", true},
		{strings.Repeat("long and wordy ", 68), true}, {strings.Repeat("long and wordy ", 69), false},
		{"valid text until\xff here", false},
	} {
		err := CheckPassword(c.password, "mei.lin")
		if (err == nil) != c.ok {
			t.Errorf("%q: %v, want ok %v", c.password, err, c.ok)
		}
		if err != nil && fault.All(err)[0].Field != "password" {
			t.Errorf("%q: fault at %q", c.password, fault.All(err)[0].Field)
		}
	}
}

func TestHashesArePHCAndMatchOnlyTheirPassword(t *testing.T) {
	h := NewHasher()
	phc, err := h.Hash(t.Context(), good)
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q, %v", phc, err)
	}
	for password, want := range map[string]bool{good: true, good + " ": false, "": false} {
		if ok, err := h.Matches(t.Context(), phc, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", password, ok, err, want)
		}
	}
	if ok, _ := h.Matches(t.Context(), "", ""); ok {
		t.Error("an unknown user matched")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA")
	f.Add("$argon2id$v=19$m=99999999,t=0,p=0$$")
	f.Fuzz(func(t *testing.T, phc string) {
		c, salt, sum, err := decode(phc)
		if err == nil && (c.time == 0 || c.threads == 0 || len(sum) != hashBytes || salt == nil) {
			t.Errorf("%q was read as %+v", phc, c)
		}
	})
}

// TestMemoryOfHashesGoesBack: once for all hashes that came close together, when none has come for a while.
func TestMemoryOfHashesGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var given atomic.Int64
		h := newHasher(func() { given.Add(1) })
		after := func(d time.Duration, want int64) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := given.Load(); got != want {
				t.Fatalf("given back %d times, want %d", got, want)
			}
		}
		hash := func() {
			t.Helper()
			if _, err := h.Hash(t.Context(), "a few unusual words"); err != nil {
				t.Fatal(err)
			}
		}
		after(time.Hour, 0)
		hash()
		after(quiet/2, 0)
		hash()
		after(quiet*3/4, 0)
		after(quiet, 1)
		after(time.Hour, 1)
		hash()
		after(quiet, 2)
	})
}
