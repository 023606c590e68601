package account

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// seal signs for one purpose; what it signs for one is worth nothing for another, and nothing of the key can be told from it.
type seal struct{ key []byte }

// Purposes of seals.
const (
	forAccess  = "access token"
	forID      = "id token"
	forRefresh = "refresh token"
)

// sealFor derives a purpose's seal from the installation's key, so that tokens outlive a restart.
func sealFor(key []byte, purpose string) seal {
	derived, err := hkdf.Key(sha256.New, key, nil, "dockbell sign-in "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only for keys longer than 255 hashes
	}
	return seal{derived}
}

func (s seal) mark(text string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s seal) holds(text, mark string) bool { return hmac.Equal([]byte(s.mark(text)), []byte(mark)) }

// claims are what a token says. Clients of Azure read some of an id token, and tid of any token; we ourselves go by Grant and Expires.
type claims struct {
	Issuer    string `json:"iss,omitempty"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	Object    string `json:"oid"`
	Tenant    string `json:"tid"`
	Issued    int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	Version   string `json:"ver"`
	Grant     string `json:"gid,omitempty"`   // of an access token
	App       string `json:"appid,omitempty"` // the client it was issued to
	Kind      string `json:"idtyp,omitempty"` // "user" or "app"
	Name      string `json:"name,omitempty"`
	UPN       string `json:"upn,omitempty"`
	Preferred string `json:"preferred_username,omitempty"`
	Nonce     string `json:"nonce,omitempty"`
}

// jwtHeader is the only header there is: what another one says about the algorithm is not listened to.
var jwtHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))

// write gives the signed form of claims (RFC 7515, compact).
func (s seal) write(c claims) string {
	body, err := json.Marshal(c)
	if err != nil {
		panic(err) // texts and numbers always have a form in JSON
	}
	text := jwtHeader + "." + base64.RawURLEncoding.EncodeToString(body)
	return text + "." + s.mark(text)
}

var errJWT = errors.New("bad or expired token")

// read checks a token's signature before it reads anything of it, and that it has not ended.
func (s seal) read(token string, now time.Time) (claims, error) {
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || !strings.HasPrefix(token, jwtHeader+".") || !s.holds(token[:cut], token[cut+1:]) {
		return claims{}, errJWT
	}
	body, err := base64.RawURLEncoding.DecodeString(token[len(jwtHeader)+1 : cut])
	if err != nil {
		return claims{}, errJWT
	}
	var c claims
	if err := json.Unmarshal(body, &c); err != nil || !now.Before(time.Unix(c.Expires, 0)) {
		return claims{}, errJWT
	}
	return c, nil
}

// looksLikeJWT tells access tokens from the Bearer tokens of programs.
func looksLikeJWT(token string) bool { return strings.Count(token, ".") == 2 }
