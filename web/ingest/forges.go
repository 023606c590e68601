package ingest

import (
	"cmp"
	"strings"

	"dockbell/models/event"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// header is the first of some headers that is set.
func (r *request) header(names ...string) string {
	for _, name := range names {
		if v := r.http.Header.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// gitea reads the package events of Gitea and Forgejo.
func gitea(r *request) ([]source.Notice, error) {
	o, ok := r.value.(strict.Object)
	if !ok {
		return nil, noEnvelope("it is an object.")
	}
	n := source.Notice{ID: r.header("X-Gitea-Delivery", "X-Forgejo-Delivery"), Key: r.bodyKey()}
	n.Key = cmp.Or(n.ID, n.Key)
	if kind := r.header("X-Gitea-Event", "X-Forgejo-Event"); kind != "package" && (kind != "" || o["package"] == nil) {
		n.Why = "It tells of no package."
		return []source.Notice{n}, nil
	}
	f := &fields{}
	pack := f.object(o, "package")
	owner := f.object(pack, "owner")
	n.Actor = f.text(f.object(o, "sender"), "login")
	n.Time = f.text(pack, "created_at")
	n.Target.Repository = strings.ToLower(cmp.Or(f.text(owner, "login"), f.text(owner, "username")) + "/" + f.text(pack, "name"))
	if version := f.text(pack, "version"); strings.Contains(version, ":") {
		n.Target.Digest = version
	} else {
		n.Target.Tag = version
	}
	n.Request.Host = hostOf(f.text(pack, "html_url"))
	action, kind := f.text(o, "action"), f.text(pack, "type")
	n.Wrong = f.wrong
	switch {
	case kind != "container":
		n.Why = "Its package is no container image."
	case action == "created":
		n.What = source.Pushed
	case action == "deleted":
		n.What, n.Time = source.Deleted, "" // the time is that of the push
	default:
		n.Why = "Its action is neither created nor deleted."
	}
	return []source.Notice{n}, nil
}

// github reads GitHub's events of packages.
func github(r *request) ([]source.Notice, error) {
	o, ok := r.value.(strict.Object)
	if !ok {
		return nil, noEnvelope("it is an object.")
	}
	n := source.Notice{ID: r.header("X-Github-Delivery")}
	n.Key = cmp.Or(n.ID, r.bodyKey())
	f := &fields{}
	pack := f.object(o, "registry_package")
	if pack == nil {
		pack = f.object(o, "package")
	}
	if kind := r.header("X-Github-Event"); pack == nil || kind != "" && kind != "registry_package" && kind != "package" {
		n.Why = "It tells of no package."
		return []source.Notice{n}, nil
	}
	version := f.object(pack, "package_version")
	meta := f.object(version, "container_metadata")
	manifest, tag := f.object(meta, "manifest"), f.object(meta, "tag")
	owner := cmp.Or(f.text(pack, "namespace"), f.text(f.object(pack, "owner"), "login"))
	n.Target = event.Target{
		Repository: strings.ToLower(owner + "/" + f.text(pack, "name")), Tag: f.text(tag, "name"),
		Digest:    cmp.Or(f.text(manifest, "digest"), f.text(tag, "digest"), f.text(version, "version")),
		MediaType: f.text(manifest, "media_type"), Size: f.number(manifest, "size"),
	}
	n.Config = f.text(f.object(manifest, "config"), "media_type")
	n.Actor, n.Request.Host = f.text(f.object(o, "sender"), "login"), "ghcr.io"
	ecosystem, action := cmp.Or(f.text(pack, "ecosystem"), f.text(pack, "package_type")), f.text(o, "action")
	n.Wrong = f.wrong
	switch {
	case !strings.EqualFold(ecosystem, "container"):
		n.Why = "Its package is no container image."
	case action == "published" || action == "updated":
		n.What = source.Pushed
	default:
		n.Why = "Its action is neither published nor updated."
	}
	return []source.Notice{n}, nil
}

// hostOf is the host of an address; "" when it has none.
func hostOf(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}
