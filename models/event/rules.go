package event

import (
	"dockbell/models/artifact"
	"dockbell/models/registry"
)

// Raise says which events a change raises (PRODUCT.md, decision 3): a push by tag, one delete per manifest,
// nothing for untagged manifests, referrers, fallback tags and untags unless the registry's switches say so.
func Raise(policy registry.Policies, c Change, done Outcome, newID func() ID) []Event {
	var raised []Event
	for _, a := range done.Affected {
		for _, action := range actionsOf(policy, c, a) {
			raised = append(raised, Event{
				ID: newID(), Registry: c.Registry, Location: c.Location, Action: action, Time: c.Time,
				Target: targetOf(c, a), CarriedTags: a.Carried, Request: c.Request, Actor: c.Actor, Source: "builtin",
			})
		}
	}
	return raised
}

// RaiseEverywhere raises a change's events at every location of the registry: first where it happened, then in the
// replicas that have received it, so that a webhook hears of it at its own location and of no other.
func RaiseEverywhere(reg registry.Registry, c Change, done Outcome, newID func() ID) []Event {
	if c.Location == "" {
		c.Location = reg.Home
	}
	raised := Raise(reg.Policies, c, done, newID)
	for _, l := range reg.Locations() {
		if l == c.Location {
			continue
		}
		there := c
		there.Location = l
		raised = append(raised, Raise(reg.Policies, there, done, newID)...)
	}
	return raised
}

func actionsOf(policy registry.Policies, c Change, a Affected) []Action {
	push, remove := Push, Delete
	if a.Kind == artifact.Chart {
		push, remove = ChartPush, ChartDelete
	}
	switch c.Kind {
	case PutManifest:
		if silent(a) && !policy.AnnounceUntagged {
			return nil
		}
		if a.Held {
			return []Action{Quarantine} // the push is told when it is released
		}
		if a.Kind == artifact.Chart {
			return []Action{push} // ONE delivery for a chart, also for a webhook that asked for everything
		}
		return []Action{Quarantine, push}
	case Rule:
		if silent(a) && !policy.AnnounceUntagged {
			return nil
		}
		return []Action{push}
	case DeleteManifest, DeleteRepository:
		return []Action{remove}
	case DeleteTag:
		if policy.AnnounceUntag {
			return []Action{remove}
		}
	}
	return nil
}

// silent reports whether a stored manifest is one that nobody deploys by name.
func silent(a Affected) bool {
	return a.Tag == "" || a.HasSubject || artifact.FallbackSubject(a.Tag) != ""
}

func targetOf(c Change, a Affected) Target {
	t := Target{MediaType: a.MediaType, Digest: a.Digest, Size: a.Size, Repository: a.Repository, Tag: a.Tag, Kind: a.Kind, Chart: a.Chart}
	if a.Kind == artifact.Chart && (c.Kind == DeleteManifest || c.Kind == DeleteRepository) {
		t.Tag = ChartTag(a.Chart, a.Carried) // a deleted chart is told with its name, version and tag
	}
	return t
}

// ChartTag names the tag of a deleted chart: the one equal to its version, else the first it carried.
func ChartTag(chart artifact.ChartInfo, carried []string) string {
	for _, t := range carried {
		if t == chart.Version {
			return t
		}
	}
	if len(carried) > 0 {
		return carried[0]
	}
	return ""
}
