package registry

import (
	"context"
	"crypto/subtle"

	"dockbell/models/audit"
	"dockbell/models/fault"
)

// AccessKeys are the two passwords of a registry's admin user, whose name is the registry's. There are two so that one can
// be renewed while programs still use the other.
type AccessKeys [2]string

// Hold reports whether password is one of the two, in constant time.
func (k AccessKeys) Hold(password string) bool {
	held := 0
	for _, key := range k {
		if key != "" {
			held |= subtle.ConstantTimeCompare([]byte(key), []byte(password))
		}
	}
	return held == 1
}

// Keys is the memory of access keys that Service needs.
type Keys interface {
	KeepAccessKeys(ctx context.Context, registryID string, k AccessKeys) (AccessKeys, error) // stores k unless there are some, and gives what is there
	RenewAccessKey(ctx context.Context, registryID string, which int, key string) error
	AddAudit(ctx context.Context) error // records what ctx notes, without another change
}

// AccessKeys gives the passwords of a registry's admin user; they are made the first time. Invalid while the user is off. That
// somebody read them is recorded.
func (s *Service) AccessKeys(ctx context.Context, name Name) (Registry, AccessKeys, error) {
	r, k, err := s.accessKeys(ctx, name)
	if err != nil {
		return r, AccessKeys{}, err
	}
	return r, k, s.Keys.AddAudit(r.noted(ctx, "registry.listCredentials", nil))
}

func (s *Service) accessKeys(ctx context.Context, name Name) (Registry, AccessKeys, error) {
	r, err := s.Store.Registry(ctx, name)
	if err != nil {
		return r, AccessKeys{}, err
	}
	if !r.AdminUser {
		return r, AccessKeys{}, fault.In("adminUserEnabled", "The admin user of %s is off, so it has no credentials. Switch it on first.", r.Name)
	}
	k, err := s.Keys.KeepAccessKeys(ctx, r.ID, AccessKeys{NewSecret(), NewSecret()})
	return r, k, err
}

// RenewAccessKey gives the admin user a new password in place of the first (0) or the second (1).
func (s *Service) RenewAccessKey(ctx context.Context, name Name, which int) (Registry, AccessKeys, error) {
	r, k, err := s.accessKeys(ctx, name)
	if err != nil {
		return r, k, err
	}
	k[which] = NewSecret()
	renewed := []audit.Change{{Field: []string{"password", "password2"}[which], From: "******", To: "another ******"}}
	return r, k, s.Keys.RenewAccessKey(r.noted(ctx, "registry.regenerateCredential", renewed), r.ID, which, k[which])
}
