package ingest

import (
	"strings"

	"dockbell/models/source"
	"dockbell/models/strict"
)

// cloud is one event in the envelope of CloudEvents 1.0.
type cloud struct {
	id, source, kind, subject, time string
	data                            strict.Object
	attributes                      strict.Object // all of them, extensions among them
}

// isCloud reports whether a body comes in that envelope, in any of its three forms.
func isCloud(r *request) bool {
	if r.kind == cloudEvent || r.kind == cloudBatch || r.http.Header.Get("Ce-Specversion") != "" {
		return true
	}
	_, has := firstOf(r.value)["specversion"]
	return has
}

// firstOf is the body, or the first object of a list.
func firstOf(value any) strict.Object {
	if list, ok := value.([]any); ok && len(list) > 0 {
		value = list[0]
	}
	o, _ := value.(strict.Object)
	return o
}

// clouds reads the events of a body: one whole event, a list of them, or one whose attributes are headers.
func clouds(r *request) ([]cloud, error) {
	if r.http.Header.Get("Ce-Specversion") != "" {
		o := strict.Object{"data": r.value}
		for name, values := range r.http.Header {
			if attribute, is := strings.CutPrefix(strings.ToLower(name), "ce-"); is {
				o[attribute] = values[0]
			}
		}
		c, err := cloudOf(o)
		return []cloud{c}, err
	}
	list, ok := r.value.([]any)
	if !ok {
		list = []any{r.value}
	}
	if err := tooMany(len(list)); err != nil {
		return nil, err
	}
	all := make([]cloud, 0, len(list))
	for _, item := range list {
		o, ok := item.(strict.Object)
		if !ok {
			return nil, noEnvelope("it is one CloudEvent, or a list of them.")
		}
		c, err := cloudOf(o)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func cloudOf(o strict.Object) (cloud, error) {
	f := &fields{}
	c := cloud{
		id: f.text(o, "id"), source: f.text(o, "source"), kind: f.text(o, "type"), subject: f.text(o, "subject"), time: f.text(o, "time"),
		attributes: o,
	}
	if version := f.text(o, "specversion"); f.wrong != "" || !strings.HasPrefix(version, "1.") || c.id == "" || c.source == "" || c.kind == "" {
		return c, noEnvelope("a CloudEvent has specversion 1.0, id, source and type.")
	}
	c.data, _ = o["data"].(strict.Object)
	return c, nil
}

// notice begins the notice of an event; source and ID together are its identity.
func (c cloud) notice() source.Notice {
	return source.Notice{ID: c.id, Key: c.source + "\n" + c.id, Time: c.time}
}

// cloudEvents reads events of any registry in that envelope: their type says in whose words the data is.
func cloudEvents(r *request) ([]source.Notice, string, error) {
	if !isCloud(r) {
		return nil, "", noEnvelope("a CloudEvent has specversion 1.0, id, source and type.")
	}
	all, err := clouds(r)
	if err != nil {
		return nil, "", err
	}
	var notices []source.Notice
	for _, c := range all {
		switch {
		case strings.HasPrefix(c.kind, gridPrefix):
			notices = append(notices, gridNotice(c.notice(), c.kind, c.data))
		case strings.HasPrefix(c.kind, "harbor."):
			notices = append(notices, harborCloud(c)...)
		case isZot(c.kind):
			notices = append(notices, zotNotice(c))
		default:
			action := c.kind[strings.LastIndexByte(c.kind, '.')+1:]
			notices = append(notices, azureNotice(c.notice(), action, c.data))
		}
	}
	return notices, "", nil
}
