package ingest

import (
	"fmt"
	"strings"
	"time"

	"dockbell/models/event"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// harbor reads both of Harbor's formats.
func harbor(r *request) ([]source.Notice, error) {
	if isCloud(r) {
		all, err := clouds(r)
		var notices []source.Notice
		for _, c := range all {
			notices = append(notices, harborCloud(c)...)
		}
		return notices, err
	}
	const want = `it is an object with "type" and "event_data".`
	o, _ := r.value.(strict.Object)
	f := &fields{}
	kind, data := f.text(o, "type"), f.object(o, "event_data")
	if kind == "" || f.wrong != "" {
		return nil, noEnvelope(want)
	}
	at := f.number(o, "occur_at")
	n := source.Notice{Actor: f.text(o, "operator")}
	if at > 0 {
		n.Time = time.Unix(at, 0).UTC().Format(time.RFC3339)
	}
	n.Wrong = f.wrong
	what := map[string]source.What{"PUSH_ARTIFACT": source.Pushed, "DELETE_ARTIFACT": source.Deleted}[kind]
	notices := harborNotices(n, what, data)
	for i := range notices {
		t := notices[i].Target
		notices[i].Key = strings.Join([]string{kind, fmt.Sprint(at), t.Repository, t.Digest, t.Tag}, "\n")
	}
	return notices, nil
}

// harborCloud reads a CloudEvent of Harbor's.
func harborCloud(c cloud) []source.Notice {
	f, n := &fields{}, c.notice()
	n.Actor, n.Wrong = f.text(c.attributes, "operator"), f.wrong
	what := map[string]source.What{"harbor.artifact.pushed": source.Pushed, "harbor.artifact.deleted": source.Deleted}[c.kind]
	notices := harborNotices(n, what, c.data)
	for i := range notices {
		if i > 0 {
			notices[i].Key += fmt.Sprint("\n", i)
		}
	}
	return notices
}

// harborNotices makes a notice of each artifact of an event.
func harborNotices(n source.Notice, what source.What, data strict.Object) []source.Notice {
	if what == "" {
		n.Why = "Its type tells of no pushed or deleted artifact."
		return []source.Notice{n}
	}
	f := &fields{}
	repository := f.text(f.object(data, "repository"), "repo_full_name")
	resources := f.list(data, "resources")
	if len(resources) == 0 && n.Wrong == "" {
		n.Wrong = "It names no artifact."
	}
	if f.wrong != "" {
		n.Wrong = f.wrong
	}
	if n.Wrong != "" {
		return []source.Notice{n}
	}
	var all []source.Notice
	for _, o := range resources {
		f := &fields{}
		one := n
		one.What = what
		one.Target = event.Target{Repository: repository, Digest: f.text(o, "digest"), Tag: f.text(o, "tag")}
		if strings.Contains(one.Target.Tag, ":") { // what has no tag is named by its digest
			one.Target.Tag = ""
		}
		one.Request.Host, _, _ = strings.Cut(f.text(o, "resource_url"), "/")
		one.Wrong = f.wrong
		all = append(all, one)
	}
	return all
}
