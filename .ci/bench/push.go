package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// pusher pushes one manifest under ever new tags: what is measured is the push, not the upload of layers.
type pusher struct {
	load
	base, user, secret string
	receiver           *receiver
	manifest           []byte
	parts              []string // digests of its blobs
	client             *http.Client
	next               atomic.Int64
}

// newPusher uploads the parts of the manifest.
func newPusher(base, user, secret string, r *receiver) (*pusher, error) {
	p := &pusher{base: base + "/v2/bench/image", user: user, secret: secret, receiver: r}
	p.client, p.one = newClient(), p.push
	config, layer := []byte(`{"architecture":"amd64","os":"linux"}`), bytes.Repeat([]byte("layer"), 200)
	for _, blob := range [][]byte{config, layer} {
		if err := p.upload(blob); err != nil {
			return nil, err
		}
		p.parts = append(p.parts, digest(blob))
	}
	p.manifest = fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},`+
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}]}`,
		manifestType, digest(config), len(config), digest(layer), len(layer))
	return p, nil
}

func digest(raw []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(raw)) }

func (p *pusher) send(method, to, kind string, body []byte) (*http.Response, error) {
	req, err := http.NewRequest(method, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	if p.user != "" {
		req.SetBasicAuth(p.user, p.secret)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s is answered with %s: %s", method, to, resp.Status, text)
	}
	return resp, err
}

func (p *pusher) upload(blob []byte) error {
	began, err := p.send(http.MethodPost, p.base+"/blobs/uploads/", "application/octet-stream", nil)
	if err != nil {
		return err
	}
	to, err := began.Request.URL.Parse(began.Header.Get("Location"))
	if err != nil {
		return err
	}
	query := to.Query()
	query.Set("digest", digest(blob))
	to.RawQuery = query.Encode()
	_, err = p.send(http.MethodPut, to.String(), "application/octet-stream", blob)
	return err
}

// push puts the manifest under a new tag.
func (p *pusher) push() error {
	tag := fmt.Sprintf("t%d", p.next.Add(1))
	p.receiver.pushing(tag)
	_, err := p.send(http.MethodPut, p.base+"/manifests/"+tag, manifestType, p.manifest)
	return err
}
