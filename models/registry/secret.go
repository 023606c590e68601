package registry

import (
	"crypto/rand"
	"encoding/base64"
)

// NewSecret gives 256 random bits as text without signs that shells or URLs would change. It never begins with a dash: a program that
// is given it as the value of a flag would take it for another flag.
func NewSecret() string {
	raw := make([]byte, 32)
	for {
		rand.Read(raw) // never fails: crypto/rand ends the program instead
		if text := base64.RawURLEncoding.EncodeToString(raw); text[0] != '-' {
			return text
		}
	}
}
