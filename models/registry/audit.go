package registry

import (
	"context"
	"strconv"
	"strings"

	"dockbell/models/audit"
)

// noted is a context in which the next change is recorded as action on the registry.
func (r Registry) noted(ctx context.Context, action string, changes []audit.Change) context.Context {
	return audit.Note(ctx, audit.Entry{Action: action, Registry: string(r.Name), Object: string(r.Name), Changes: changes})
}

// words describe a registry for the record.
func (r Registry) words() []audit.Field {
	var replicas []string
	for _, rep := range r.Replicas {
		word := string(rep.Location)
		if rep.EndpointOff {
			word += " (not routed to)"
		}
		replicas = append(replicas, word)
	}
	return []audit.Field{
		{Name: "group", Words: r.Group}, {Name: "location", Words: string(r.Home)}, {Name: "sku", Words: string(r.Tier)},
		{Name: "replications", Words: strings.Join(replicas, ", ")}, {Name: "tags", Words: audit.Tags(r.Tags)},
		{Name: "adminUserEnabled", Words: strconv.FormatBool(r.AdminUser)}, {Name: "anonymousPullEnabled", Words: strconv.FormatBool(r.Policies.AnonymousPull)},
		{Name: "quarantinePolicy", Words: strconv.FormatBool(r.Policies.Quarantine)},
		{Name: "announceUntaggedManifests", Words: strconv.FormatBool(r.Policies.AnnounceUntagged)}, {Name: "announceUntag", Words: strconv.FormatBool(r.Policies.AnnounceUntag)},
	}
}
