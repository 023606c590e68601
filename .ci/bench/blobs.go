package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// content is a blob of any size that takes no memory: one random MiB again and again.
type content struct {
	block  []byte
	size   int64
	digest string
}

func newContent(size int64) content {
	c := content{block: make([]byte, mb), size: size}
	rand.Read(c.block)
	sum := sha256.New()
	_, _ = io.Copy(sum, c.reader()) // neither side fails
	c.digest = fmt.Sprintf("sha256:%x", sum.Sum(nil))
	return c
}

func (c content) reader() io.Reader {
	return io.LimitReader(&endless{block: c.block}, c.size)
}

type endless struct {
	block []byte
	at    int
}

// Read gives the block again and again.
func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.block[e.at:])
	e.at = (e.at + n) % len(e.block)
	return n, nil
}

// mover sends and fetches whole blobs the same way from both servers.
type mover struct {
	client       *http.Client
	user, secret string
	token        string // wins over user and secret: what the token service gave, with which clients pull
}

func (m mover) do(method, to string, body io.Reader, size int64) (*http.Response, error) {
	req, err := http.NewRequest(method, to, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	if m.token != "" {
		req.Header.Set("Authorization", "Bearer "+m.token)
	} else if m.user != "" {
		req.SetBasicAuth(m.user, m.secret)
	}
	resp, err := m.client.Do(req)
	if err == nil && resp.StatusCode/100 != 2 {
		resp.Body.Close()
		err = fmt.Errorf("%s %s is answered with %s", method, to, resp.Status)
	}
	return resp, err
}

// put uploads and waits for the answer.
func (m mover) put(to string, c content) error {
	resp, err := m.do(http.MethodPut, to, c.reader(), c.size)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// hidden keeps io.Copy to the buffer it is given: io.Discard has a small one of its own.
type hidden struct{ io.Writer }

// get fetches everything.
func (m mover) get(from string, buf []byte) error {
	resp, err := m.do(http.MethodGet, from, nil, 0)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.CopyBuffer(hidden{io.Discard}, resp.Body, buf)
	return err
}

// signedIn is a mover with a token of the token service, as every client gets one before it pulls.
func (m mover) signedIn(server string) (mover, error) {
	resp, err := m.do(http.MethodGet, server+"/oauth2/token?service=bench&scope=repository:bench/image:pull", nil, 0)
	if err != nil {
		return m, err
	}
	defer resp.Body.Close()
	var given struct{ Token string }
	err = json.NewDecoder(resp.Body).Decode(&given)
	m.token = given.Token
	return m, err
}

// begin opens an upload and gives the address that finishes it with this digest.
func (m mover) begin(base, digest string) (string, error) {
	resp, err := m.do(http.MethodPost, base+"/blobs/uploads/", nil, 0)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	to, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		return "", err
	}
	to.RawQuery = url.Values{"digest": {digest}}.Encode()
	return to.String(), nil
}

// blobs compares large transfers with a bare server that does the same to files, and looks at the memory they take.
func (b *bench) blobs(ctx context.Context) ([]row, error) {
	var up, down, pulls, memory []float64
	var seen string
	for run := range b.runs {
		err := b.withPusher(ctx, 0, func(s *server, p *pusher) error {
			return b.withBare(ctx, func(files *bare) error {
				one := transfer{b: b, ours: mover{client: p.client, user: p.user, secret: p.secret}, theirs: mover{client: newClient()}, base: p.base, files: files, turned: run%2 == 1}
				idle, err := settled(s)
				if err != nil {
					return err
				}
				peak := s.watch(func() { err = one.large() })
				if err == nil {
					err = one.many(ctx)
				}
				up, down, pulls = append(up, one.up.ratio()), append(down, one.down.ratio()), append(pulls, one.pulls.ratio())
				memory = append(memory, max(peak-idle, 0)/mb)
				seen = fmt.Sprintf("last run: up %s, down %s, pulls %s", one.up, one.down, one.pulls)
				return err
			})
		})
		if err != nil {
			return nil, err
		}
	}
	size := fmt.Sprintf("%d MiB", b.blob/mb)
	return []row{
		{number: "R1", what: "download of " + size + ", of net/http's with sendfile", must: 0.8, aim: 0.9, more: true, reached: median(down), note: seen},
		{number: "R2", what: "upload of " + size + ", of a bare handler's", must: 0.8, aim: 0.9, more: true, reached: median(up), note: "which writes, hashes and syncs"},
		{number: "R3", what: "memory above idle during both (PSS)", must: 40, aim: 20, unit: " MB", reached: median(memory)},
		{number: "R4", what: "50 parallel pulls, of net/http's", must: 0.8, aim: 0.9, more: true, reached: median(pulls), note: "a manifest, a config and four layers of 2 MiB each"},
	}, nil
}

// pair is what both sides managed in a second.
type pair struct {
	ours, theirs float64
	unit         string
}

func (p pair) ratio() float64 { return p.ours / p.theirs }

// String names both.
func (p pair) String() string { return fmt.Sprintf("%.0f and %.0f %s/s", p.ours, p.theirs, p.unit) }

// transfer is one run of both sides.
type transfer struct {
	b               *bench
	ours, theirs    mover
	base            string // of our repository
	files           *bare
	turned          bool // theirs goes first
	up, down, pulls pair
}

// inTurn measures both sides one after the other, the disk at rest before each.
func (t *transfer) inTurn(unit string, amount float64, ours, theirs func() error) (pair, error) {
	p := pair{unit: unit}
	sides := []struct {
		into *float64
		run  func() error
	}{{&p.ours, ours}, {&p.theirs, theirs}}
	if t.turned {
		slices.Reverse(sides)
	}
	for _, one := range sides {
		syscall.Sync()
		began := time.Now()
		if err := one.run(); err != nil {
			return p, err
		}
		*one.into = amount / time.Since(began).Seconds()
	}
	return p, nil
}

// large moves one large blob there and back.
func (t *transfer) large() (err error) {
	c := newContent(t.b.blob)
	buf := make([]byte, mb)
	size := float64(c.size) / mb
	if t.up, err = t.inTurn("MiB", size, func() error {
		to, err := t.ours.begin(t.base, c.digest)
		if err == nil {
			err = t.ours.put(to, c)
		}
		return err
	}, func() error { return t.theirs.put(t.files.url+"/large", c) }); err != nil {
		return err
	}
	ours := func() error { return t.ours.get(t.base+"/blobs/"+c.digest, buf) }
	theirs := func() error { return t.theirs.get(t.files.url+"/large", buf) }
	if _, err = t.inTurn("MiB", size, ours, theirs); err != nil { // warm: both files are in the page cache then
		return err
	}
	t.down, err = t.inTurn("MiB", size, ours, theirs)
	return err
}

// many pulls one image on 50 connections for as long as a measure takes.
func (t *transfer) many(ctx context.Context) (err error) {
	var ours, theirs []string
	keep := func(name string, c content, at string) error {
		ours, theirs = append(ours, t.base+at), append(theirs, t.files.url+"/"+name)
		return t.theirs.put(t.files.url+"/"+name, c)
	}
	manifest := `{"schemaVersion":2,"mediaType":"` + manifestType + `","config":%s,"layers":[%s]}`
	var parts []string
	for i := range 5 {
		c := newContent(2 * mb)
		if i == 0 {
			c = content{block: []byte("{}"), size: 2, digest: digest([]byte("{}"))}
		}
		to, err := t.ours.begin(t.base, c.digest)
		if err == nil {
			err = t.ours.put(to, c)
		}
		if err == nil {
			err = keep(fmt.Sprint("blob", i), c, "/blobs/"+c.digest)
		}
		if err != nil {
			return err
		}
		parts = append(parts, fmt.Sprintf(`{"mediaType":"application/octet-stream","digest":%q,"size":%d}`, c.digest, c.size))
	}
	text := []byte(fmt.Sprintf(manifest, parts[0], parts[1]+","+parts[2]+","+parts[3]+","+parts[4]))
	whole := content{block: text, size: int64(len(text)), digest: digest(text)}
	if err := keep("manifest", whole, "/manifests/pulled"); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, t.base+"/manifests/pulled", whole.reader())
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", manifestType)
	req.SetBasicAuth(t.ours.user, t.ours.secret)
	resp, err := t.ours.client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("the manifest is answered with %s", resp.Status)
	}
	puller, err := t.ours.signedIn(strings.TrimSuffix(t.base, "/v2/bench/image"))
	if err != nil {
		return err
	}
	var done [2]float64
	t.pulls, err = t.inTurn("pulls", 1, func() error { return t.pull(puller, ours, &done[0]) }, func() error { return t.pull(t.theirs, theirs, &done[1]) })
	t.pulls.ours, t.pulls.theirs = done[0], done[1]
	return err
}

// pull has 50 clients fetch every address again and again, and notes how many images came in a second.
func (t *transfer) pull(m mover, from []string, perSecond *float64) error {
	var pulls atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	began := time.Now()
	for range 50 {
		all.Go(func() {
			buf := make([]byte, 256<<10)
			for time.Since(began) < t.b.length && failed.Load() == nil {
				for _, one := range from {
					if err := m.get(one, buf); err != nil {
						failed.Store(&err)
						return
					}
				}
				pulls.Add(1)
			}
		})
	}
	all.Wait()
	*perSecond = float64(pulls.Load()) / time.Since(began).Seconds()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// watch gives the most memory that the server took while f ran.
func (s *server) watch(f func()) float64 {
	done := make(chan struct{})
	peak := make(chan float64)
	go func() {
		most := 0.0
		for {
			if now, err := s.pss(); err == nil {
				most = max(most, now)
			}
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	return <-peak
}
