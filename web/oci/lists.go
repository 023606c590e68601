package oci

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dockbell/models/artifact"
	"dockbell/models/fault"
)

// maxPage is the most entries of one answer; the Link header leads to the rest.
const maxPage = 1000

// maxReferrers is the largest list of referrers in bytes: clients take what a manifest may have, with room for the frame.
const maxReferrers = artifact.MaxManifest - 64<<10

func (d *Door) tags(r request) error {
	n, last, err := page(r)
	if err != nil {
		return err
	}
	infos, more, err := d.Metadata.TagInfos(r.ctx(), r.reg.Name, r.at.repository, artifact.List{After: last, N: n, Held: r.holding()})
	if err != nil {
		return err
	}
	tags := make([]string, 0, len(infos))
	for _, one := range infos {
		tags = append(tags, one.Name)
	}
	if more && len(tags) > 0 {
		next(r, n, tags[len(tags)-1])
	}
	return r.c.JSON(http.StatusOK, map[string]any{"name": r.at.repository, "tags": tags})
}

// holding is which part of a list the caller sees.
func (r request) holding() artifact.Holding {
	if r.maySeeHeld() {
		return artifact.AlsoHeld
	}
	return artifact.NotHeld
}

func (d *Door) catalog(r request) error {
	n, last, err := page(r)
	if err != nil {
		return err
	}
	repositories, more, err := d.covered(r, last, n)
	if err != nil {
		return err
	}
	if more && len(repositories) > 0 {
		next(r, n, repositories[len(repositories)-1])
	}
	return r.c.JSON(http.StatusOK, map[string]any{"repositories": repositories})
}

// covered gives n names behind the given one: all, or those that the caller's token is limited to.
func (d *Door) covered(r request, after string, n int) (found []string, more bool, err error) {
	if !r.who.Narrow.Any() {
		found, more, err = d.Metadata.Repositories(r.ctx(), r.reg.Name, after, n)
		return orEmpty(found), more, err
	}
	found = []string{}
	for more = true; more; {
		var names []string
		if names, more, err = d.Metadata.Repositories(r.ctx(), r.reg.Name, after, maxPage); err != nil {
			return nil, false, err
		}
		for _, name := range names {
			after = name
			if !r.who.Narrow.Covers(name) {
				continue
			}
			if len(found) == n {
				return found, true, nil
			}
			found = append(found, name)
		}
	}
	return found, false, nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// page reads n and last. n=0 asks for nothing and gets it.
func page(r request) (n int, last string, err error) {
	n, last = maxPage, r.c.QueryParam("last")
	if text := r.c.QueryParam("n"); text != "" {
		n, err = strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, "", refuse(http.StatusBadRequest, codeUnsupported, "n is a number of entries, 0 or more.")
		}
	}
	if len(last) > artifact.MaxRepository || !utf8.ValidString(last) || strings.ContainsRune(last, 0) {
		return 0, "", refuse(http.StatusBadRequest, codeUnsupported, "last is the last entry of the page before.")
	}
	return min(n, maxPage), last, nil
}

// next sets the Link header of RFC 5988 to the next page.
func next(r request, n int, last string) {
	query := url.Values{"n": {strconv.Itoa(n)}, "last": {last}}
	for _, kept := range []string{"artifactType", "orderby"} {
		if value := r.c.QueryParam(kept); value != "" {
			query.Set(kept, value)
		}
	}
	r.c.Response().Header().Set("Link", "<"+r.c.Request().URL.Path+"?"+query.Encode()+`>; rel="next"`)
}

// descriptor is how an index writes one.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// referrers lists what refers to a manifest as an index, page by page; a manifest that nobody refers to, or that is not
// here, has an empty one.
func (d *Door) referrers(r request) error {
	n, last, err := page(r)
	if err != nil {
		return err
	}
	artifactType := r.c.QueryParam("artifactType")
	if !utf8.ValidString(artifactType) || strings.ContainsRune(artifactType, 0) {
		return refuse(http.StatusBadRequest, codeUnsupported, "artifactType is a media type.")
	}
	all, err := d.Metadata.Referrers(r.ctx(), r.reg.Name, r.at.repository, r.at.digest, artifactType)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if !r.maySeeHeld() {
		all = slices.DeleteFunc(all, func(a artifact.Descriptor) bool { return a.Held })
	}
	entries, more, err := referrersPage(all, n, last)
	if err != nil {
		return err
	}
	if more {
		next(r, n, entries[len(entries)-1].Digest)
	}
	if artifactType != "" {
		r.c.Response().Header().Set("OCI-Filters-Applied", "artifactType")
	}
	body, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": artifact.OCIIndex, "manifests": entries})
	if err != nil {
		return err
	}
	return r.c.Blob(http.StatusOK, artifact.OCIIndex, body)
}

// referrersPage takes up to n entries behind the digest last, and no more than a client reads.
func referrersPage(all []artifact.Descriptor, n int, last string) (entries []descriptor, more bool, err error) {
	if last != "" {
		at := slices.IndexFunc(all, func(a artifact.Descriptor) bool { return a.Digest == last })
		all = all[at+1:] // a last one that was deleted meanwhile: from the beginning
	}
	entries, bytes := []descriptor{}, 0
	for _, a := range all {
		one := descriptor{MediaType: a.MediaType, Digest: a.Digest, Size: a.Size, ArtifactType: a.ArtifactType, Annotations: a.Annotations}
		text, err := json.Marshal(one)
		if err != nil {
			return nil, false, err
		}
		bytes += len(text) + 1
		if len(entries) == n || len(entries) > 0 && bytes > maxReferrers {
			return entries, len(entries) > 0, nil
		}
		entries = append(entries, one)
	}
	return entries, false, nil
}
