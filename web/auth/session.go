package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/fault"
)

// How long a session lasts: unused, and at most. It is noted once a minute that it is used, not with every request.
const (
	Idle     = 30 * time.Minute
	Lifetime = 12 * time.Hour
	noted    = time.Minute
)

// Unattended is the query parameter of requests that a page makes by itself: an open tab alone keeps nobody signed in.
const Unattended = "live"

// Cookie names: over HTTPS the browser itself guards the __Host- prefix; over plain HTTP it would refuse it.
const (
	secureCookie = "__Host-dockbell"
	plainCookie  = "dockbell"
)

// Keys of what a session holds.
const (
	userKey  = "user"  // id
	stampKey = "stamp" // of the password hash at sign-in
	sinceKey = "since" // when it began, in microseconds
	seenKey  = "seen"  // when it was last used, in microseconds
)

// SessionStore keeps sessions by the hash of their token.
type SessionStore interface {
	FindCtx(ctx context.Context, token string) (b []byte, found bool, err error)
	CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error
	DeleteCtx(ctx context.Context, token string) error
}

// People gives the user a session belongs to.
type People interface {
	User(ctx context.Context, id string) (account.User, error)
}

// Sessions are the HTTP sessions of people in browsers.
type Sessions struct {
	manager *scs.SessionManager
	people  People
	log     *slog.Logger
	now     func() time.Time
}

// NewSessions keeps sessions in store.
func NewSessions(store SessionStore, people People, log *slog.Logger, now func() time.Time) *Sessions {
	m := scs.New()
	m.Store = withContext{store}
	m.HashTokenInStore = true
	m.Lifetime = Lifetime
	return &Sessions{manager: m, people: people, log: log, now: now}
}

// Load finds out who makes the request by its cookie. A session without a valid user behind it counts as none.
func (s *Sessions) Load(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		ctx, err := s.manager.Load(r.Context(), tokenOf(c))
		if err != nil {
			return fault.New(fault.Unavailable, "The database does not answer. Try again in a moment.").Because(err)
		}
		u, ok, err := s.user(ctx)
		if err != nil {
			return err
		}
		if ok {
			ctx = WithPrincipal(ctx, u.Principal())
			if r.URL.Query().Get(Unattended) == "" {
				s.note(ctx)
			}
		}
		c.SetRequest(r.WithContext(ctx))
		c.Response().Before(func() { s.keep(c) })
		return next(c)
	}
}

// Still gives who is behind a request's session now, for requests that stay open: false when it ended since they began.
func (s *Sessions) Still(c echo.Context) (who account.Principal, ok bool, err error) {
	ctx, err := s.manager.Load(unread{c.Request().Context()}, tokenOf(c))
	if err != nil {
		return account.Principal{}, false, err
	}
	u, ok, err := s.user(ctx)
	return u.Principal(), ok, err
}

// unread is a context without the session that the request began with, so that it is read again.
type unread struct{ context.Context }

// Value knows nothing.
func (unread) Value(any) any { return nil }

// user gives the signed-in user, as the database has them now: a changed password or role counts at once.
func (s *Sessions) user(ctx context.Context) (account.User, bool, error) {
	id := s.manager.GetString(ctx, userKey)
	if id == "" || s.expired(ctx) {
		return account.User{}, false, nil
	}
	u, err := s.people.User(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return account.User{}, false, nil
	}
	if err != nil {
		return account.User{}, false, err
	}
	return u, s.manager.GetString(ctx, stampKey) == stamp(u), nil
}

func (s *Sessions) expired(ctx context.Context) bool {
	now := s.now()
	return now.Sub(s.moment(ctx, seenKey)) > Idle || now.Sub(s.moment(ctx, sinceKey)) > Lifetime
}

// note remembers that the session is used.
func (s *Sessions) note(ctx context.Context) {
	if now := s.now(); now.Sub(s.moment(ctx, seenKey)) >= noted {
		s.manager.Put(ctx, seenKey, now.UnixMicro())
	}
}

// moment is a time that a session holds: as a number, because the session's codec knows no time.Time.
func (s *Sessions) moment(ctx context.Context, key string) time.Time {
	return time.UnixMicro(s.manager.GetInt64(ctx, key))
}

// keep stores what changed, before the answer goes out.
func (s *Sessions) keep(c echo.Context) {
	if s.manager.Status(c.Request().Context()) != scs.Modified {
		return
	}
	if err := s.save(c); err != nil {
		s.log.Error("session not stored", "error", err.Error())
	}
}

func (s *Sessions) save(c echo.Context) error {
	token, expires, err := s.manager.Commit(c.Request().Context())
	if err != nil {
		return fault.New(fault.Unavailable, "The session could not be stored. Try again in a moment.").Because(err)
	}
	setCookie(c, token, expires)
	return nil
}

// Begin signs a user in with a new token: one that somebody planted before is worth nothing.
func (s *Sessions) Begin(c echo.Context, u account.User) error {
	ctx := c.Request().Context()
	if err := s.manager.Clear(ctx); err != nil {
		return err
	}
	if err := s.manager.RenewToken(ctx); err != nil {
		return fault.New(fault.Unavailable, "The session could not be stored. Try again in a moment.").Because(err)
	}
	now := s.now().UnixMicro()
	s.manager.Put(ctx, userKey, u.ID)
	s.manager.Put(ctx, stampKey, stamp(u))
	s.manager.Put(ctx, sinceKey, now)
	s.manager.Put(ctx, seenKey, now)
	return s.save(c)
}

// End signs out: the session is deleted and its cookie taken back.
func (s *Sessions) End(c echo.Context) error {
	err := s.manager.Destroy(c.Request().Context())
	setCookie(c, "", time.Unix(1, 0))
	return err
}

// Leave keeps text for the next page of this session, such as a message after a redirect.
func (s *Sessions) Leave(c echo.Context, key, text string) {
	s.manager.Put(c.Request().Context(), key, text)
}

// Take gives what Leave kept, once.
func (s *Sessions) Take(c echo.Context, key string) string {
	ctx := c.Request().Context()
	if !s.manager.Exists(ctx, key) {
		return ""
	}
	return s.manager.PopString(ctx, key)
}

// stamp ties a session to the password it was begun with: a new password ends the others.
func stamp(u account.User) string {
	sum := sha256.Sum256([]byte(u.ID + "\x00" + u.PHC))
	return hex.EncodeToString(sum[:16])
}

func tokenOf(c echo.Context) string {
	cookie, err := c.Cookie(cookieName(c))
	if err != nil {
		return ""
	}
	return cookie.Value
}

func cookieName(c echo.Context) string {
	if c.Scheme() == "https" {
		return secureCookie
	}
	return plainCookie
}

// setCookie writes the session's cookie, once: a request that signs in and leaves a message comes here twice.
func setCookie(c echo.Context, token string, expires time.Time) {
	head, name := c.Response().Header(), cookieName(c)
	written := head.Values(echo.HeaderSetCookie)
	head.Del(echo.HeaderSetCookie)
	for _, line := range written {
		if !strings.HasPrefix(line, name+"=") {
			head.Add(echo.HeaderSetCookie, line)
		}
	}
	c.SetCookie(&http.Cookie{ //nolint:gosec // over plain HTTP, the default on this machine alone, browsers refuse a Secure cookie
		Name: name, Value: token, Path: "/", Expires: expires, Secure: c.Scheme() == "https",
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// withContext gives a store the methods without a context that scs asks for and, for a store with contexts, never calls.
type withContext struct{ SessionStore }

// Find is FindCtx without a context.
func (w withContext) Find(token string) ([]byte, bool, error) {
	return w.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (w withContext) Commit(token string, b []byte, expiry time.Time) error {
	return w.CommitCtx(context.Background(), token, b, expiry)
}

// Delete is DeleteCtx without a context.
func (w withContext) Delete(token string) error { return w.DeleteCtx(context.Background(), token) }
