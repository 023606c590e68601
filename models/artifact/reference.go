package artifact

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"regexp"
	"strings"

	"dockbell/models/fault"
)

// The digest algorithms of the OCI specification.
const (
	SHA256 = "sha256"
	SHA512 = "sha512"
)

// MaxRepository is the longest name of a repository, in bytes.
const MaxRepository = 255

// The grammar of the OCI distribution specification, anchored: \z does not let a final line feed pass, as $ does.
var (
	repositoryRule = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\z`)
	tagRule        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\z`)
	digestRule     = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\z`)
)

// ParseRepository checks a repository's name; a bad one is a fault at field "repository".
func ParseRepository(s string) (string, error) {
	switch {
	case len(s) > MaxRepository:
		return "", fault.In("repository", "A repository name has at most %d characters.", MaxRepository)
	case !repositoryRule.MatchString(s):
		return "", fault.In("repository", "A repository name is made of lower-case letters and digits, with single . _ or - between them, and / between its parts.")
	}
	return s, nil
}

// ParseTag checks a tag; a bad one is a fault at field "tag".
func ParseTag(s string) (string, error) {
	if !tagRule.MatchString(s) {
		return "", fault.In("tag", "A tag has 1 to 128 letters, digits, dots, hyphens and underscores and starts with a letter, a digit or _.")
	}
	return s, nil
}

// ParseDigest checks a digest; a bad one is a fault at field "digest".
func ParseDigest(s string) (string, error) {
	if !digestRule.MatchString(s) {
		return "", fault.In("digest", "A digest is sha256: and 64, or sha512: and 128 lower-case hexadecimal digits.")
	}
	return s, nil
}

// Reference names a manifest in its repository: by tag or by digest, never both.
type Reference struct{ Tag, Digest string }

// ParseReference reads what stands behind /manifests/: whatever holds a colon is meant to be a digest.
func ParseReference(s string) (Reference, error) {
	if strings.Contains(s, ":") {
		d, err := ParseDigest(s)
		return Reference{Digest: d}, err
	}
	t, err := ParseTag(s)
	return Reference{Tag: t}, err
}

// String gives the tag or the digest.
func (r Reference) String() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// FallbackSubject is the digest in a tag under which clients keep referrers on registries without the referrers API (OCI
// Distribution 1.1); "" for every other tag.
func FallbackSubject(tag string) string {
	digest := strings.Replace(tag, "-", ":", 1)
	if digest == tag || !digestRule.MatchString(digest) {
		return ""
	}
	return digest
}

// AlgorithmOf is the algorithm of a valid digest.
func AlgorithmOf(digest string) string {
	algorithm, _, _ := strings.Cut(digest, ":")
	return algorithm
}

// DigestOf is the digest of content by sha512 when that is asked for, else by sha256.
func DigestOf(content []byte, algorithm string) string {
	if algorithm == SHA512 {
		sum := sha512.Sum512(content)
		return SHA512 + ":" + hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(content)
	return SHA256 + ":" + hex.EncodeToString(sum[:])
}
