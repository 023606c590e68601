package oci

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/registry"
)

// passPrefix marks the tokens of the token service.
const passPrefix = "dkv_"

// passAge is how long a token of the token service is good. Clients fetch a new one by themselves; whoever lost a role or
// an account in the meantime keeps it for as long.
const passAge = 5 * time.Minute

// maxGrants is how many repositories one token may name: it travels in a header.
const maxGrants = 32

// pass is what a token of the token service says: who, in which registry, good for what, until when.
type pass struct {
	Kind     account.Kind  `json:"k,omitempty"` // empty: nobody, where everybody may pull
	ID       string        `json:"i,omitempty"`
	Name     string        `json:"n,omitempty"`
	Role     account.Role  `json:"r,omitempty"`
	Narrow   registry.Name `json:"w,omitempty"` // the principal's own registry
	Registry registry.Name `json:"g"`

	Rights       []account.Permission `json:"p,omitempty"` // what the principal is limited to
	Repositories []string             `json:"s,omitempty"`

	Grants  grants `json:"a,omitempty"`
	Expires int64  `json:"e"`
}

func (p pass) principal() account.Principal {
	return account.Principal{
		Kind: p.Kind, ID: p.ID, Name: p.Name, Role: p.Role, Registry: p.Narrow,
		Narrow: account.Narrowing{Rights: p.Rights, Repositories: p.Repositories},
	}
}

// grant is one scope of a token: actions in one repository, or the catalog.
type grant struct {
	Repository string   `json:"r,omitempty"` // empty: the catalog
	Actions    []string `json:"a"`
}

type grants []grant

// cover reports whether a token is good for a right at a place. Every token opens /v2/ itself.
func (g grants) cover(right account.Permission, at place) bool {
	if at.kind == base || at.kind != catalog && at.kind != acrCatalog && at.repository == "" {
		return true
	}
	return slices.ContainsFunc(g, func(one grant) bool {
		return one.Repository == at.repository && slices.Contains(one.Actions, verbs[right])
	})
}

// action is one word of a scope and the right it asks for.
type action struct {
	word  string
	right account.Permission
}

// actions are the words of Docker's token protocol and those that az asks for.
var actions = []action{
	{"pull", account.Pull}, {"push", account.PushImages}, {"delete", account.DeleteImgs}, {"quarantine", account.ReleaseQtn},
	{"metadata_read", account.Pull}, {"metadata_write", account.PushImages},
	{"quarantine_read", account.ReleaseQtn}, {"quarantine_write", account.ReleaseQtn},
}

// grantsFor gives what the caller may have of the scopes they ask for: "repository:team/api:pull,push", several separated
// by blanks. What they may not have, or what nobody understands, is left out, as the token protocol wants it.
func (v visit) grantsFor(scopes []string) grants {
	var all grants
	for _, scope := range strings.Fields(strings.Join(scopes, " ")) {
		kind, rest, _ := strings.Cut(scope, ":")
		name, list, _ := strings.Cut(rest, ":")
		one := grant{Repository: name}
		switch {
		case len(all) == maxGrants:
			return all
		case kind == "registry" && name == "catalog":
			if v.mayHave(account.Pull, place{kind: catalog}) {
				all = append(all, grant{Actions: []string{"pull"}})
			}
			continue
		case kind != "repository":
			continue
		}
		if _, err := artifact.ParseRepository(name); err != nil {
			continue
		}
		asked := strings.Split(list, ",")
		for _, a := range actions {
			wanted, verb := list == "*" || slices.Contains(asked, a.word), verbs[a.right]
			if wanted && !slices.Contains(one.Actions, verb) && v.mayHave(a.right, place{kind: manifest, repository: name}) {
				one.Actions = append(one.Actions, verb)
			}
		}
		if len(one.Actions) > 0 {
			all = append(all, one)
		}
	}
	return all
}

func (v visit) mayHave(right account.Permission, at place) bool {
	if !v.named() {
		return v.open(right, at)
	}
	return v.has(right, at)
}

// sealPass writes and signs a token.
func (d *Door) sealPass(p pass) (string, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return passPrefix + text + "." + base64.RawURLEncoding.EncodeToString(d.mark("token", text)), nil
}

var errPass = errors.New("bad or expired token of the token service")

// openPass checks a token's signature before it reads anything of it.
func (d *Door) openPass(token string) (pass, error) {
	p, err := d.opened.get(token, d.readPass)
	if err != nil || !d.Now().Before(time.Unix(p.Expires, 0)) {
		return pass{}, errPass
	}
	return p, nil
}

func (d *Door) readPass(token string) (p pass, err error) {
	text, mark, _ := strings.Cut(strings.TrimPrefix(token, passPrefix), ".")
	sum, err := base64.RawURLEncoding.DecodeString(mark)
	if err != nil || !hmac.Equal(sum, d.mark("token", text)) {
		return pass{}, errPass
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return pass{}, errPass
	}
	err = json.Unmarshal(body, &p)
	return p, err
}

// passes remembers tokens that were good when they were read: a client shows the same one with each of its requests, and
// what stands in a token never changes. The zero value is ready.
type passes struct {
	mu   sync.Mutex
	kept map[string]pass // by the token
}

// mostPasses is how many tokens are remembered; a token is at most some 8 KiB, usually 0.3.
const mostPasses = 1000

func (k *passes) get(token string, read func(token string) (pass, error)) (pass, error) {
	k.mu.Lock()
	p, known := k.kept[token]
	k.mu.Unlock()
	if known {
		return p, nil
	}
	p, err := read(token)
	if err != nil {
		return p, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || len(k.kept) >= mostPasses {
		k.kept = map[string]pass{} // those in use are read again
	}
	k.kept[token] = p
	return p, nil
}

// mark signs text for one purpose: a mark made for one is worth nothing for another.
func (d *Door) mark(purpose, text string) []byte {
	mac := hmac.New(sha256.New, d.keyFor(purpose))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// keyFor derives a purpose's own key.
func (d *Door) keyFor(purpose string) []byte {
	if key, known := d.keys.Load(purpose); known {
		return key.([]byte) //nolint:forcetypeassert // nothing else is stored
	}
	key, err := hkdf.Key(sha256.New, d.Key, nil, "dockbell registry "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only for keys longer than 255 hashes
	}
	d.keys.Store(purpose, key)
	return key
}

// ticket is an upload's name for its client: its id, signed for one registry, repository and caller.
func (d *Door) ticket(v visit, repository, id string) string {
	text := strings.Join([]string{v.reg.Name.Key(), repository, v.owner(), id}, "\x00")
	return id + "-" + hex.EncodeToString(d.mark("upload", text))
}

// uploadOf gives the upload of a ticket; false when it was not made for this caller and repository.
func (d *Door) uploadOf(r request) (id string, ok bool) {
	id, _, _ = strings.Cut(r.at.ticket, "-")
	return id, hmac.Equal([]byte(d.ticket(r.visit, r.at.repository, id)), []byte(r.at.ticket))
}
