package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// pusher pushes one manifest under ever new tags: what is measured is the push, not the upload of layers.
type pusher struct {
	base, user, secret string
	receiver           *receiver
	manifest           []byte
	client             *http.Client
	next               atomic.Int64
}

// newPusher uploads the parts of the manifest.
func newPusher(base, user, secret string, r *receiver) (*pusher, error) {
	p := &pusher{base: base + "/v2/bench/image", user: user, secret: secret, receiver: r}
	p.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	config, layer := []byte(`{"architecture":"amd64","os":"linux"}`), bytes.Repeat([]byte("layer"), 200)
	for _, blob := range [][]byte{config, layer} {
		if err := p.upload(blob); err != nil {
			return nil, err
		}
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

// flood pushes on so many connections until f says stop, and gives the number of pushes.
func (p *pusher) flood(connections int, more func(done int64) bool) (int64, error) {
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for failed.Load() == nil && more(done.Load()) {
				if err := p.push(); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return done.Load(), *err
	}
	return done.Load(), nil
}

// pace pushes so many times a second, late ones at once, for so long.
func (p *pusher) pace(ctx context.Context, perSecond int, long time.Duration) error {
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	began := time.Now()
	for i := range int(long.Seconds() * float64(perSecond)) {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))))
		if ctx.Err() != nil || failed.Load() != nil {
			break
		}
		all.Go(func() {
			if err := p.push(); err != nil {
				failed.Store(&err)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

// arrive waits until the receiver has so many POSTs more than before, as long as they keep coming.
func (r *receiver) arrive(ctx context.Context, before, more int64) error {
	last, end := int64(-1), time.Time{}
	for r.posts.Load() < before+more {
		if err := ctx.Err(); err != nil {
			return err
		}
		if now := r.posts.Load(); now != last {
			last, end = now, time.Now().Add(time.Minute)
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d POSTs arrived, and none for a minute", last-before, more)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// maxBehind is how many deliveries a flood lets wait: what is measured is a steady stream, not how a mountain is worked off.
const maxBehind = 10_000

// keepUp holds a push back until no more than maxBehind of the deliveries of those before it are on their way.
func (r *receiver) keepUp(ctx context.Context, before, sent int64) {
	for r.posts.Load()+maxBehind < before+sent && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}
