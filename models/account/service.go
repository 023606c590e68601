package account

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Users is what the service needs to keep people.
type Users interface {
	AddUser(ctx context.Context, u User) error // Conflict when the name is taken
	User(ctx context.Context, id string) (User, error)
	UserByName(ctx context.Context, name string) (User, error) // without regard to case; NotFound
	Users(ctx context.Context) ([]User, error)
	UpdateUser(ctx context.Context, u User) error
	DeleteUser(ctx context.Context, id string) error
	CountUsers(ctx context.Context) (int, error)
}

// Tokens is what the service needs to keep service principals.
type Tokens interface {
	AddToken(ctx context.Context, t Token) error
	TokenByClientID(ctx context.Context, clientID string) (Token, error)
	TokenByBearer(ctx context.Context, hash []byte) (Token, error)
	Tokens(ctx context.Context) ([]Token, error)
	TouchToken(ctx context.Context, clientID string, at time.Time) error // notes when it was last used
	DeleteToken(ctx context.Context, clientID string) error
}

// Settings keeps single values by key; "" stands for an absent one.
type Settings interface {
	Setting(ctx context.Context, key string) (string, error)
	PutSetting(ctx context.Context, key, value string) error
	KeepSetting(ctx context.Context, key, value string) (kept string, err error) // stores value unless there is one, and gives what is there
}

// Admins knows the admin users of registries: Azure's one account per registry, off unless somebody switches it on.
type Admins interface {
	AdminUser(ctx context.Context, name registry.Name) (registry.Registry, registry.AccessKeys, error) // NotFound when there is none, or it is off
}

// Turns lets one process at a time do what it names.
type Turns interface {
	Alone(ctx context.Context, name string, fn func(context.Context) error) error
}

// Service is the only way to change accounts and to prove who somebody is.
type Service struct {
	Users    Users
	Tokens   Tokens
	Settings Settings
	Admins   Admins // nil: registries have no admin users
	Turns    Turns  // nil: no other process changes users
	Hasher   *Hasher
	Now      func() time.Time
	NewID    func() string // UUIDs

	owners sync.Mutex // one change of a user at a time: the last owner stays, and a new password brings no old role back
	proven proofs
}

// UserDraft is what a form gives for a new user.
type UserDraft struct{ Name, Password, Role string }

var userRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}\z`)

// wrong is the one answer to every failed sign-in: it does not say which part was wrong.
func wrong() error {
	return fault.New(fault.Unauthenticated, "That user name and password don’t match.")
}

// SignIn proves a person by name and password. Unknown names take as long as known ones.
func (s *Service) SignIn(ctx context.Context, name, password string) (User, error) {
	u, err := s.Users.UserByName(ctx, name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return User{}, err
	}
	ok, err := s.Hasher.Matches(ctx, u.PHC, password)
	if err != nil {
		return User{}, err
	}
	if !ok {
		return User{}, wrong()
	}
	return u, nil
}

// CreateUser adds a person; all faults at once, at the fields "name", "password" and "role".
func (s *Service) CreateUser(ctx context.Context, d UserDraft) (User, error) {
	role, roleErr := ParseRole(d.Role)
	if err := errors.Join(checkUserName(d.Name), CheckPassword(d.Password, d.Name), roleErr); err != nil {
		return User{}, err
	}
	if err := s.nameFree(ctx, d.Name); err != nil {
		return User{}, err
	}
	phc, err := s.Hasher.Hash(ctx, d.Password)
	if err != nil {
		return User{}, err
	}
	now := s.Now()
	u := User{ID: s.NewID(), Name: d.Name, Role: role, PHC: phc, Created: now, Updated: now}
	return u, s.Users.AddUser(noted(ctx, "user.create", u.Name, audit.Change{Field: "role", To: string(u.Role)}), u)
}

func checkUserName(name string) error {
	if userRule.MatchString(name) {
		return nil
	}
	return fault.In("name", "A user name starts with a letter or digit and has up to 64 letters, digits, dots, hyphens, underscores or @.")
}

func (s *Service) nameFree(ctx context.Context, name string) error {
	_, err := s.Users.UserByName(ctx, name)
	switch {
	case err == nil:
		f := fault.New(fault.Conflict, "There is a user %s already.", name)
		f.Field = "name"
		return f
	case fault.Is(err, fault.NotFound):
		return nil
	default:
		return err
	}
}

// SetPassword gives a user a new password; every session made with the old one ends.
func (s *Service) SetPassword(ctx context.Context, id, password string) (User, error) {
	u, err := s.Users.User(ctx, id)
	if err != nil {
		return User{}, err
	}
	if err := CheckPassword(password, u.Name); err != nil {
		return User{}, err
	}
	phc, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	err = s.alone(ctx, func(ctx context.Context) error {
		if u, err = s.Users.User(ctx, id); err != nil { // as it is now: hashing took its time
			return err
		}
		u.PHC, u.Updated = phc, s.Now()
		return s.Users.UpdateUser(noted(ctx, "user.update", u.Name, audit.Change{Field: "password", From: "******", To: "another ******"}), u)
	})
	return u, err
}

// ChangePassword is SetPassword by the user, who proves to know the old one; its fault is at field "current".
func (s *Service) ChangePassword(ctx context.Context, id, current, password string) (User, error) {
	u, err := s.Users.User(ctx, id)
	if err != nil {
		return User{}, err
	}
	ok, err := s.Hasher.Matches(ctx, u.PHC, current)
	if err != nil {
		return User{}, err
	}
	if !ok {
		return User{}, errors.Join(fault.In("current", "That is not your current password."), CheckPassword(password, u.Name))
	}
	return s.SetPassword(ctx, id, password)
}

// SetRole changes what a user may do. The last owner stays one.
func (s *Service) SetRole(ctx context.Context, id, role string) (User, error) {
	to, err := ParseRole(role)
	if err != nil {
		return User{}, err
	}
	var u User
	err = s.alone(ctx, func(ctx context.Context) error {
		if u, err = s.Users.User(ctx, id); err != nil {
			return err
		}
		if u.Role == Owner && to != Owner {
			if err := s.anotherOwner(ctx, id); err != nil {
				return err
			}
		}
		if u.Role != to {
			ctx = noted(ctx, "user.update", u.Name, audit.Change{Field: "role", From: string(u.Role), To: string(to)})
		}
		u.Role, u.Updated = to, s.Now()
		return s.Users.UpdateUser(ctx, u)
	})
	return u, err
}

// DeleteUser removes a person with their sessions. The last owner stays.
func (s *Service) DeleteUser(ctx context.Context, id string) error {
	return s.alone(ctx, func(ctx context.Context) error {
		u, err := s.Users.User(ctx, id)
		if err != nil {
			return err
		}
		if u.Role == Owner {
			if err := s.anotherOwner(ctx, id); err != nil {
				return err
			}
		}
		return s.Users.DeleteUser(noted(ctx, "user.delete", u.Name), id)
	})
}

func (s *Service) anotherOwner(ctx context.Context, id string) error {
	all, err := s.Users.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.Role == Owner && u.ID != id {
			return nil
		}
	}
	return fault.New(fault.Conflict, "This is the only owner. Make somebody else an owner first.")
}

// IssueToken makes a service principal for a program; its secrets are in the answer and nowhere else.
func (s *Service) IssueToken(ctx context.Context, d TokenDraft, by string) (Issued, error) {
	t, errs := d.parse()
	if err := errors.Join(errs...); err != nil {
		return Issued{}, err
	}
	made := Issued{ClientSecret: newSecret(""), Bearer: newSecret(bearerPrefix)}
	t.ClientID, t.Created, t.CreatedBy = s.NewID(), s.Now(), by
	t.SecretHash, t.BearerHash = HashSecret(made.ClientSecret), HashSecret(made.Bearer)
	made.Token = t
	return made, s.Tokens.AddToken(noted(ctx, "token.create", t.Name, audit.Change{Field: "role", To: string(t.Role)}, audit.Change{Field: "registry", To: string(t.Registry)}), t)
}

// RevokeToken ends a token at once.
func (s *Service) RevokeToken(ctx context.Context, clientID string) error {
	t, err := s.Tokens.TokenByClientID(ctx, clientID)
	if err != nil {
		return err
	}
	return s.Tokens.DeleteToken(noted(ctx, "token.revoke", t.Name), clientID)
}

// Bearer proves a program by its Bearer token. It is found by its hash, so nothing is compared that time could tell apart.
func (s *Service) Bearer(ctx context.Context, token string) (Principal, error) {
	if !strings.HasPrefix(token, bearerPrefix) {
		return Principal{}, fault.New(fault.Unauthenticated, "The token is not valid here.")
	}
	t, err := s.Tokens.TokenByBearer(ctx, HashSecret(token))
	if fault.Is(err, fault.NotFound) {
		return Principal{}, fault.New(fault.Unauthenticated, "The token is not valid here, or it was revoked.")
	}
	if err != nil {
		return Principal{}, err
	}
	s.touch(ctx, t)
	return t.Principal(), nil
}

// touched is how exactly the last use of a token is noted: not with every request, each of which would wait for a commit.
const touched = time.Hour

// touch notes that a proven token was used. It is a note for people: without it the request goes on.
func (s *Service) touch(ctx context.Context, t Token) {
	if now := s.Now(); now.Sub(t.LastUsed) >= touched {
		_ = s.Tokens.TouchToken(ctx, t.ClientID, now)
	}
}

// noted is a context in which the next change is recorded as action on the user or token of that name.
func noted(ctx context.Context, action, name string, changes ...audit.Change) context.Context {
	return audit.Note(ctx, audit.Entry{Action: action, Object: name, Changes: changes})
}
