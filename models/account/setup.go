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

// setupKey is the setting that holds the set-up codes, each on a line: "<hash> <expiry>"; setupUsed stands in their place
// once one was used.
const (
	setupKey   = "setup.code"
	setupUsed  = "used"
	setupValid = 24 * time.Hour
	setupCodes = 16 // that are valid at once
)

// NeedsSetup reports whether nobody has an account yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	n, err := s.Users.CountUsers(ctx)
	return n == 0, err
}

// NewSetupCode makes the one-time code of the set-up link, valid for 24 hours or until another one was used: each of several
// servers that start together prints its own. Conflict when set-up is done.
func (s *Service) NewSetupCode(ctx context.Context) (string, error) {
	needed, err := s.NeedsSetup(ctx)
	if err != nil {
		return "", err
	}
	if !needed {
		return "", fault.New(fault.Conflict, "Set-up is done: there is an owner already.")
	}
	code := newSecret("")
	return code, s.alone(ctx, func(ctx context.Context) error {
		stored, err := s.Settings.Setting(ctx, setupKey)
		if err != nil {
			return err
		}
		codes := []string{hex.EncodeToString(HashSecret(code)) + " " + s.Now().Add(setupValid).UTC().Format(time.RFC3339)}
		for _, line := range strings.Split(stored, "\n") {
			if _, until, _ := strings.Cut(line, " "); len(codes) < setupCodes && !s.past(until) {
				codes = append(codes, line)
			}
		}
		return s.Settings.PutSetting(ctx, setupKey, strings.Join(codes, "\n"))
	})
}

// past reports whether a moment is over, or is none.
func (s *Service) past(text string) bool {
	at, err := time.Parse(time.RFC3339, text)
	return err != nil || !s.Now().Before(at)
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
	given := hex.EncodeToString(HashSecret(strings.TrimSpace(code)))
	for _, line := range strings.Split(stored, "\n") {
		hash, until, _ := strings.Cut(line, " ")
		switch {
		case subtle.ConstantTimeCompare([]byte(hash), []byte(given)) != 1:
		case s.past(until):
			return fault.In("code", "This set-up code is older than 24 hours. Start the server again: it prints a new link.")
		default:
			return nil
		}
	}
	return fault.In("code", "This is not the set-up code of this server. It stands in the link that the server printed when it started.")
}

// CreateOwner uses up the set-up code and makes the first owner.
func (s *Service) CreateOwner(ctx context.Context, code string, d UserDraft) (User, error) {
	var u User
	err := s.alone(ctx, func(ctx context.Context) error {
		if err := s.CheckSetupCode(ctx, code); err != nil {
			return err
		}
		d.Role = string(Owner)
		by := audit.Actor{Kind: string(KindUser), Name: d.Name, Client: "set-up"} // nobody else could have done it
		var err error
		if u, err = s.CreateUser(audit.By(ctx, by), d); err != nil {
			return err
		}
		return s.Settings.PutSetting(ctx, setupKey, setupUsed)
	})
	return u, err
}

// alone runs fn while nobody else changes a user or the set-up code, in this process or, where Turns says so, in any.
func (s *Service) alone(ctx context.Context, fn func(context.Context) error) error {
	s.owners.Lock()
	defer s.owners.Unlock()
	if s.Turns == nil {
		return fn(ctx)
	}
	return s.Turns.Alone(ctx, "accounts", fn)
}
