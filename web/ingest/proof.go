package ingest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"dockbell/models/fault"
	"dockbell/models/source"
)

// Sources finds them by name.
type Sources interface {
	Source(ctx context.Context, name source.Name) (source.Source, error)
}

// known remembers sources, because every event asks for one. It may be behind: what it says is held to the store when an event
// is stored, and when a token does not fit.
type known struct {
	mu      sync.RWMutex
	sources map[string]knownSource
}

type knownSource struct {
	source.Source
	read time.Time
}

func (k *known) get(name source.Name) (source.Source, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.sources[name.Key()]
	return s.Source, ok
}

// since reports whether a source was read after a moment.
func (k *known) since(name source.Name, moment time.Time) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.sources[name.Key()].read.After(moment)
}

func (k *known) put(s source.Source, read time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sources == nil {
		k.sources = map[string]knownSource{}
	}
	k.sources[s.Name.Key()] = knownSource{s, read}
}

func (k *known) forget(name source.Name) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.sources, name.Key())
}

// unproven is the one answer to every wrong token: it does not say whether there is such a source.
func unproven() error {
	return fault.New(fault.Unauthenticated, "There is no such source, or this is not its token. Send it as Authorization: Bearer.")
}

// prove finds the source and holds what was sent to its token.
func (d *Door) prove(r *request) error {
	name := source.Name(r.Param("source"))
	if s, ok := d.known.get(name); ok {
		if proven, err := r.proves(s); err != nil || proven {
			r.source = s
			return err
		}
	}
	d.known.forget(name)
	s, err := d.Sources.Source(r.http.Context(), name)
	switch {
	case fault.Is(err, fault.NotFound):
		return unproven()
	case err != nil:
		return err
	}
	proven, err := r.proves(s)
	switch {
	case err != nil:
		return err
	case !proven:
		return unproven()
	}
	d.known.put(s, d.Now())
	r.source = s
	return nil
}

// proves reports whether the request carries the source's token, or is signed with it.
func (r *request) proves(s source.Source) (bool, error) {
	if token := r.token(s); token != "" {
		return s.Holds(token), nil
	}
	signature := r.signature()
	if s.Secret == "" || signature == nil {
		return false, nil
	}
	r.source = s // its limits hold for the body
	if err := r.readBody(); err != nil {
		return false, err
	}
	mac := hmac.New(sha256.New, []byte(s.Secret))
	mac.Write(r.body)
	return hmac.Equal(mac.Sum(nil), signature), nil
}

// token is what the request carries: a Bearer, the password of Basic, or the end of the address where the kind may do that.
func (r *request) token(s source.Source) string {
	if secret := r.Param("secret"); secret != "" {
		if !s.Kind.Known().InPath {
			return ""
		}
		return secret
	}
	header := r.http.Header.Get("Authorization")
	if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	_, password, _ := r.http.BasicAuth()
	return password
}

// signature is the HMAC-SHA256 that came with the body; nil when none did.
func (r *request) signature() []byte {
	for _, name := range []string{"X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature"} {
		if text := r.http.Header.Get(name); text != "" {
			sum, err := hex.DecodeString(strings.TrimPrefix(text, "sha256="))
			if err == nil {
				return sum
			}
		}
	}
	return nil
}
