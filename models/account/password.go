package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"dockbell/models/fault"
)

// Bounds of a password: shorter ones are guessed, longer ones only cost work.
const (
	MinPassword = 12   // characters
	MaxPassword = 1024 // bytes
)

// cost are the parameters of argon2id; a hash carries its own, so they may rise later.
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

var today = cost{memory: 19 << 10, time: 2, threads: 1}

const (
	saltBytes = 16
	hashBytes = 32
)

// Hasher makes and checks password hashes, as many at once as there are processors: a flood of sign-ins
// waits here instead of taking all memory.
type Hasher struct {
	slots chan struct{}
	dummy string
	rest  *time.Timer // until the memory of the last hashes is given back
}

// quiet is how long nobody signs in before the memory of the last hash, 19 MiB each, goes back to the system. The runtime would
// keep it for minutes: more than all that a Dockbell with nothing to do needs.
const quiet = time.Second

// NewHasher makes a hasher. The dummy hash is checked for unknown users, so that they take as long as known ones.
func NewHasher() *Hasher {
	return newHasher(debug.FreeOSMemory)
}

func newHasher(giveBack func()) *Hasher {
	h := &Hasher{slots: make(chan struct{}, runtime.NumCPU()), rest: time.AfterFunc(quiet, giveBack)}
	h.rest.Stop() // there is nothing to give back yet
	h.dummy = encode(today, make([]byte, saltBytes), make([]byte, hashBytes))
	return h
}

// Hash gives the PHC string of a password: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: crypto/rand ends the program instead
	sum, err := h.derive(ctx, password, salt, today)
	if err != nil {
		return "", err
	}
	return encode(today, salt, sum), nil
}

// Matches reports whether password made this hash. An empty hash stands for an unknown user: it takes the same time.
func (h *Hasher) Matches(ctx context.Context, phc, password string) (bool, error) {
	unknown := phc == ""
	if unknown {
		phc = h.dummy
	}
	c, salt, want, err := decode(phc)
	if err != nil {
		return false, err
	}
	if len(password) > MaxPassword {
		return false, nil
	}
	got, err := h.derive(ctx, password, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && !unknown, nil
}

func (h *Hasher) derive(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() {
			<-h.slots
			h.rest.Reset(quiet)
		}()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.threads, hashBytes), nil
}

func encode(c cost, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.threads,
		b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func decode(phc string) (c cost, salt, sum []byte, err error) {
	bad := fault.New(fault.Internal, "A stored password hash cannot be read.")
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil {
		return c, nil, nil, bad.Because(err)
	}
	if c.time == 0 || c.threads == 0 || c.memory > 1<<20 {
		return c, nil, nil, bad
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, bad.Because(err)
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(sum) != hashBytes {
		return c, nil, nil, bad
	}
	return c, salt, sum, nil
}

// CheckPassword refuses passwords that are too short, too long or among the first ones tried; a fault at field "password".
func CheckPassword(password, userName string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		return fault.In("password", "Use at least %d characters: %d more. A few words make a good password.", MinPassword, MinPassword-n)
	case len(password) > MaxPassword:
		return fault.In("password", "Use at most %d bytes.", MaxPassword)
	case !utf8.ValidString(password):
		return fault.In("password", "The password is not valid text.")
	case predictable(password, userName):
		return fault.In("password", "This password is among the first ones that are tried. A few words that don't belong together are better.")
	}
	return nil
}

// common are the stems of the most used passwords; digits and signs around and between them do not help.
var common = []string{
	"password", "passwort", "passw", "pass", "dockbell", "docker", "registry", "webhook", "container", "admin", "administrator",
	"root", "user", "owner", "login", "welcome", "letmein", "changeme", "default", "secret", "qwerty", "qwertyuiop", "qwertz",
	"asdfghjkl", "asdf", "zxcvbnm", "iloveyou", "monkey", "dragon", "sunshine", "princess", "football", "baseball", "master",
	"trustno", "superman", "batman", "starwars", "whatever", "computer", "internet", "test", "testing", "demo", "hello", "world",
	"abc", "abcd", "abcdef", "abcdefgh", "abcdefghijkl", "the", "my", "is", "new", "qaz", "wsx", "edc",
}

// predictable reports whether nothing is left of a password once common words, the user's name, digits and signs are taken out.
func predictable(password, userName string) bool {
	core := strings.TrimFunc(strings.ToLower(password), func(r rune) bool { return !unicode.IsLetter(r) })
	stems := common
	if name := onlyLetters(strings.ToLower(userName)); name != "" {
		stems = append([]string{name}, common...)
	}
	return madeOf(onlyLetters(core), stems) || madeOf(onlyLetters(unleet(core)), stems) || fewSigns(password)
}

// unleet undoes the usual substitutions: p@ssw0rd.
func unleet(s string) string {
	return strings.NewReplacer("@", "a", "0", "o", "3", "e", "$", "s", "!", "i", "5", "s", "7", "t").Replace(s)
}

func onlyLetters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, s)
}

// madeOf reports whether s is nothing but words of stems, one after the other.
func madeOf(s string, stems []string) bool {
	reach := make([]bool, len(s)+1)
	reach[0] = true
	for i := range s {
		if !reach[i] {
			continue
		}
		for _, w := range stems {
			if strings.HasPrefix(s[i:], w) {
				reach[i+len(w)] = true
			}
		}
	}
	return reach[len(s)]
}

// fewSigns reports whether a password uses fewer than five different characters.
func fewSigns(password string) bool {
	seen := map[rune]bool{}
	for _, r := range password {
		seen[r] = true
	}
	return len(seen) < 5
}
