// Package account is who may do what: users, tokens, HTTP sessions and the roles of Azure's RBAC.
package account

import (
	"time"

	"dockbell/models/registry"
)

// Role is one of three, each including those below it.
type Role string

// The roles. On /v2/ a reader pulls, a contributor also pushes and deletes, an owner also quarantines.
const (
	Owner       Role = "owner"
	Contributor Role = "contributor"
	Reader      Role = "reader"
)

// Permission is one thing a principal may be allowed to do; routes name the one they need.
type Permission string

// The permissions, from the least to the most.
const (
	Read       Permission = "read"       // see everything but secrets
	Pull       Permission = "pull"       // read manifests and blobs
	Write      Permission = "write"      // webhooks, pings, redeliveries
	PushImages Permission = "push"       // push manifests and blobs
	DeleteImgs Permission = "delete"     // delete manifests, tags and blobs
	Secrets    Permission = "secrets"    // getCallbackConfig: secrets in clear
	Admin      Permission = "admin"      // users, tokens, registries, networks
	ReleaseQtn Permission = "quarantine" // release or reject quarantined manifests
)

var allowed = map[Role]map[Permission]bool{
	Reader:      {Read: true, Pull: true},
	Contributor: {Read: true, Pull: true, Write: true, PushImages: true, DeleteImgs: true, Secrets: true},
	Owner:       {Read: true, Pull: true, Write: true, PushImages: true, DeleteImgs: true, Secrets: true, Admin: true, ReleaseQtn: true},
}

// Kind tells people from programs; Azure's createdByType.
type Kind string

// The kinds of principal.
const (
	KindUser  Kind = "User"
	KindToken Kind = "Application"
)

// Principal is who makes a request, proven by a session or a token.
type Principal struct {
	Kind     Kind
	ID       string // user id or client id
	Name     string
	Role     Role
	Registry registry.Name // empty: every registry
	Narrow   Narrowing     // of a token that may use some of what registries hold, and nothing else
}

// May reports whether the principal may do p in registry r; r is empty for what belongs to no registry.
func (p Principal) May(perm Permission, r registry.Name) bool {
	if p.Registry != "" && !p.Registry.Is(r) {
		return false
	}
	return allowed[p.Role][perm] && p.Narrow.allows(perm)
}

// User is a person who signs in to the portal.
type User struct {
	ID      string // UUID made before the insert
	Name    string // unique without regard to case
	Role    Role
	PHC     string // argon2id hash in PHC form
	Created time.Time
	Updated time.Time
}

// Token is a service principal: client id and secret, or the same secret as a Bearer.
type Token struct {
	ClientID   string // GUID
	Name       string
	Role       Role
	Registry   registry.Name // empty: every registry
	Narrow     Narrowing
	SecretHash []byte // SHA-256 of the client secret
	BearerHash []byte // SHA-256 of the Bearer
	Created    time.Time
	CreatedBy  string
	LastUsed   time.Time
}
