// Package cleanup removes what nobody needs any more: by a registry's rules, and whatever nothing refers to.
package cleanup

import (
	"strconv"
	"strings"
	"time"

	"dockbell/models/artifact"
	"dockbell/models/audit"
	"dockbell/models/fault"
	"dockbell/models/registry"
)

// Rules say what a registry deletes by itself. The zero value deletes nothing.
type Rules struct {
	KeepTags     int      // newest tags of a repository that stay; 0: all
	UntaggedDays int      // days until a manifest without a tag goes; 0: never
	Keep         []string // what never goes: patterns of repositories, or of tags as repository:tag
	By           string   // who set them
	Updated      time.Time
}

// Any reports whether the rules delete anything.
func (r Rules) Any() bool { return r.KeepTags > 0 || r.UntaggedDays > 0 }

// words describe the rules for the record.
func (r Rules) words() []audit.Field {
	return []audit.Field{
		{Name: "keepTags", Words: strconv.Itoa(r.KeepTags)}, {Name: "untaggedDays", Words: strconv.Itoa(r.UntaggedDays)}, {Name: "keep", Words: strings.Join(r.Keep, ", ")},
	}
}

// Bounds of the rules.
const (
	maxKeepTags = 10_000
	maxDays     = 3650
	maxPatterns = 100
)

// Draft is what somebody typed.
type Draft struct{ KeepTags, UntaggedDays, Keep string }

// Parse checks a draft; all faults at once, at the fields keepTags, untaggedDays and keep.
func (d Draft) Parse() (Rules, []error) {
	var r Rules
	var errs []error
	number := func(field, text string, most int) int {
		n := 0
		for _, digit := range strings.TrimSpace(text) {
			if digit < '0' || digit > '9' || n > most {
				errs = append(errs, fault.In(field, "Give a whole number up to %d, or nothing.", most))
				return 0
			}
			n = n*10 + int(digit-'0')
		}
		if n > most {
			errs = append(errs, fault.In(field, "Give a whole number up to %d, or nothing.", most))
		}
		return n
	}
	r.KeepTags = number("keepTags", d.KeepTags, maxKeepTags)
	r.UntaggedDays = number("untaggedDays", d.UntaggedDays, maxDays)
	for pattern := range strings.FieldsFuncSeq(d.Keep, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' }) {
		if err := check(pattern); err != nil || len(r.Keep) == maxPatterns {
			errs = append(errs, fault.In("keep", "%q is no repository and no repository:tag; * and ? stand for any text. At most %d.", pattern, maxPatterns))
			break
		}
		r.Keep = append(r.Keep, pattern)
	}
	return r, errs
}

// check refuses a pattern that can match nothing.
func check(pattern string) error {
	repository, tag, tagged := strings.Cut(pattern, ":")
	plain := strings.NewReplacer("*", "x", "?", "x")
	if _, err := artifact.ParseRepository(plain.Replace(repository)); err != nil {
		return err
	}
	if !tagged {
		return nil
	}
	_, err := artifact.ParseTag(plain.Replace(tag))
	return err
}

// keeps reports whether a pattern protects a tag, or without one everything of its repository.
func (r Rules) keeps(repository, tag string) bool {
	for _, pattern := range r.Keep {
		of, name, tagged := strings.Cut(pattern, ":")
		if artifact.Glob(of, repository) && (!tagged || tag != "" && artifact.Glob(name, tag)) {
			return true
		}
	}
	return false
}

// Removal is one thing that rules delete: a tag, or a manifest with all its tags.
type Removal struct {
	Registry   registry.Name
	Repository string
	Digest     string
	Tags       []string // that go
	Manifest   bool     // it goes too: no tag of it stays, and no index needs it
	Size       int64    // of the manifest alone: layers go when nothing else needs them
	Pushed     time.Time
	Why        string
}
