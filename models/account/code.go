package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"dockbell/models/fault"
)

// CodeStatus is how far a person has come with a request.
type CodeStatus string

// The states of a code.
const (
	CodeWaiting  CodeStatus = "waiting"
	CodeApproved CodeStatus = "approved"
	CodeDenied   CodeStatus = "denied"
	CodeUsed     CodeStatus = "used"
)

// Rules of codes. A device code is typed by a person and lives longer; an authorization code is fetched at once.
const (
	deviceAge     = 15 * time.Minute
	requestAge    = 15 * time.Minute // of a page that asks a person
	codeAge       = time.Minute
	PollInterval  = 5 * time.Second
	pollTolerance = time.Second // clients count in whole seconds
	maxWaiting    = 50          // requests from one address that nobody has answered
)

// Code is a request for tokens that waits for a person's yes.
type Code struct {
	ID        string // SHA-256 of the secret that the client holds: device code, page address, then authorization code
	Method    Method // ByDevice or ByBrowser
	UserCode  string // what a person types; empty for ByBrowser
	Asker     Asker
	Redirect  string // where a browser is led back to, with State
	State     string
	Challenge string // PKCE, S256
	Nonce     string
	Status    CodeStatus
	User      string // id of who said yes
	Grant     string // id of what came of it
	Polled    time.Time
	Interval  time.Duration
	Created   time.Time
	Expires   time.Time
}

// Codes is what SignIns needs to keep codes, until an hour after they expire. ChangeCode stores what change makes of a
// code, nothing when it refuses; change may run more than once. NotFound when there is none.
type Codes interface {
	AddCode(ctx context.Context, c Code, waiting int) error // LimitReached when so many of the same address wait already
	Code(ctx context.Context, id string) (Code, error)
	CodeOfUser(ctx context.Context, userCode string) (Code, error)
	ChangeCode(ctx context.Context, id string, change func(*Code) error) error
}

// letters of user codes: no vowels, so that no words come about, and nothing that looks like something else.
const letters = "BCDFGHJKLMNPQRSTVWXZ"

// newUserCode gives eight letters: 34 bits, which the limits on wrong tries make hopeless to guess within their 15 minutes.
func newUserCode() string {
	raw := make([]byte, 8)
	for i := range raw {
		raw[i] = letters[randomBelow(len(letters))]
	}
	return string(raw[:4]) + "-" + string(raw[4:])
}

// randomBelow gives a number from 0 to n-1, each as likely as the others.
func randomBelow(n int) int {
	one := make([]byte, 1)
	for {
		rand.Read(one) // never fails: crypto/rand ends the program instead
		if int(one[0]) < 256-256%n {
			return int(one[0]) % n
		}
	}
}

// ReadUserCode brings a typed code into its written form: case, blanks and hyphens do not matter.
func ReadUserCode(typed string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			r += 'A' - 'a'
		}
		if strings.ContainsRune(letters, r) {
			return r
		}
		if r == ' ' || r == '-' || r == '\u2013' {
			return -1
		}
		return '?'
	}, strings.TrimSpace(typed))
	if len(plain) != 8 || strings.Contains(plain, "?") {
		return ""
	}
	return plain[:4] + "-" + plain[4:]
}

func codeID(secret string) string { return hex.EncodeToString(HashSecret(secret)) }

// BrowserRequest is what a client asks of the authorize page.
type BrowserRequest struct {
	Client, ResponseType, ResponseMode, Redirect, State, Challenge, ChallengeMethod, Nonce string
}

// Bounds of what a request may carry.
const maxState = 2048

var (
	clientRule    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z`)
	challengeRule = regexp.MustCompile(`^[A-Za-z0-9_-]{43}\z`)
	verifierRule  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}\z`)
)

// CheckClient refuses a client id that cannot be one. Clients of people have no secret, so any of them may ask: it is the
// person who decides, on a page that says what is known of the client.
func CheckClient(id string) error {
	if clientRule.MatchString(id) {
		return nil
	}
	return oauthInvalid("invalid_request", "The client_id is missing, or it has signs that no client id has.")
}

// CheckRedirect lets a browser be led back to a program on the same machine and nowhere else: what comes back opens the
// account. The port is the program's choice.
func CheckRedirect(redirect string) error {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Fragment != "" || u.Opaque != "" || len(redirect) > maxState || !loopback(u.Hostname()) {
		return oauthInvalid("redirect_uri", "The browser may only be led back to a program on this machine: http://localhost with a port. This request names another place.")
	}
	return nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// check says what else is wrong with a request whose client and redirect are right; the client hears of it.
func (r BrowserRequest) check() error {
	switch {
	case r.ResponseType != "code":
		return oauthInvalid("unsupported_response_type", "The response_type is code.")
	case r.ResponseMode != "" && r.ResponseMode != "query":
		return oauthInvalid("invalid_request", "The response_mode is query.")
	case r.ChallengeMethod != "S256" || !challengeRule.MatchString(r.Challenge):
		return oauthInvalid("invalid_request", "The request needs PKCE: a code_challenge with code_challenge_method=S256.")
	case len(r.State) > maxState || len(r.Nonce) > maxState:
		return oauthInvalid("invalid_request", "The state or the nonce is longer than %d signs.", maxState)
	}
	return nil
}

// BackTo is where a browser is led with an answer.
func (c Code) BackTo(answer url.Values) string {
	u, err := url.Parse(c.Redirect)
	if err != nil {
		return "/" // CheckRedirect read it before it was stored
	}
	query := u.Query()
	for name, values := range answer {
		query[name] = values
	}
	if c.State != "" {
		query.Set("state", c.State)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// proves reports whether verifier is the one whose hash the request carried.
func (c Code) proves(verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return verifierRule.MatchString(verifier) && subtle.ConstantTimeCompare([]byte(want), []byte(c.Challenge)) == 1
}

// ClientTitle is what people are told about a client: names of those that are known, else its id.
func ClientTitle(id string) string {
	switch strings.ToLower(id) {
	case azureCLI:
		return "Azure CLI or an Azure SDK"
	case azurePowerShell:
		return "Azure PowerShell"
	case CommandLine:
		return "Dockbell’s command line"
	}
	return "Client " + id
}

// Clients that people sign in with. The first is also what the Azure SDKs send where nobody chose another one.
const (
	azureCLI        = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	azurePowerShell = "1950a258-227b-4e31-a9cf-717495945fc2"
	CommandLine     = "dockbell"
)

func oauthInvalid(name, format string, args ...any) error {
	f := fault.New(fault.Invalid, format, args...)
	f.Field = name
	return f
}
