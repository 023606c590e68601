package store

import (
	"slices"
	"strings"

	"dockbell/models/artifact"
	"dockbell/models/event"
)

// heldStates are the quarantine states that keep a manifest from those who only pull.
var heldStates = []string{string(artifact.Quarantined), string(artifact.Failed)}

// before is what a PUT finds: locks, and the state of the manifest if it is known.
type before struct {
	Repository, Tag, Manifest int64 // locks
	Known                     int64
	Quarantine                string
	TagDigest                 string  // what the tag names so far
	Followed                  *string // the state of the manifest that this one refers to, if it is here
}

// look reads what decides whether and how a manifest may be stored.
func (r content) look(m artifact.Manifest) (before, error) {
	follows := artifact.FallbackSubject(r.change.Tag)
	if m.Subject != nil {
		follows = m.Subject.Digest
	}
	at := []any{r.key, r.change.Repository}
	args := slices.Concat(at, at, []any{r.change.Tag}, at, []any{r.change.Tag}, at, []any{m.Digest}, at, []any{m.Digest}, at, []any{m.Digest}, at, []any{follows})
	var b before
	err := r.tx.Raw(`select
		coalesce((select locks from repositories where registry_key = ? and name = ?), 0) as repository,
		coalesce((select locks from tags where registry_key = ? and repository = ? and name = ?), 0) as tag,
		coalesce((select digest from tags where registry_key = ? and repository = ? and name = ?), '') as tag_digest,
		coalesce((select locks from manifests where registry_key = ? and repository = ? and digest = ?), 0) as manifest,
		coalesce((select quarantine from manifests where registry_key = ? and repository = ? and digest = ?), '') as quarantine,
		(select count(*) from manifests where registry_key = ? and repository = ? and digest = ?) as known,
		(select quarantine from manifests where registry_key = ? and repository = ? and digest = ?) as followed`, args...).Scan(&b).Error
	return b, err
}

// mayPut refuses a PUT that a lock forbids.
func (r content) mayPut(b before, m artifact.Manifest) error {
	switch {
	case locksOf(b.Repository).NoWrite:
		return isLocked("The repository " + r.change.Repository)
	case locksOf(b.Tag).NoWrite:
		return isLocked("The tag " + r.change.Tag + " of " + r.change.Repository)
	case locksOf(b.Manifest).NoWrite:
		return isLocked("The manifest " + m.Digest)
	}
	return nil
}

// stateOf is where a pushed manifest stands: known content keeps its state, what refers to another manifest waits with it,
// and everything else waits where the registry says so.
func (r content) stateOf(b before) artifact.Quarantine {
	hold := r.change.Hold
	if b.Followed != nil {
		hold = artifact.Quarantine(*b.Followed).Holds()
	}
	switch {
	case b.Known > 0:
		return artifact.Quarantine(b.Quarantine)
	case hold:
		return artifact.Quarantined
	}
	return artifact.Free
}

// rule sets the quarantine of a manifest and of what it is made of. A release tells the push of every tag that can be
// pulled from now on.
func (r content) rule() (event.Outcome, error) {
	missing := noManifest(r.change.Repository, r.change.Digest)
	if err := r.lock(missing); err != nil {
		return event.Outcome{}, err
	}
	top, err := r.manifest(r.change.Digest, missing)
	if err != nil {
		return event.Outcome{}, err
	}
	rows, err := r.below(top)
	if err != nil {
		return event.Outcome{}, err
	}
	var changed []manifestRow
	for _, row := range append([]manifestRow{top}, rows...) {
		if row.Digest == top.Digest || artifact.Quarantine(row.Quarantine).Holds() || r.change.Ruling.State == artifact.Quarantined {
			changed = append(changed, row)
		}
	}
	var digests []string
	for _, row := range changed {
		digests = append(digests, row.Digest)
	}
	for chunk := range slices.Chunk(digests, manyDigests) {
		err := r.here().Model(&manifestRow{}).Where("digest in ?", chunk).
			Updates(map[string]any{"quarantine": string(r.change.Ruling.State), "quarantine_details": r.change.Ruling.Details}).Error
		if err != nil {
			return event.Outcome{}, err
		}
	}
	return r.released(changed)
}

// released are the tags that a ruling has made visible, and the manifests without one.
func (r content) released(rows []manifestRow) (event.Outcome, error) {
	var out event.Outcome
	for _, row := range rows {
		if r.change.Ruling.State != artifact.Passed || !artifact.Quarantine(row.Quarantine).Holds() {
			continue
		}
		tags, err := r.carried(row.Digest)
		if err != nil {
			return out, err
		}
		if len(tags) == 0 {
			tags = []string{""}
		}
		for _, tag := range tags {
			affected := r.affected(row)
			affected.Tag, affected.Held = tag, false
			out.Affected = append(out.Affected, affected)
		}
	}
	return out, nil
}

// below gives what a manifest is made of and what refers to it: children, signatures, SBOMs, and theirs.
func (r content) below(top manifestRow) ([]manifestRow, error) {
	var all []manifestRow
	seen := map[string]bool{top.Digest: true}
	for level := []string{top.Digest}; len(level) > 0; {
		var next []string
		for chunk := range slices.Chunk(level, manyDigests/2) {
			fallbacks := make([]string, len(chunk))
			for i, digest := range chunk {
				fallbacks[i] = strings.Replace(digest, ":", "-", 1)
			}
			var rows []manifestRow
			err := r.here().Select(manifestFacts).Where(
				"digest in (select digest from parts where registry_key = ? and repository = ? and manifest in ?) or subject in ? or "+
					"digest in (select digest from tags where registry_key = ? and repository = ? and name in ?)",
				r.key, r.change.Repository, chunk, chunk, r.key, r.change.Repository, fallbacks).Order("created, digest").Find(&rows).Error
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				if !seen[row.Digest] {
					seen[row.Digest] = true
					all, next = append(all, row), append(next, row.Digest)
				}
			}
		}
		level = next
	}
	return all, nil
}
