package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"dockbell/models/event"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// bodyKey is the identity of events that have none.
func (r *request) bodyKey() string {
	sum := sha256.Sum256(r.body)
	return hex.EncodeToString(sum[:])
}

// quay reads Quay's repo_push: one push for each tag, without a digest.
func quay(r *request) ([]source.Notice, error) {
	o, _ := r.value.(strict.Object)
	f := &fields{}
	repository := f.text(o, "repository")
	if repository == "" {
		return nil, noEnvelope(`it is an object with "repository" and "updated_tags".`)
	}
	tags, wrong := quayTags(o["updated_tags"])
	host, _, _ := strings.Cut(f.text(o, "docker_url"), "/")
	n := source.Notice{Target: event.Target{Repository: repository}, Request: event.Request{Host: host}, Wrong: f.wrong}
	if n.Wrong == "" {
		n.Wrong = wrong
	}
	n.Key = r.bodyKey()
	if len(tags) == 0 {
		n.Why = "It tells of no pushed tag."
		return []source.Notice{n}, nil
	}
	var all []source.Notice
	for _, tag := range tags {
		one := n
		one.What, one.Target.Tag, one.Key = source.Pushed, tag, n.Key+"\n"+tag
		all = append(all, one)
	}
	return all, nil
}

// quayTags are the tags of a push: a list, formerly a map by tag.
func quayTags(v any) (tags []string, wrong string) {
	switch v := v.(type) {
	case nil:
	case []any:
		for _, item := range v {
			tag, ok := item.(string)
			if !ok {
				return nil, "Its updated_tags hold something that is not a text."
			}
			tags = append(tags, tag)
		}
	case strict.Object:
		for tag := range v {
			tags = append(tags, tag)
		}
	default:
		return nil, "Its updated_tags are not a list."
	}
	return tags, ""
}

// dockerHub reads Docker Hub's webhook: a push without a digest. Its callback_url is never called.
func dockerHub(r *request) ([]source.Notice, error) {
	o, _ := r.value.(strict.Object)
	f := &fields{}
	pushed, repository := f.object(o, "push_data"), f.object(o, "repository")
	if pushed == nil || repository == nil {
		return nil, noEnvelope(`it is an object with "push_data" and "repository".`)
	}
	n := source.Notice{
		What: source.Pushed, Actor: f.text(pushed, "pusher"), Request: event.Request{Host: "docker.io"},
		Target: event.Target{Repository: f.text(repository, "repo_name"), Tag: f.text(pushed, "tag")},
	}
	at := f.number(pushed, "pushed_at")
	if at > 0 {
		n.Time = time.Unix(at, 0).UTC().Format(time.RFC3339)
	}
	n.Key, n.Wrong = strings.Join([]string{n.Target.Repository, n.Target.Tag, fmt.Sprint(at)}, "\n"), f.wrong
	return []source.Notice{n}, nil
}
