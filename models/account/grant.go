package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"dockbell/models/fault"
)

// Method is how somebody signed in to the Azure doors.
type Method string

// The methods.
const (
	ByPassword Method = "password"
	BySecret   Method = "client secret"
	ByDevice   Method = "device code"
	ByBrowser  Method = "browser"
	ByIdentity Method = "managed identity"
)

// How long things last. A grant of a person lives on while it is used; one of a program only covers its access tokens.
const (
	AccessAge  = time.Hour
	refreshAge = 90 * 24 * time.Hour
	programAge = 24 * time.Hour
	replayed   = 10 * time.Second // a refresh token shown again this soon, from the same address, is a client that runs twice
)

// Asker is the client that asks for tokens.
type Asker struct {
	Client string // client_id
	Agent  string // User-Agent
	Addr   string
}

// Grant is one sign-in: who let which client act for them. Access and refresh tokens name their grant; without it they are
// worth nothing.
type Grant struct {
	ID         string
	Kind       Kind
	Subject    string // user id or client id
	Name       string // of the subject when it was made
	Method     Method
	Asker      Asker
	Stamp      string    // of the password or secret: a new one ends the grant
	Generation int       // of the refresh token that is good now; 0 has none
	Rotated    time.Time // when it came
	Created    time.Time
	Used       time.Time // noted once an hour
	Expires    time.Time
}

// Grants is what SignIns needs to keep grants. ChangeGrant stores what change makes of a grant, nothing when it refuses;
// change may run more than once.
type Grants interface {
	AddGrant(ctx context.Context, g Grant) error
	Grant(ctx context.Context, id string) (Grant, error)         // NotFound
	Grants(ctx context.Context, subject string) ([]Grant, error) // of one subject, or all for ""; newest first
	ChangeGrant(ctx context.Context, id string, change func(*Grant) error) error
	DeleteGrant(ctx context.Context, id string) error // NotFound
}

// stamp ties a grant to the password it was given with.
func (u User) stamp() string { return stampOf(u.ID, u.PHC) }

// stamp ties a grant to the secret it was given for.
func (t Token) stamp() string { return stampOf(t.ClientID, hex.EncodeToString(t.SecretHash)) }

func stampOf(id, secret string) string {
	sum := sha256.Sum256([]byte("grant\x00" + id + "\x00" + secret))
	return hex.EncodeToString(sum[:16])
}

// refreshPrefix marks refresh tokens for people and secret scanners.
const refreshPrefix = "dkr_"

// refreshToken is the text of a grant's refresh token: grant, generation and a mark. Nothing of it is stored, so that the
// same one can be given twice to a client whose answer was lost.
func (s *SignIns) refreshToken(g Grant) string {
	text := g.ID + "." + strconv.Itoa(g.Generation)
	return refreshPrefix + text + "." + sealFor(s.Key, forRefresh).mark(text)
}

// openRefresh reads a refresh token that we made.
func (s *SignIns) openRefresh(token string) (grant string, generation int, err error) {
	token, ours := strings.CutPrefix(token, refreshPrefix)
	cut := strings.LastIndexByte(token, '.')
	if !ours || cut < 0 || !sealFor(s.Key, forRefresh).holds(token[:cut], token[cut+1:]) {
		return "", 0, refused("invalid_grant", "This refresh token is not one of this Dockbell. Sign in again.")
	}
	grant, number, _ := strings.Cut(token[:cut], ".")
	generation, err = strconv.Atoi(number)
	return grant, generation, err
}

// refused is a refusal in OAuth's terms: the error's name stands where other faults name a field.
func refused(name, format string, args ...any) *fault.Error {
	f := fault.New(fault.Unauthenticated, format, args...)
	f.Field = name
	return f
}
