package oci

import (
	"net/http"
	"net/url"
	"strings"

	"dockbell/models/artifact"
)

// kind is what a path under /v2/ names.
type kind int

const (
	nowhere   kind = iota
	base           // /v2/
	catalog        // /v2/_catalog
	tagList        // /v2/<name>/tags/list
	manifest       // /v2/<name>/manifests/<reference>
	referrers      // /v2/<name>/referrers/<digest>
	blob           // /v2/<name>/blobs/<digest>
	uploads        // /v2/<name>/blobs/uploads/
	upload         // /v2/<name>/blobs/uploads/<ticket>

	acrCatalog    // /acr/v1/_catalog
	acrRepository // /acr/v1/<name>
	acrTags       // /acr/v1/<name>/_tags
	acrTag        // /acr/v1/<name>/_tags/<tag>
	acrManifests  // /acr/v1/<name>/_manifests
	acrManifest   // /acr/v1/<name>/_manifests/<digest>
)

// place is a path, taken apart and checked.
type place struct {
	kind       kind
	repository string
	reference  artifact.Reference // manifest
	digest     string             // blob, referrers
	ticket     string             // upload
}

// parsePath reads a path from its end, because a repository's name may hold every word that stands behind it. Nothing in
// a valid path needs a percent sign, so one with it is refused before anybody could decode it in two ways.
func parsePath(u *url.URL) (place, error) {
	path := u.EscapedPath()
	if rest, azure := strings.CutPrefix(path, "/acr/v1/"); azure {
		return parseAzurePath(rest)
	}
	if strings.Contains(path, "%") {
		return place{}, refuse(http.StatusBadRequest, codeNameInvalid, "Paths of a registry hold no percent-encoded characters.")
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(path, "/v2"), "/")
	switch rest {
	case "":
		return place{kind: base}, nil
	case "_catalog":
		return place{kind: catalog}, nil
	}
	at, name, last := split(rest)
	repository, err := artifact.ParseRepository(name)
	if err != nil {
		return place{kind: at.kind}, err
	}
	at.repository = repository
	switch at.kind {
	case manifest:
		at.reference, err = artifact.ParseReference(last)
	case referrers, blob:
		at.digest, err = artifact.ParseDigest(last)
	case upload:
		at.ticket = last
	case nowhere:
		err = unknownPath(rest)
	}
	return at, err
}

// split finds what a path names, the repository's name and the last part.
func split(rest string) (at place, name, last string) {
	parts := strings.Split(rest, "/")
	n := len(parts)
	last = parts[n-1]
	part := func(fromEnd int) string {
		if fromEnd > n {
			return ""
		}
		return parts[n-fromEnd]
	}
	tail := 2
	switch {
	case part(2) == "tags" && last == "list":
		at.kind = tagList
	case part(2) == "manifests":
		at.kind = manifest
	case part(2) == "referrers":
		at.kind = referrers
	case part(3) == "blobs" && part(2) == "uploads":
		at.kind, tail = upload, 3
		if last == "" {
			at.kind = uploads
		}
	case part(2) == "blobs" && last == "uploads":
		at.kind = uploads
	case part(2) == "blobs":
		at.kind = blob
	default:
		tail = 0
	}
	return at, strings.Join(parts[:max(n-tail, 0)], "/"), last
}

// unknownPath tells a slash in a tag from an address that no registry has.
func unknownPath(rest string) error {
	if strings.Contains(rest, "/manifests/") {
		return refuse(http.StatusBadRequest, codeTagInvalid, "A tag or digest holds no slash.")
	}
	return refuse(http.StatusNotFound, codeUnsupported, "A registry has no such address.")
}

// parseAzurePath reads a path of Azure's data API. Azure's SDKs escape the slashes of names and the colons of digests, so
// it is decoded, once; no part of a name begins with an underscore.
func parseAzurePath(escaped string) (place, error) {
	path, err := url.PathUnescape(escaped)
	if err != nil || strings.Contains(path, "%") {
		return place{kind: acrRepository}, refuse(http.StatusBadRequest, codeNameInvalid, "The address is not escaped correctly.")
	}
	if path == "_catalog" {
		return place{kind: acrCatalog}, nil
	}
	at, name, last := place{kind: acrRepository}, path, ""
	if before, after, found := strings.Cut(path, "/_tags"); found {
		at.kind, name, last = acrTags, before, after
	} else if before, after, found := strings.Cut(path, "/_manifests"); found {
		at.kind, name, last = acrManifests, before, after
	}
	if at.repository, err = artifact.ParseRepository(name); err != nil || last == "" {
		return at, err
	}
	last, found := strings.CutPrefix(last, "/")
	switch {
	case !found:
		return at, refuse(http.StatusNotFound, codeUnsupported, "A registry has no such address.")
	case at.kind == acrTags:
		at.kind = acrTag
		at.reference.Tag, err = artifact.ParseTag(last)
	default:
		at.kind = acrManifest
		at.reference.Digest, err = artifact.ParseDigest(last)
	}
	return at, err
}
