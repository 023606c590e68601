package account

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
)

// setupKey is the setting that holds the set-up code: "<hash> <expiry>"; setupUsed stands in its place once it was used.
const (
	setupKey   = "setup.code"
	setupUsed  = "used"
	setupValid = 24 * time.Hour
)

// NeedsSetup reports whether nobody has an account yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	n, err := s.Users.CountUsers(ctx)
	return n == 0, err
}

// NewSetupCode makes the one-time code of the set-up link, valid for 24 hours; an older code ends. Conflict when set-up is done.
func (s *Service) NewSetupCode(ctx context.Context) (string, error) {
	needed, err := s.NeedsSetup(ctx)
	if err != nil {
		return "", err
	}
	if !needed {
		return "", fault.New(fault.Conflict, "Set-up is done: there is an owner already.")
	}
	code := newSecret("")
	expires := s.Now().Add(setupValid).UTC().Format(time.RFC3339)
	return code, s.Settings.PutSetting(ctx, setupKey, hex.EncodeToString(HashSecret(code))+" "+expires)
}

// CheckSetupCode says whether a code may be used: Gone once set-up is done, Invalid at field "code" when it is wrong or too old.
func (s *Service) CheckSetupCode(ctx context.Context, code string) error {
	needed, err := s.NeedsSetup(ctx)
	if err != nil {
		return err
	}
	stored, err := s.Settings.Setting(ctx, setupKey)
	if err != nil {
		return err
	}
	if !needed || stored == setupUsed {
		return fault.New(fault.Gone, "This set-up link has been used. Sign in with the owner’s account.")
	}
	hash, until, _ := strings.Cut(stored, " ")
	expires, err := time.Parse(time.RFC3339, until)
	given := hex.EncodeToString(HashSecret(strings.TrimSpace(code)))
	if err != nil || subtle.ConstantTimeCompare([]byte(hash), []byte(given)) != 1 {
		return fault.In("code", "This is not the set-up code of this server. It stands in the link that the server printed when it started.")
	}
	if !s.Now().Before(expires) {
		return fault.In("code", "This set-up code is older than 24 hours. Start the server again: it prints a new link.")
	}
	return nil
}

// CreateOwner uses up the set-up code and makes the first owner.
func (s *Service) CreateOwner(ctx context.Context, code string, d UserDraft) (User, error) {
	s.owners.Lock()
	defer s.owners.Unlock()
	if err := s.CheckSetupCode(ctx, code); err != nil {
		return User{}, err
	}
	d.Role = string(Owner)
	by := audit.Actor{Kind: string(KindUser), Name: d.Name, Client: "set-up"} // nobody else could have done it
	u, err := s.CreateUser(audit.By(ctx, by), d)
	if err != nil {
		return User{}, err
	}
	return u, s.Settings.PutSetting(ctx, setupKey, setupUsed)
}
