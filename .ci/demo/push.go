package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// pusher pushes to one registry.
type pusher struct {
	host    string
	options []remote.Option
}

// push fills the registry: images under several tags, an index, a chart, and one image that goes again.
func (d demo) push(ctx context.Context, g guest) error {
	at, err := url.Parse(d.address)
	if err != nil {
		return err
	}
	p := pusher{at.Host, []remote.Option{
		remote.WithContext(ctx), remote.WithAuth(&authn.Basic{Username: g.name, Password: g.password}), remote.WithUserAgent("dockbell-demo"),
	}}
	for _, ref := range []string{"team/web:v1.4.0", "team/web:v1.4.1", "team/web:latest", "team/api:v2.0.0", "team/api:nightly", "tools/backup:7"} {
		if err := p.image(ref); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
	}
	if err := p.index("team/gateway:v3", "amd64", "arm64", "s390x"); err != nil {
		return fmt.Errorf("the index: %w", err)
	}
	if err := p.chart("charts/web", "0.3.1"); err != nil {
		return fmt.Errorf("the chart: %w", err)
	}
	return p.remove("tools/backup:7")
}

func (p pusher) ref(text string) (name.Reference, error) {
	return name.ParseReference(p.host+"/"+text, name.Insecure)
}

func (p pusher) image(text string) error {
	ref, err := p.ref(text)
	if err != nil {
		return err
	}
	img, err := random.Image(16<<10, 2)
	if err != nil {
		return err
	}
	fmt.Println("pushing", ref)
	return remote.Write(ref, img, p.options...)
}

func (p pusher) index(text string, architectures ...string) error {
	ref, err := p.ref(text)
	if err != nil {
		return err
	}
	var idx v1.ImageIndex = empty.Index
	for _, arch := range architectures {
		img, err := random.Image(16<<10, 2)
		if err != nil {
			return err
		}
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	fmt.Println("pushing", ref, "for", architectures)
	return remote.WriteIndex(ref, mutate.IndexMediaType(idx, types.OCIImageIndex), p.options...)
}

// rawManifest is a manifest that is pushed as it is.
type rawManifest []byte

func (r rawManifest) RawManifest() ([]byte, error)        { return r, nil }
func (r rawManifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

const (
	chartConfig  = "application/vnd.cncf.helm.config.v1+json"
	chartContent = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

func (p pusher) chart(repository, version string) error {
	ref, err := p.ref(repository + ":" + version)
	if err != nil {
		return err
	}
	about, err := json.Marshal(map[string]string{"apiVersion": "v2", "name": "web", "version": version, "type": "application"})
	if err != nil {
		return err
	}
	archive, err := chartArchive(version)
	if err != nil {
		return err
	}
	config, content := static.NewLayer(about, chartConfig), static.NewLayer(archive, chartContent)
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	for _, blob := range []struct {
		layer v1.Layer
		to    func(v1.Descriptor)
	}{
		{config, func(d v1.Descriptor) { m.Config = d }},
		{content, func(d v1.Descriptor) { m.Layers = append(m.Layers, d) }},
	} {
		if err := remote.WriteLayer(ref.Context(), blob.layer, p.options...); err != nil {
			return err
		}
		desc, err := descriptor(blob.layer)
		if err != nil {
			return err
		}
		blob.to(desc)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	fmt.Println("pushing the chart", ref)
	return remote.Put(ref, rawManifest(raw), p.options...)
}

func descriptor(l v1.Layer) (v1.Descriptor, error) {
	digest, err := l.Digest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	size, err := l.Size()
	if err != nil {
		return v1.Descriptor{}, err
	}
	kind, err := l.MediaType()
	return v1.Descriptor{MediaType: kind, Digest: digest, Size: size}, err
}

func chartArchive(version string) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	files := tar.NewWriter(zip)
	for path, text := range map[string]string{
		"web/Chart.yaml":               "apiVersion: v2\nname: web\nversion: " + version + "\ntype: application\n",
		"web/templates/configmap.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n",
	} {
		if err := files.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(text))}); err != nil {
			return nil, err
		}
		if _, err := files.Write([]byte(text)); err != nil {
			return nil, err
		}
	}
	if err := files.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// remove deletes the manifest under a tag, so that there is a delete event too.
func (p pusher) remove(text string) error {
	ref, err := p.ref(text)
	if err != nil {
		return err
	}
	desc, err := remote.Head(ref, p.options...)
	if err != nil {
		return err
	}
	fmt.Println("deleting", ref)
	return remote.Delete(ref.Context().Digest(desc.Digest.String()), p.options...)
}
