package account

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Issued is a new token with its secrets in clear: shown once, never stored.
type Issued struct {
	Token        Token
	ClientSecret string
	Bearer       string
}

// TokenDraft is what somebody asks for when a token is made.
type TokenDraft struct {
	Name     string
	Role     string
	Registry string // empty: every registry

	Rights       string // such as "pull, push"; empty: all of the role
	Repositories string // patterns, such as "team/*"; empty: every repository
}

// maxTokenName is the longest name of a token, in characters.
const maxTokenName = 64

// bearerPrefix marks our Bearer tokens, so that secret scanners and people can tell what they found.
const bearerPrefix = "dkb_"

// newSecret gives 256 random bits behind a prefix.
func newSecret(prefix string) string { return prefix + registry.NewSecret() }

// HashSecret is the form in which secrets of tokens are stored: with 256 random bits a plain SHA-256 is enough.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Holds reports whether secret is the token's client secret, in constant time.
func (t Token) Holds(secret string) bool {
	return subtle.ConstantTimeCompare(t.SecretHash, HashSecret(secret)) == 1
}

// Principal is who a request with this token is made by.
func (t Token) Principal() Principal {
	return Principal{Kind: KindToken, ID: t.ClientID, Name: t.Name, Role: t.Role, Registry: t.Registry, Narrow: t.Narrow}
}

// Principal is who a request of this user is made by.
func (u User) Principal() Principal {
	return Principal{Kind: KindUser, ID: u.ID, Name: u.Name, Role: u.Role}
}

// Roles in the order of forms, the least first.
var Roles = []Role{Reader, Contributor, Owner}

// ParseRole reads a role; a bad one is a fault at field "role".
func ParseRole(s string) (Role, error) {
	for _, r := range Roles {
		if strings.EqualFold(s, string(r)) {
			return r, nil
		}
	}
	return "", fault.In("role", "Choose a role: reader, contributor or owner.")
}

// Title is the role as pages write it.
func (r Role) Title() string {
	if r == "" {
		return ""
	}
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

// parse turns a draft into a token without its secrets; all faults at once.
func (d TokenDraft) parse() (Token, []error) {
	var t Token
	var errs []error
	t.Name = strings.TrimSpace(d.Name)
	switch n := len([]rune(t.Name)); {
	case n == 0:
		errs = append(errs, fault.In("name", "Give the token a name that says what it is for."))
	case n > maxTokenName || strings.ContainsFunc(t.Name, isControl):
		errs = append(errs, fault.In("name", "Use at most %d characters, without line breaks.", maxTokenName))
	}
	role, err := ParseRole(d.Role)
	if err != nil {
		errs = append(errs, err)
	}
	t.Role = role
	if d.Registry != "" {
		name, err := registry.ParseName(d.Registry)
		if err != nil {
			errs = append(errs, fault.In("registry", "There is no registry of that name."))
		}
		t.Registry = name
	}
	narrow, wrong := parseNarrowing(d.Rights, d.Repositories)
	t.Narrow = narrow
	return t, append(errs, wrong...)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
