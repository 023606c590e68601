package source

import (
	"unicode/utf8"

	"dockbell/models/artifact"
	"dockbell/models/fault"
)

// Longest texts that are kept of what a sender tells beside the target, in bytes.
const (
	maxID    = 256
	maxWord  = 256
	maxAgent = 1024
)

// maxSize is the largest size that is believed: what every JSON reader can hold exactly.
const maxSize = 1<<53 - 1

// clipped is the notice with its free texts cut to what is kept.
func (n Notice) clipped() Notice {
	n.ID, n.Actor = clip(n.ID, maxID), clip(n.Actor, maxWord)
	r := &n.Request
	r.ID, r.Addr, r.Host, r.Method = clip(r.ID, maxWord), clip(r.Addr, maxWord), clip(r.Host, maxWord), clip(r.Method, maxWord)
	r.UserAgent = clip(r.UserAgent, maxAgent)
	return n
}

// clip cuts a text to n bytes, between two characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// check refuses what breaks the grammar of the OCI specification, before anything touches a path or a page.
func (n Notice) check() error {
	t := n.Target
	if _, err := artifact.ParseRepository(t.Repository); err != nil {
		return err
	}
	if t.Tag != "" || n.What == Untagged {
		if _, err := artifact.ParseTag(t.Tag); err != nil {
			return err
		}
	}
	if t.Digest != "" || n.What == Deleted && t.Tag == "" {
		if _, err := artifact.ParseDigest(t.Digest); err != nil {
			return err
		}
	}
	if t.Tag == "" && t.Digest == "" {
		return fault.New(fault.Invalid, "It names neither a tag nor a digest.")
	}
	for _, tag := range n.Carried {
		if _, err := artifact.ParseTag(tag); err != nil {
			return err
		}
	}
	switch {
	case t.MediaType != "" && !artifact.IsMediaType(t.MediaType):
		return fault.New(fault.Invalid, "Its media type %.60q is none.", t.MediaType)
	case t.Size < 0 || t.Size > maxSize:
		return fault.New(fault.Invalid, "Its size is not one in bytes.")
	}
	return nil
}
