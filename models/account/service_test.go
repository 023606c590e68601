package account

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"dockbell/models/fault"
)

// memory keeps accounts in maps: the store of these tests.
type memory struct {
	mu       sync.Mutex
	users    map[string]User
	tokens   map[string]Token
	settings map[string]string
}

func (m *memory) AddUser(_ context.Context, u User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[u.ID] = u
	return nil
}

func (m *memory) UpdateUser(ctx context.Context, u User) error { return m.AddUser(ctx, u) }

func (m *memory) User(_ context.Context, id string) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[id]
	if !ok {
		return User{}, fault.New(fault.NotFound, "no user")
	}
	return u, nil
}

func (m *memory) UserByName(_ context.Context, name string) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range m.users {
		if strings.EqualFold(u.Name, name) {
			return u, nil
		}
	}
	return User{}, fault.New(fault.NotFound, "no user")
}

func (m *memory) Users(context.Context) ([]User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []User
	for _, u := range m.users {
		all = append(all, u)
	}
	return all, nil
}

func (m *memory) DeleteUser(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.users, id)
	return nil
}

func (m *memory) CountUsers(context.Context) (int, error) { return len(m.users), nil }

func (m *memory) AddToken(_ context.Context, t Token) error {
	m.tokens[t.ClientID] = t
	return nil
}

func (m *memory) TokenByClientID(_ context.Context, id string) (Token, error) {
	if t, ok := m.tokens[id]; ok {
		return t, nil
	}
	return Token{}, fault.New(fault.NotFound, "no token")
}

func (m *memory) TokenByBearer(_ context.Context, hash []byte) (Token, error) {
	for _, t := range m.tokens {
		if bytes.Equal(t.BearerHash, hash) {
			return t, nil
		}
	}
	return Token{}, fault.New(fault.NotFound, "no token")
}

func (m *memory) Tokens(context.Context) ([]Token, error) { return nil, nil }

func (m *memory) TouchToken(_ context.Context, id string, at time.Time) error {
	t := m.tokens[id]
	t.LastUsed = at
	m.tokens[id] = t
	return nil
}

func (m *memory) DeleteToken(_ context.Context, id string) error {
	delete(m.tokens, id)
	return nil
}

func (m *memory) Setting(_ context.Context, key string) (string, error) { return m.settings[key], nil }

func (m *memory) PutSetting(_ context.Context, key, value string) error {
	m.settings[key] = value
	return nil
}

func (m *memory) KeepSetting(_ context.Context, key, value string) (string, error) {
	if m.settings[key] == "" {
		m.settings[key] = value
	}
	return m.settings[key], nil
}

// newService makes a service on a clock that the test moves.
func newService(now *time.Time) *Service {
	m := &memory{users: map[string]User{}, tokens: map[string]Token{}, settings: map[string]string{}}
	n := 0
	newID := func() string {
		n++
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	}
	return &Service{Users: m, Tokens: m, Settings: m, Hasher: NewHasher(), Now: func() time.Time { return *now }, NewID: newID}
}

const good = "correct horse battery"

func start() *time.Time {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	return &now
}

func TestSetupCodeWorksOnceAndForADay(t *testing.T) {
	ctx, now := t.Context(), start()
	s := newService(now)
	code, err := s.NewSetupCode(ctx)
	if err != nil || len(code) < 40 {
		t.Fatalf("code %q, error %v", code, err)
	}
	if err := s.CheckSetupCode(ctx, "guess"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a guess: %v, want invalid", err)
	}
	*now = now.Add(25 * time.Hour)
	if err := s.CheckSetupCode(ctx, code); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "24 hours") {
		t.Errorf("after 25 h: %v, want a sentence about 24 hours", err)
	}
	if code, err = s.NewSetupCode(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateOwner(ctx, code, UserDraft{Name: "mei.lin", Password: "short"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("short password: %v, want invalid", err)
	}
	u, err := s.CreateOwner(ctx, code, UserDraft{Name: "mei.lin", Password: good, Role: "reader"})
	if err != nil || u.Role != Owner {
		t.Fatalf("owner %+v, error %v", u, err)
	}
	if _, err := s.CreateOwner(ctx, code, UserDraft{Name: "eve", Password: good}); !fault.Is(err, fault.Gone) {
		t.Errorf("second use: %v, want gone", err)
	}
	if _, err := s.NewSetupCode(ctx); !fault.Is(err, fault.Conflict) {
		t.Errorf("a code after set-up: %v, want conflict", err)
	}
}

func TestSignInTellsNothingApart(t *testing.T) {
	ctx := t.Context()
	s := newService(start())
	if _, err := s.CreateUser(ctx, UserDraft{"mei.lin", good, "owner"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignIn(ctx, "MEI.LIN", good); err != nil {
		t.Errorf("name in capitals: %v", err)
	}
	_, known := s.SignIn(ctx, "mei.lin", "wrong horse battery")
	_, unknown := s.SignIn(ctx, "nobody", "wrong horse battery")
	if !fault.Is(known, fault.Unauthenticated) || known.Error() != unknown.Error() {
		t.Errorf("known user: %v; unknown: %v", known, unknown)
	}
	if _, err := s.SignIn(ctx, "mei.lin", good+strings.Repeat("x", MaxPassword)); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("huge password: %v", err)
	}
}

func TestCreateUserTellsEveryFaultAtItsField(t *testing.T) {
	s := newService(start())
	_, err := s.CreateUser(t.Context(), UserDraft{Name: "../etc", Password: "dockbell1", Role: "king"})
	var fields []string
	for _, f := range fault.All(err) {
		fields = append(fields, f.Field)
	}
	if got := strings.Join(fields, " "); got != "name password role" {
		t.Errorf("fields %q, want name password role", got)
	}
	if _, err := s.CreateUser(t.Context(), UserDraft{"mei", good, "reader"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateUser(t.Context(), UserDraft{"MEI", good, "reader"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("taken name: %v, want conflict", err)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	ctx := t.Context()
	s := newService(start())
	first, _ := s.CreateUser(ctx, UserDraft{"first", good, "owner"})
	if _, err := s.SetRole(ctx, first.ID, "reader"); !fault.Is(err, fault.Conflict) {
		t.Errorf("demoting the only owner: %v, want conflict", err)
	}
	if err := s.DeleteUser(ctx, first.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("deleting the only owner: %v, want conflict", err)
	}
	if _, err := s.CreateUser(ctx, UserDraft{"second", good, "owner"}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteUser(ctx, first.ID); err != nil {
		t.Errorf("deleting one of two owners: %v", err)
	}
}

func TestTokensProveWithSecretAndBearer(t *testing.T) {
	ctx := t.Context()
	s := newService(start())
	made, err := s.IssueToken(ctx, TokenDraft{Name: "ci", Role: "contributor", Registry: "mycontainerregistry"}, "mei.lin")
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Authenticate(ctx, made.Token.ClientID, made.ClientSecret)
	if err != nil || p.Name != "ci" || p.Kind != KindToken || !p.Registry.Is("MyContainerRegistry") {
		t.Errorf("client id and secret: %+v, %v", p, err)
	}
	if _, err := s.Authenticate(ctx, made.Token.ClientID, made.Bearer); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("Bearer as client secret: %v, want unauthenticated", err)
	}
	if p, err := s.Bearer(ctx, made.Bearer); err != nil || p.Role != Contributor {
		t.Errorf("Bearer: %+v, %v", p, err)
	}
	if err := s.RevokeToken(ctx, made.Token.ClientID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bearer(ctx, made.Bearer); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after revoking: %v, want unauthenticated", err)
	}
	if bytes.Contains(made.Token.SecretHash, []byte(made.ClientSecret)) {
		t.Error("the secret is stored in clear")
	}
}

func TestLastUseOfATokenIsNotedOnceAnHour(t *testing.T) {
	ctx, now := t.Context(), start()
	s := newService(now)
	made, err := s.IssueToken(ctx, TokenDraft{Name: "ci", Role: "reader"}, "mei.lin")
	if err != nil {
		t.Fatal(err)
	}
	noted := func() time.Time {
		tok, err := s.Tokens.TokenByClientID(ctx, made.Token.ClientID)
		if err != nil {
			t.Fatal(err)
		}
		return tok.LastUsed
	}
	if _, err := s.Authenticate(ctx, made.Token.ClientID, "wrong"); err == nil || !noted().IsZero() {
		t.Errorf("a wrong secret (%v) was noted as a use at %s", err, noted())
	}
	first := *now
	for _, step := range []struct {
		after time.Duration
		want  time.Time
	}{{0, first}, {59 * time.Minute, first}, {time.Hour, first.Add(time.Hour)}} {
		*now = first.Add(step.after)
		if _, err := s.Bearer(ctx, made.Bearer); err != nil {
			t.Fatal(err)
		}
		if got := noted(); !got.Equal(step.want) {
			t.Errorf("used after %s: noted %s, want %s", step.after, got, step.want)
		}
	}
	*now = first.Add(3 * time.Hour)
	if _, err := s.Authenticate(ctx, made.Token.ClientID, made.ClientSecret); err != nil || !noted().Equal(*now) {
		t.Errorf("client id and secret (%v): noted %s, want %s", err, noted(), *now)
	}
}

func TestARememberedPasswordEndsWithTheHashAndWithTime(t *testing.T) {
	ctx, now := t.Context(), start()
	s := newService(now)
	u, _ := s.CreateUser(ctx, UserDraft{"pusher", good, "contributor"})
	if _, err := s.Authenticate(ctx, "pusher", good); err != nil {
		t.Fatal(err)
	}
	if !s.proven.has(u, good, *now) || s.proven.has(u, "other", *now) {
		t.Error("the right password is not remembered, or a wrong one is")
	}
	if _, err := s.SetPassword(ctx, u.ID, "another horse battery"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(ctx, "pusher", good); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the old password: %v, want unauthenticated", err)
	}
	if s.proven.has(u, good, now.Add(proofAge)) {
		t.Error("remembered for longer than five minutes")
	}
}

func TestProofsStayBounded(t *testing.T) {
	var p proofs
	now := *start()
	for i := range proofMax * 2 {
		p.add(User{ID: fmt.Sprint(i)}, good, now)
	}
	if len(p.until) > proofMax {
		t.Errorf("%d proofs kept, want at most %d", len(p.until), proofMax)
	}
}

func TestChangePasswordNeedsTheOldOne(t *testing.T) {
	ctx := t.Context()
	s := newService(start())
	u, _ := s.CreateUser(ctx, UserDraft{"mei", good, "owner"})
	_, err := s.ChangePassword(ctx, u.ID, "guess", "short")
	if all := fault.All(err); len(all) != 2 || all[0].Field != "current" || all[1].Field != "password" {
		t.Errorf("faults %v, want at current and password", all)
	}
	if _, err := s.ChangePassword(ctx, u.ID, good, "another horse battery"); err != nil {
		t.Error(err)
	}
}

func TestTheTenancyIsMadeOnce(t *testing.T) {
	s := newService(start())
	first, err := s.Tenancy(t.Context())
	if err != nil || first.Tenant == "" || first.Subscription == "" || first.Tenant == first.Subscription {
		t.Fatalf("made %+v, %v", first, err)
	}
	if again, err := s.Tenancy(t.Context()); err != nil || again != first {
		t.Errorf("the second time it is %+v (%v), first it was %+v", again, err, first)
	}
}

func TestAHashWaitsForItsTurnButNotForEver(t *testing.T) {
	h := NewHasher()
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
