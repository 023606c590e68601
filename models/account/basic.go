package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"regexp"
	"sync"
	"time"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

var guidRule = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\z`)

// IsClientID reports whether an id has the form of client ids.
func IsClientID(id string) bool { return guidRule.MatchString(id) }

// Authenticate proves who sends HTTP Basic credentials: a user with a password, or a token with client id and secret.
// A docker push sends the same ones dozens of times, so a password that was right is remembered for a short while.
func (s *Service) Authenticate(ctx context.Context, name, password string) (Principal, error) {
	if guidRule.MatchString(name) {
		return s.client(ctx, name, password)
	}
	if p, ok, err := s.admin(ctx, name, password); ok || err != nil {
		return p, err
	}
	u, err := s.Users.UserByName(ctx, name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Principal{}, err
	}
	if u.PHC != "" && s.proven.has(u, password, s.Now()) {
		return u.Principal(), nil
	}
	ok, err := s.Hasher.Matches(ctx, u.PHC, password)
	if err != nil {
		return Principal{}, err
	}
	if !ok {
		return Principal{}, wrong()
	}
	s.proven.add(u, password, s.Now())
	return u.Principal(), nil
}

func (s *Service) client(ctx context.Context, clientID, secret string) (Principal, error) {
	t, err := s.Tokens.TokenByClientID(ctx, clientID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Principal{}, err
	}
	if !t.Holds(secret) {
		return Principal{}, fault.New(fault.Unauthenticated, "That client id and secret don’t match.")
	}
	s.touch(ctx, t)
	return t.Principal(), nil
}

// admin proves the admin user of a registry, who pushes to it and pulls from it; false when the name or the password is not its.
func (s *Service) admin(ctx context.Context, name, password string) (Principal, bool, error) {
	asked, err := registry.ParseName(name)
	if s.Admins == nil || err != nil {
		return Principal{}, false, nil //nolint:nilerr // what is no registry's name may be a user's
	}
	r, keys, err := s.Admins.AdminUser(ctx, asked)
	if fault.Is(err, fault.NotFound) {
		return Principal{}, false, nil
	}
	if err != nil {
		return Principal{}, false, err
	}
	p := Principal{Kind: KindToken, ID: "admin:" + r.ID, Name: string(r.Name), Role: Contributor, Registry: r.Name}
	return p, keys.Hold(password), nil
}

// Bounds of what is remembered.
const (
	proofAge = 5 * time.Minute
	proofMax = 1024
)

// proofs remembers which passwords were right, as keyed hashes. The user's own hash is part of the key: a changed
// password or a deleted user is forgotten by itself.
type proofs struct {
	mu    sync.Mutex
	key   []byte
	until map[[sha256.Size]byte]time.Time
}

func (p *proofs) mark(u User, password string) [sha256.Size]byte {
	if p.key == nil {
		p.key = make([]byte, 32)
		rand.Read(p.key) // never fails: crypto/rand ends the program instead
		p.until = map[[sha256.Size]byte]time.Time{}
	}
	mac := hmac.New(sha256.New, p.key)
	for _, part := range []string{u.ID, u.PHC, password} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

func (p *proofs) has(u User, password string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until[p.mark(u, password)].After(now)
}

func (p *proofs) add(u User, password string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mark := p.mark(u, password)
	if len(p.until) >= proofMax {
		for m, until := range p.until {
			if !until.After(now) {
				delete(p.until, m)
			}
		}
	}
	if len(p.until) >= proofMax {
		clear(p.until) // all of them young: forgetting costs one hash each, growing would cost memory
	}
	p.until[mark] = now.Add(proofAge)
}
