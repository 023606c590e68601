package account

import (
	"slices"
	"strings"

	"dockbell/models/artifact"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// ContentRights are the permissions on what a registry holds, in the order of forms. Only these can be left to a narrowed token.
var ContentRights = []Permission{Pull, PushImages, DeleteImgs, ReleaseQtn}

// Narrowing limits a token to some rights on what registries hold, in some repositories. The zero value limits nothing.
type Narrowing struct {
	Rights       []Permission // empty: all that the role has
	Repositories []string     // patterns: * is any text, ? one character; empty: every repository
}

// Any reports whether there is a limit. Whoever has one may do nothing but use what registries hold.
func (n Narrowing) Any() bool { return len(n.Rights) > 0 || len(n.Repositories) > 0 }

// allows reports whether the limit lets a permission pass, in whichever repository.
func (n Narrowing) allows(perm Permission) bool {
	if !n.Any() {
		return true
	}
	return slices.Contains(ContentRights, perm) && (len(n.Rights) == 0 || slices.Contains(n.Rights, perm))
}

// Covers reports whether the limit reaches a repository.
func (n Narrowing) Covers(repository string) bool {
	return len(n.Repositories) == 0 || slices.ContainsFunc(n.Repositories, func(pattern string) bool { return artifact.Glob(pattern, repository) })
}

// maxPatterns is how many repository patterns one token has.
const maxPatterns = 20

// parseNarrowing reads rights and patterns as people give them: lists with commas or blanks between.
func parseNarrowing(rights, repositories string) (n Narrowing, errs []error) {
	for _, word := range words(rights) {
		right := Permission(strings.ToLower(word))
		if !slices.Contains(ContentRights, right) {
			errs = append(errs, fault.In("rights", "The rights are pull, push, delete and quarantine."))
			break
		}
		if !slices.Contains(n.Rights, right) {
			n.Rights = append(n.Rights, right)
		}
	}
	for _, pattern := range words(repositories) {
		if _, err := artifact.ParseRepository(strings.NewReplacer("*", "x", "?", "x").Replace(pattern)); err != nil || len(n.Repositories) == maxPatterns {
			errs = append(errs, fault.In("repositories", "Give up to %d repository names, such as team/api or team/*.", maxPatterns))
			break
		}
		n.Repositories = append(n.Repositories, pattern)
	}
	return n, errs
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
}

// MayIn reports whether the principal may do p to what is in a repository.
func (p Principal) MayIn(perm Permission, r registry.Name, repository string) bool {
	return p.May(perm, r) && p.Narrow.Covers(repository)
}
