package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// step is what apply does with one webhook: + creates, ~ changes, - deletes.
type step struct {
	sign   byte
	name   webhook.Name
	want   hookSpec
	old    hookSpec // what the plan found; empty for a new one
	fields []fieldChange
}

// fieldChange is one field that differs, in words that may be shown: no secret is in them.
type fieldChange struct {
	field         string
	before, after string
}

// hookPlan is the difference between a file and a registry.
type hookPlan struct {
	steps     []step
	unchanged int
	extra     []webhook.Name // not in the file, and not to be deleted
}

// planHooks compares what is wanted with what is there. A ****** in what is wanted stands for the value that is stored.
func planHooks(f hookFile, have []hookSpec, home registry.Location, prune bool) (hookPlan, error) {
	var p hookPlan
	stored := map[string]hookSpec{}
	for _, h := range have {
		stored[h.name.Key()] = h
	}
	for _, want := range f.hooks {
		old, exists := stored[want.name.Key()]
		delete(stored, want.name.Key())
		if want.location == "" {
			want.location = home
			if exists {
				want.location = old.location
			}
		}
		if err := want.keepStored(old, exists); err != nil {
			return p, usage("%s: %w", f.name, err)
		}
		p.add(want, old, exists)
	}
	for _, key := range slices.Sorted(maps.Keys(stored)) {
		if prune {
			p.steps = append(p.steps, step{sign: '-', name: stored[key].name, old: stored[key]})
		} else {
			p.extra = append(p.extra, stored[key].name)
		}
	}
	return p, nil
}

func (p *hookPlan) add(want, old hookSpec, exists bool) {
	fields := differences(want, old, exists)
	switch {
	case !exists:
		p.steps = append(p.steps, step{'+', want.name, want, old, fields})
	case len(fields) > 0:
		p.steps = append(p.steps, step{'~', old.name, want, old, fields})
	default:
		p.unchanged++
	}
}

// keepStored puts stored secrets where ****** stands, as export writes it, and refuses what cannot be done.
func (s *hookSpec) keepStored(old hookSpec, exists bool) error {
	if exists && s.location != old.location {
		return fmt.Errorf("the location of %s is %s and cannot change to %s: give the webhook for %s a name of its own", s.name, old.location, s.location, s.location)
	}
	s.uri = s.uri.Keep(old.uri)
	if s.uri.String() == s.uri.Masked() && strings.Contains(s.uri.String(), "//"+webhook.Masked+"@") {
		return fmt.Errorf("the user and password in the URI of %s are ******, but none are stored for this address: write them, best as ${NAME}", s.name)
	}
	s.headers = maps.Clone(s.headers)
	for name, value := range s.headers {
		if value != webhook.Masked {
			continue
		}
		kept, stored := old.headers[name]
		if !stored {
			return fmt.Errorf("the header %s of %s is ******, but no value is stored for it: write it, best as ${NAME}", name, s.name)
		}
		s.headers[name] = kept
	}
	return nil
}

// differences lists the fields that differ; those of a new webhook that are not empty.
func differences(want, old hookSpec, exists bool) []fieldChange {
	var all []fieldChange
	note := func(field, before, after string, changed bool) {
		if changed || !exists && after != "" {
			all = append(all, fieldChange{field, before, after})
		}
	}
	had, has := old.masks(), want.masks()
	note("location", string(old.location), string(want.location), exists && old.location != want.location)
	note("uri", old.shownURI(want.hidden), want.shownURI(want.hidden), old.uri != want.uri)
	note("actions", join(old.actions), join(want.actions), !slices.Equal(old.actions, want.actions))
	note("status", string(old.status), string(want.status), old.status != want.status)
	note("scope", old.scope.String(), want.scope.String(), old.scope.String() != want.scope.String())
	for _, name := range namesOf(old.headers, want.headers) {
		value, was := old.headers[name]
		wanted, is := want.headers[name]
		note("header "+name, had[name], has[name], was != is || value != wanted)
	}
	for _, name := range namesOf(old.tags, want.tags) {
		value, was := old.tags[name]
		wanted, is := want.tags[name]
		note("tag "+name, value, wanted, was != is || value != wanted)
	}
	if !exists {
		old.delivery = plainDelivery()
	}
	return append(all, want.delivery.differences(old.delivery)...)
}

// masks are the headers as they may be shown.
func (s hookSpec) masks() map[string]string {
	all := map[string]string{}
	for name := range s.headers {
		all[name] = webhook.Masked
	}
	return all
}

// shownURI is the URI without its user and password; hidden leaves out the path too, where services such as chats keep a secret.
func (s hookSpec) shownURI(hidden bool) string {
	if hidden && s.uri.Host() != "" {
		return s.uri.Scheme() + "://" + s.uri.Authority() + "/" + webhook.Masked
	}
	return s.uri.Masked()
}

func join[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}

func namesOf(a, b map[string]string) []string {
	names := maps.Clone(a)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, b)
	return slices.Sorted(maps.Keys(names))
}

// write shows the plan to people.
func (p hookPlan) write(w io.Writer, reg string) {
	if len(p.steps) == 0 {
		fmt.Fprintf(w, "%s is as the file says: %s.\n", reg, count(p.unchanged, "webhook"))
	} else {
		fmt.Fprintf(w, "Webhooks of %s:\n\n", reg)
		for _, s := range p.steps {
			s.write(w)
		}
		fmt.Fprintf(w, "\n%s, %d unchanged.\n", p.summary(), p.unchanged)
	}
	if len(p.extra) > 0 {
		fmt.Fprintf(w, "Not in the file and left alone: %s. Delete with --prune.\n", join(p.extra))
	}
}

func (s step) write(w io.Writer) {
	fmt.Fprintf(w, "  %c %s\n", s.sign, s.name)
	for _, f := range s.fields {
		text := orWord(printable(f.after), "(none)")
		if s.sign == '~' {
			text = orWord(printable(f.before), "(none)") + " → " + text
			if f.before == f.after {
				text += " (another value)"
			}
		}
		fmt.Fprintf(w, "      %s: %s\n", printable(f.field), text)
	}
}

// summary counts the steps.
func (p hookPlan) summary() string {
	var parts []string
	for _, kind := range []struct {
		sign byte
		word string
	}{{'+', "to create"}, {'~', "to change"}, {'-', "to delete"}} {
		if n := p.count(kind.sign); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind.word))
		}
	}
	return strings.Join(parts, ", ")
}

func (p hookPlan) count(sign byte) (n int) {
	for _, s := range p.steps {
		if s.sign == sign {
			n++
		}
	}
	return n
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
