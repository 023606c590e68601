package ingest

import (
	"strings"

	"dockbell/models/event"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// The ends of zot's types: what stands before them can be set there.
const (
	zotCreated = "repository.created"
	zotUpdated = "image.updated"
	zotDeleted = "image.deleted"
	zotLint    = "image.lint_failed"
)

func isZot(kind string) bool {
	for _, end := range []string{zotCreated, zotUpdated, zotDeleted, zotLint} {
		if strings.HasSuffix(kind, end) {
			return true
		}
	}
	return false
}

// zot reads the CloudEvents of zot's events extension.
func zot(r *request) ([]source.Notice, error) {
	if !isCloud(r) {
		return nil, noEnvelope("zot sends CloudEvents, with specversion 1.0, id, source and type.")
	}
	all, err := clouds(r)
	if err != nil {
		return nil, err
	}
	var notices []source.Notice
	for _, c := range all {
		notices = append(notices, zotNotice(c))
	}
	return notices, nil
}

func zotNotice(c cloud) source.Notice {
	f, n := &fields{}, c.notice()
	request := f.object(c.data, "request")
	n.Actor = f.text(f.object(c.data, "actor"), "name")
	n.Request = event.Request{Addr: f.text(request, "addr"), Method: f.text(request, "method"), UserAgent: f.text(request, "useragent")}
	n.Target = event.Target{Repository: f.text(c.data, "name"), Digest: f.text(c.data, "digest"), MediaType: f.text(c.data, "mediaType")}
	if reference := f.text(c.data, "reference"); strings.Contains(reference, ":") {
		n.Target.Digest = reference
	} else {
		n.Target.Tag = reference
	}
	manifest := f.text(c.data, "manifest")
	n.Target.Size, n.Config = int64(len(manifest)), configIn(manifest)
	n.Wrong = f.wrong
	switch {
	case strings.HasSuffix(c.kind, zotUpdated):
		n.What = source.Pushed
	case strings.HasSuffix(c.kind, zotDeleted):
		n.What = source.Deleted
		if n.Target.Tag != "" {
			n.Carried = []string{n.Target.Tag}
		}
	default:
		n.Why = "Its type tells of no pushed or deleted image."
	}
	return n
}

// configIn is the media type of the config in a manifest; "" when it names none, or is none.
func configIn(manifest string) string {
	o, err := strict.Parse([]byte(manifest))
	if err != nil {
		return ""
	}
	f := &fields{}
	return f.text(f.object(o, "config"), "mediaType")
}
