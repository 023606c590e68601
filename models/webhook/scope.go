package webhook

import (
	"regexp"
	"slices"
	"strings"

	"dockbell/models/fault"
)

// MaxRepository and MaxTag bound the two parts of a scope: the limits of OCI Distribution 1.1.
const (
	MaxRepository = 255
	MaxTag        = 128
)

// Scope limits a webhook to some repositories and tags: `[!]repo[:tag]`, separated by commas. A missing tag means latest,
// * stands for any run of characters and ? for exactly one, a leading ! excludes. The zero Scope covers everything.
type Scope struct {
	text  string
	parts []scopePart
}

type scopePart struct {
	repo, tag string
	exclude   bool
}

var (
	repoPart = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*\z`)
	repoGlob = regexp.MustCompile(`^[a-z0-9._*?-]+\z`)
	tagPlain = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*\z`)
	tagGlob  = regexp.MustCompile(`^[A-Za-z0-9_*?][A-Za-z0-9._*?-]*\z`)
)

// ParseScope reads a scope; a bad one is a fault at field "scope".
func ParseScope(text string) (Scope, error) {
	if text == "" {
		return Scope{}, nil
	}
	s := Scope{text: text}
	for _, item := range strings.Split(text, ",") {
		part, err := parseScopePart(item)
		if err != nil {
			return Scope{}, err
		}
		s.parts = append(s.parts, part)
	}
	return s, nil
}

// StoredScope takes a scope that ParseScope accepted before.
func StoredScope(text string) Scope {
	s, err := ParseScope(text)
	if err != nil { // cannot cover anything by mistake
		return Scope{text: text, parts: []scopePart{{repo: "", tag: ""}}}
	}
	return s
}

func parseScopePart(item string) (scopePart, error) {
	p := scopePart{tag: "latest"}
	rest, exclude := strings.CutPrefix(item, "!")
	p.exclude = exclude
	p.repo = rest
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		p.repo, p.tag = rest[:i], rest[i+1:]
	}
	switch {
	case item == "":
		return p, fault.In("scope", "The scope has an empty part. Write repository:tag, several separated by single commas, or leave it empty for all events.")
	case strings.ContainsAny(item, " \t\r\n"):
		return p, fault.In("scope", "A scope holds no blanks or line breaks. Write it as team/api:v*,team/web:*.")
	case !validScopeRepo(p.repo):
		return p, fault.In("scope", "%q is not a repository name. Use lower-case letters, digits and . _ - between /, with * and ? as wildcards.", p.repo)
	case !validScopeTag(p.tag):
		return p, fault.In("scope", "%q is not a tag. Use up to 128 letters, digits and . _ -, with * and ? as wildcards.", p.tag)
	}
	return p, nil
}

func validScopeRepo(repo string) bool {
	if repo == "" || len(repo) > MaxRepository {
		return false
	}
	for _, part := range strings.Split(repo, "/") {
		rule := repoPart
		if strings.ContainsAny(part, "*?") {
			rule = repoGlob
		}
		if !rule.MatchString(part) {
			return false
		}
	}
	return true
}

func validScopeTag(tag string) bool {
	if tag == "" || len(tag) > MaxTag {
		return false
	}
	if strings.ContainsAny(tag, "*?") {
		return tagGlob.MatchString(tag)
	}
	return tagPlain.MatchString(tag)
}

// String gives the scope as it was typed; "" covers everything.
func (s Scope) String() string { return s.text }

// Everything reports whether the scope covers every event of the registry.
func (s Scope) Everything() bool { return len(s.parts) == 0 }

// Meaning writes out what a scope without a tag means: "foo" covers foo:latest alone.
func (s Scope) Meaning() string {
	var parts []string
	for _, p := range s.parts {
		text := p.repo + ":" + p.tag
		if p.exclude {
			text = "not " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// Warning is a sentence about a scope that is well formed but can hardly be meant; "" when there is none.
func (s Scope) Warning() string {
	for _, p := range s.parts {
		if host, _, found := strings.Cut(p.repo, "/"); found && strings.Contains(host, ".") && !strings.ContainsAny(host, "*?") {
			return "The scope begins with what looks like a host name (" + host + "). A scope names the repository alone, without the login server."
		}
	}
	return ""
}

// Covers reports whether an event about this repository and tag lies in the scope. A tagless event (tag "") lies in it
// when a tag part is exactly *, and a delete also through the tags that the manifest carried.
func (s Scope) Covers(repository, tag string, carried []string) bool {
	covered, plain := false, false
	for _, p := range s.parts {
		hit := p.covers(repository, tag, carried)
		if p.exclude && hit {
			return false
		}
		if !p.exclude {
			plain = true
			covered = covered || hit
		}
	}
	return covered || !plain
}

// Reaches reports whether some tag of the repository can lie in the scope: what the scope's preview lists.
func (s Scope) Reaches(repository string) bool {
	reached, plain := false, false
	for _, p := range s.parts {
		hit := globMatch(p.repo, repository)
		if p.exclude && hit && p.tag == "*" {
			return false
		}
		if !p.exclude {
			plain = true
			reached = reached || hit
		}
	}
	return reached || !plain
}

func (p scopePart) covers(repository, tag string, carried []string) bool {
	if !globMatch(p.repo, repository) {
		return false
	}
	if p.tag == "*" || tag != "" && globMatch(p.tag, tag) {
		return true
	}
	return slices.ContainsFunc(carried, func(t string) bool { return globMatch(p.tag, t) }) // a deleted chart has a tag and may have carried more
}

// globMatch compares whole strings byte by byte; * stands for any run, ? for one byte (the grammars are ASCII).
// It goes back to the last * alone, so its time is bounded by the product of both lengths.
func globMatch(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
