package webhook

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"dockbell/models/audit"
)

// noted is a context in which the next change is recorded as action on w.
func noted(ctx context.Context, action string, w Webhook, changes []audit.Change) context.Context {
	return audit.Note(ctx, audit.Entry{Action: action, Registry: string(w.Registry), Object: string(w.Name), Changes: changes})
}

// words describe a webhook for the record; secrets are masked.
func (w Webhook) words() []audit.Field {
	return []audit.Field{
		{Name: "location", Words: string(w.Location)}, {Name: "serviceUri", Words: w.ServiceURI.Masked()},
		{Name: "customHeaders", Words: strings.ReplaceAll(w.Headers.Masked(), "\n", ", ")}, {Name: "actions", Words: strings.Join(w.ActionWords(), ", ")},
		{Name: "status", Words: string(w.Status)}, {Name: "scope", Words: w.Scope.String()}, {Name: "tags", Words: audit.Tags(w.Tags)},
		{Name: "format", Words: w.Format}, {Name: "retry", Words: w.Retry.String()}, {Name: "timeout", Words: w.Timeout.String()}, {Name: "signed", Words: yesOrNo(len(w.SigningSecrets) > 0)},
		{Name: "maxInFlight", Words: orNothing(w.MaxInFlight)}, {Name: "rate", Words: orNothing(w.Rate)}, {Name: "ordered", Words: yesOrNo(w.Ordered)},
		{Name: "paused", Words: yesOrNo(w.IsPaused())},
	}
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// orNothing writes a number that 0 leaves to Dockbell.
func orNothing(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// changesTo are the fields in which after differs. A secret that is another one now says no more than that.
func (w Webhook) changesTo(after Webhook) []audit.Change {
	all := audit.Differences(w.words(), after.words())
	secret := func(field string, changed bool) {
		known := slices.ContainsFunc(all, func(c audit.Change) bool { return c.Field == field })
		if changed && !known {
			all = append(all, audit.Change{Field: field, From: Masked, To: "another " + Masked})
		}
	}
	secret("serviceUri", w.ServiceURI != after.ServiceURI)
	secret("customHeaders", !slices.Equal(w.Headers, after.Headers))
	secret("signingSecret", !slices.Equal(w.SigningSecrets, after.SigningSecrets) && len(w.SigningSecrets) > 0 && len(after.SigningSecrets) > 0)
	return all
}
