package cleanup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dockbell/models/registry"
)

// Tagged is a tag that is not among the newest of its repository, with what its manifest needs to be judged.
type Tagged struct {
	Repository, Tag, Digest string
	Size                    int64
	Pushed                  time.Time
	Locked                  bool // the tag, its manifest or its repository
	Tags                    int  // of its manifest
	Needed                  bool // an index is made of it
}

// Untagged is a manifest without a tag that nothing needs.
type Untagged struct {
	Repository, Digest string
	Size               int64
	Pushed, Since      time.Time
}

// Candidates finds what rules may apply to; *store.DB does.
type Candidates interface {
	OldTags(ctx context.Context, name registry.Name, keep int) ([]Tagged, error) // by repository and digest
	UntaggedManifests(ctx context.Context, name registry.Name, before time.Time) ([]Untagged, error)
}

// Plan says what the rules would delete now, and changes nothing.
func Plan(ctx context.Context, from Candidates, name registry.Name, rules Rules, now time.Time) ([]Removal, error) {
	var all []Removal
	if rules.KeepTags > 0 {
		old, err := from.OldTags(ctx, name, rules.KeepTags)
		if err != nil {
			return nil, err
		}
		all = rules.tags(name, old)
	}
	if rules.UntaggedDays == 0 {
		return all, nil
	}
	untagged, err := from.UntaggedManifests(ctx, name, now.AddDate(0, 0, -rules.UntaggedDays))
	for _, m := range untagged {
		if !rules.keeps(m.Repository, "") {
			all = append(all, Removal{
				Registry: name, Repository: m.Repository, Digest: m.Digest, Manifest: true, Size: m.Size, Pushed: m.Pushed,
				Why: fmt.Sprintf("Without a tag for more than %d days", rules.UntaggedDays),
			})
		}
	}
	return all, err
}

func notNewest(keep int) string {
	if keep == 1 {
		return "Not the newest tag of its repository"
	}
	return fmt.Sprintf("Not among the newest %d tags of its repository", keep)
}

// tags judges tags that are not among the newest. A manifest goes with its last tag, unless an index is made of it.
func (r Rules) tags(name registry.Name, old []Tagged) []Removal {
	var all []Removal
	for len(old) > 0 {
		n := slices.IndexFunc(old, func(t Tagged) bool { return t.Digest != old[0].Digest || t.Repository != old[0].Repository })
		if n < 0 {
			n = len(old)
		}
		one := Removal{
			Registry: name, Repository: old[0].Repository, Digest: old[0].Digest, Size: old[0].Size, Pushed: old[0].Pushed,
			Why: notNewest(r.KeepTags),
		}
		for _, t := range old[:n] {
			if !t.Locked && !r.keeps(t.Repository, t.Tag) {
				one.Tags = append(one.Tags, t.Tag)
			}
		}
		one.Manifest = len(one.Tags) == old[0].Tags && !old[0].Needed
		if len(one.Tags) > 0 {
			all = append(all, one)
		}
		old = old[n:]
	}
	return all
}
