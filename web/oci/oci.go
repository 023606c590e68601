// Package oci is the door of the built-in registry: OCI Distribution 1.1 under /v2/, Azure's data API under /acr/v1/ and the
// token service of both under /oauth2/.
package oci

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/event"
	"dockbell/models/registry"
	"dockbell/web/auth"
)

// Recorder carries out a change and stores the events it raises, all or nothing; *delivery.Outbox does.
type Recorder interface {
	Record(ctx context.Context, c event.Change) (event.Outcome, error)
}

// Contents is what a registry holds, for reading. NotFound faults name what is missing: "repository", "manifest", "tag".
type Contents interface {
	Registries(ctx context.Context) ([]registry.Registry, error)
	Stored(ctx context.Context, name registry.Name, repository, reference string) (artifact.Stored, error)
	Unread(ctx context.Context, name registry.Name, repository, reference string) (artifact.Stored, error) // without what stands in its bytes
	Repository(ctx context.Context, name registry.Name, repository string) (artifact.RepositoryInfo, error)
	TagInfo(ctx context.Context, name registry.Name, repository, tag string) (artifact.TagInfo, error)
	ManifestTags(ctx context.Context, name registry.Name, repository, digest string) ([]string, error)
	Referrers(ctx context.Context, name registry.Name, repository, digest, artifactType string) ([]artifact.Descriptor, error)

	// A page of a list, and whether there is more.
	Repositories(ctx context.Context, name registry.Name, after string, n int) ([]string, bool, error)
	TagInfos(ctx context.Context, name registry.Name, repository string, l artifact.List) ([]artifact.TagInfo, bool, error)
	ManifestInfos(ctx context.Context, name registry.Name, repository string, l artifact.List) ([]artifact.ManifestInfo, bool, error)
}

// Links says which blobs belong to which repository; a blob's bytes are kept once for all of them. NotFound at "blob".
type Links interface {
	BlobSize(ctx context.Context, name registry.Name, repository, digest string) (int64, error)
	WantBlob(ctx context.Context, name registry.Name, repository, digest string) (int64, error) // by somebody who relies on it
	MayPush(ctx context.Context, name registry.Name, repository string) error                   // refuses where the repository is locked
	LinkBlob(ctx context.Context, name registry.Name, repository, digest string, size int64) error
	UnlinkBlob(ctx context.Context, name registry.Name, repository, digest string) error
}

// Pulls counts what clients fetch.
type Pulls interface {
	CountPull(name registry.Name, repository, digest string)
}

// Metadata is all of it; *store.DB is.
type Metadata interface {
	Contents
	Links
	Pulls
}

// Uploads is content on its way in; *blobs.Files keeps it.
type Uploads interface {
	Create(ctx context.Context) (id string, err error)
	Size(ctx context.Context, id string) (int64, error)
	Append(ctx context.Context, id string, at int64, r io.Reader) (size int64, err error) // at < 0: at its end
	Commit(ctx context.Context, id, digest string) (size int64, err error)
	Cancel(ctx context.Context, id string) error
}

// Blobs is complete content, and the uploads that become it; *blobs.Files keeps both.
type Blobs interface {
	Uploads
	Touch(ctx context.Context, digest string) (int64, error) // its size, for somebody who relies on it
	Open(ctx context.Context, digest string) (io.ReadSeekCloser, error)
	Lock(digest string) (unlock func())
}

// Door is the built-in registry.
type Door struct {
	Metadata    Metadata
	Blobs       Blobs
	Recorder    Recorder
	Credentials auth.Credentials
	Key         []byte   // the installation's key; what signs tokens and uploads is derived from it
	Public      *url.URL // where this installation is reached; nil: wherever a request says
	Now         func() time.Time
	NewID       func() string // UUIDs of requests in events

	opened passes
	keys   sync.Map // by purpose, what is derived from Key
}

// Prefixes are the paths of the registry, of Azure's data API and of the token service.
func (d *Door) Prefixes() []string { return []string{"/v2", "/acr", "/oauth2"} }

// MaxBody is no limit: blobs are streamed. Manifests and forms have their own.
func (d *Door) MaxBody() int64 { return 0 }

// Routes is the door's table of contents. What a path under /v2/ asks for, and which right that needs, stands in
// operations: repository names hold slashes, so the router cannot tell.
func (d *Door) Routes() []auth.Route {
	routes := []auth.Route{
		{Method: http.MethodGet, Path: "/v2", Public: true, Handler: d.serve},
		{Method: http.MethodGet, Path: "/oauth2/token", Public: true, Handler: d.giveToken},
		{Method: http.MethodPost, Path: "/oauth2/token", Public: true, Handler: d.grantToken},
		{Method: http.MethodPost, Path: "/oauth2/exchange", Public: true, Handler: d.exchange},
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		routes = append(routes, auth.Route{Method: method, Path: "/v2/*", Public: true, Stream: true, Handler: d.serve})
	}
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete} {
		routes = append(routes, auth.Route{Method: method, Path: "/acr/v1/*", Public: true, Handler: d.serve})
	}
	return routes
}

// Before finds out which registry a request is for and who makes it.
func (d *Door) Before() []echo.MiddlewareFunc { return []echo.MiddlewareFunc{d.identify} }

// request is one request under /v2/ whose right was checked.
type request struct {
	visit
	c  echo.Context
	at place
}

func (r request) ctx() context.Context { return r.c.Request().Context() }

// operation is one thing the registry does, and the right it needs.
type operation struct {
	right account.Permission
	run   func(*Door, request) error
}

// operations are all of them: by the kind of place, then by method.
var operations = map[kind]map[string]operation{
	base: {
		http.MethodGet:  {account.Pull, (*Door).version},
		http.MethodHead: {account.Pull, (*Door).version},
	},
	catalog: {
		http.MethodGet: {account.Pull, (*Door).catalog},
	},
	tagList: {
		http.MethodGet: {account.Pull, (*Door).tags},
	},
	manifest: {
		http.MethodGet:    {account.Pull, (*Door).getManifest},
		http.MethodHead:   {account.Pull, (*Door).getManifest},
		http.MethodPut:    {account.PushImages, (*Door).putManifest},
		http.MethodDelete: {account.DeleteImgs, (*Door).deleteManifest},
	},
	referrers: {
		http.MethodGet: {account.Pull, (*Door).referrers},
	},
	blob: {
		http.MethodGet:    {account.Pull, (*Door).getBlob},
		http.MethodHead:   {account.Pull, (*Door).getBlob},
		http.MethodDelete: {account.DeleteImgs, (*Door).deleteBlob},
	},
	uploads: {
		http.MethodPost: {account.PushImages, (*Door).beginUpload},
	},
	upload: {
		http.MethodGet:    {account.PushImages, (*Door).uploadStatus},
		http.MethodPatch:  {account.PushImages, (*Door).appendUpload},
		http.MethodPut:    {account.PushImages, (*Door).finishUpload},
		http.MethodDelete: {account.PushImages, (*Door).cancelUpload},
	},
	acrCatalog: {
		http.MethodGet: {account.Pull, (*Door).catalog},
	},
	acrRepository: {
		http.MethodGet:    {account.Pull, (*Door).showRepository},
		http.MethodPatch:  {account.PushImages, (*Door).lockRepository},
		http.MethodDelete: {account.DeleteImgs, (*Door).deleteRepository},
	},
	acrTags: {
		http.MethodGet: {account.Pull, (*Door).listTags},
	},
	acrTag: {
		http.MethodGet:    {account.Pull, (*Door).showTag},
		http.MethodPatch:  {account.PushImages, (*Door).lockTag},
		http.MethodDelete: {account.DeleteImgs, (*Door).deleteManifest},
	},
	acrManifests: {
		http.MethodGet: {account.Pull, (*Door).listManifests},
	},
	acrManifest: {
		http.MethodGet:    {account.Pull, (*Door).showManifest},
		http.MethodPatch:  {account.Pull, (*Door).changeManifest}, // which right it needs says the body
		http.MethodDelete: {account.DeleteImgs, (*Door).deleteManifest},
	},
}

// serve checks the caller's right, then the path, then runs the operation: who may not know learns nothing.
func (d *Door) serve(c echo.Context) error {
	at, bad := parsePath(c.Request().URL)
	op, known := operations[at.kind][c.Request().Method]
	if !known {
		op.right = account.Pull
	}
	v := visitOf(c)
	if err := v.allow(op.right, at); err != nil {
		return err
	}
	if c.Request().Method == http.MethodPatch && at.kind == acrManifest && !v.named() {
		return v.allow(account.PushImages, at) // nobody in particular changes nothing, whatever the body says
	}
	switch {
	case bad != nil:
		return bad
	case !known:
		return refuse(http.StatusMethodNotAllowed, codeUnsupported, "%s is not supported here.", c.Request().Method)
	}
	return op.run(d, request{visit: v, c: c, at: at})
}

// version says that there is a registry here and that the caller may come in.
func (d *Door) version(r request) error { return r.c.JSON(http.StatusOK, struct{}{}) }
