package artifact

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// mediaTypeRule is RFC 6838's type/subtype, with parameters in printable ASCII.
var mediaTypeRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}( ?;[[:print:]]{1,200})?\z`)

// IsMediaType reports whether a text has the form of a media type.
func IsMediaType(s string) bool { return mediaTypeRule.MatchString(s) }

// wordRule is a platform's word: os, architecture, variant.
var wordRule = regexp.MustCompile(`^[[:print:]]{0,64}\z`)

// maxSize is the largest size a descriptor may claim: what every JSON reader can hold exactly.
const maxSize = 1<<53 - 1

// reader takes values out of objects and keeps the first fault; after it everything it gives is empty.
type reader struct{ err error }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = bad(format, args...)
	}
}

func (r *reader) object(o object, name string, required bool) object {
	v, has := o[name]
	if !has || v == nil {
		if required {
			r.fail("%s is missing.", name)
		}
		return nil
	}
	child, ok := v.(object)
	if !ok {
		r.fail("%s is not an object.", name)
	}
	return child
}

func (r *reader) list(o object, name string, required bool) []any {
	v, has := o[name]
	if !has || v == nil {
		if required {
			r.fail("%s is missing.", name)
		}
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		r.fail("%s is not a list.", name)
	}
	return list
}

// text gives a text that matches rule; at is how a refusal calls it.
func (r *reader) text(o object, name, at string, rule *regexp.Regexp) string {
	v, has := o[name]
	if !has || v == nil {
		return ""
	}
	s, ok := v.(string)
	if !ok || !rule.MatchString(s) {
		r.fail("%s is not valid.", at)
		return ""
	}
	return s
}

func (r *reader) mediaType(o object, name, at string, required bool) string {
	if o[name] == "" && !required {
		return ""
	}
	s := r.text(o, name, at, mediaTypeRule)
	if s == "" && required {
		r.fail("%s is missing.", at)
	}
	return s
}

func (r *reader) texts(o object, name string) map[string]string {
	child := r.object(o, name, false)
	if len(child) == 0 {
		return nil
	}
	all := make(map[string]string, len(child))
	for key, v := range child {
		s, ok := v.(string)
		if !ok {
			r.fail("The annotation %.60q is not a text.", key)
			return nil
		}
		all[key] = s
	}
	return all
}

func (r *reader) item(v any, list string, i int) Descriptor {
	o, ok := v.(object)
	if !ok {
		r.fail("%s[%d] is not an object.", list, i)
		return Descriptor{}
	}
	return r.descriptor(o, fmt.Sprintf("%s[%d]", list, i))
}

// descriptor reads one; at is its place in the document.
func (r *reader) descriptor(o object, at string) Descriptor {
	if r.err != nil {
		return Descriptor{}
	}
	d := Descriptor{
		MediaType:    r.mediaType(o, "mediaType", at+".mediaType", true),
		Digest:       r.text(o, "digest", at+".digest", digestRule),
		Size:         r.size(o, at+".size"),
		ArtifactType: r.mediaType(o, "artifactType", at+".artifactType", false),
		Annotations:  r.texts(o, "annotations"),
		Foreign:      len(r.list(o, "urls", false)) > 0,
	}
	if d.Digest == "" {
		r.fail("%s.digest is missing.", at)
	}
	if p := r.object(o, "platform", false); p != nil {
		d.OS = r.text(p, "os", at+".platform.os", wordRule)
		d.Architecture = r.text(p, "architecture", at+".platform.architecture", wordRule)
		d.Variant = r.text(p, "variant", at+".platform.variant", wordRule)
	}
	return d
}

func (r *reader) size(o object, at string) int64 {
	number, _ := o["size"].(json.Number)
	n, err := number.Int64()
	if err != nil || n < 0 || n > maxSize {
		r.fail("%s is not a size in bytes.", at)
		return 0
	}
	return n
}
