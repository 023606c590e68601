package ingest

import (
	"cmp"

	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// distribution reads the envelope of CNCF Distribution's notifications, versions 2 and 3, and of GitLab's registry.
func distribution(r *request) ([]source.Notice, error) {
	const want = `it is an object with a list "events".`
	o, ok := r.value.(strict.Object)
	if !ok {
		return nil, noEnvelope(want)
	}
	list, ok := o["events"].([]any)
	if !ok {
		return nil, noEnvelope(want)
	}
	if err := tooMany(len(list)); err != nil {
		return nil, err
	}
	notices := make([]source.Notice, 0, len(list))
	for _, item := range list {
		ev, ok := item.(strict.Object)
		if !ok {
			return nil, noEnvelope("each of its events is an object.")
		}
		notices = append(notices, distributionEvent(ev))
	}
	return notices, nil
}

func distributionEvent(ev strict.Object) source.Notice {
	f := &fields{}
	target := f.object(ev, "target")
	n := source.Notice{
		ID: f.text(ev, "id"), Time: f.text(ev, "timestamp"), Target: targetOf(f, target), Request: requestOf(f, f.object(ev, "request")),
		Actor: f.text(f.object(ev, "actor"), "name"), Config: configOf(f, target),
	}
	action := f.text(ev, "action")
	n.Wrong = f.wrong
	switch {
	case action == "push" && isBlob(n.Target):
		n.Why = "It tells of a blob, not of a manifest."
	case action == "push" && target["tag"] == "":
		n.Wrong = cmp.Or(n.Wrong, "Its tag is empty.")
	case action == "push":
		n.What = source.Pushed
	case action == "delete" && n.Target.Digest != "":
		n.What = source.Deleted
	case action == "delete":
		n.What = source.Untagged
	case action == "":
		n.Wrong = cmp.Or(n.Wrong, "It names no action.")
	default:
		n.Why = "Its action is neither push nor delete."
	}
	return n
}

// targetOf reads a target as Distribution and Azure write it.
func targetOf(f *fields, o strict.Object) event.Target {
	return event.Target{
		MediaType: f.text(o, "mediaType"), Digest: f.text(o, "digest"), Size: cmp.Or(f.number(o, "size"), f.number(o, "length")),
		Repository: f.text(o, "repository"), Tag: f.text(o, "tag"),
	}
}

// requestOf reads a request as Distribution and Azure write it.
func requestOf(f *fields, o strict.Object) event.Request {
	return event.Request{
		ID: f.text(o, "id"), Addr: f.text(o, "addr"), Host: f.text(o, "host"), Method: f.text(o, "method"), UserAgent: f.text(o, "useragent"),
	}
}

// configOf is the media type of a manifest's config: the first of its references, where the registry includes them.
func configOf(f *fields, target strict.Object) string {
	if list := f.list(target, "references"); len(list) > 0 {
		return f.text(list[0], "mediaType")
	}
	return ""
}

// manifestTypes are the media types of what is not a blob.
var manifestTypes = map[string]bool{
	"": true, artifact.OCIManifest: true, artifact.OCIIndex: true, artifact.DockerManifest: true, artifact.DockerList: true,
	"application/vnd.docker.distribution.manifest.v1+json": true, "application/vnd.docker.distribution.manifest.v1+prettyjws": true,
}

// isBlob reports whether a target is a layer or a config: manifests alone have tags.
func isBlob(t event.Target) bool { return t.Tag == "" && !manifestTypes[t.MediaType] }
