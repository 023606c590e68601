package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dockbell/models/artifact"
)

// pusher is a registry client that a test holds in its hand: each request is the test's own.
type pusher struct {
	t     testing.TB
	token credentials
	http  *http.Client
	agent string // its User-Agent
}

func newPusher(t testing.TB, token credentials) *pusher {
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	return &pusher{t: t, token: token, http: &http.Client{Transport: transport}, agent: "tests/1.0"}
}

// pushed is the end of one push: the digest of its manifest and how the PUT of it was answered; 0 when it was not.
type pushed struct {
	t      testing.TB
	digest string
	status int
	err    error
}

func (p pushed) wants(status int) pushed {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("the push was answered %d, want %d: %v", p.status, status, p.err)
	}
	return p
}

// pushThrough stores an image of one layer under a tag, with the fewest requests a client can do it with, at any address:
// the program's or a proxy's.
func (c *pusher) pushThrough(base, repo, tag, layer string) pushed {
	if err := c.pushBlobs(base, repo, emptyConfig, layer); err != nil {
		return pushed{t: c.t, err: err}
	}
	return c.putManifest(base, repo, tag, imageOf(layer))
}

func (c *pusher) pushBlobs(base, repo string, blobs ...string) error {
	for _, blob := range blobs {
		status, err := c.send(http.MethodPost, base+"/v2/"+repo+"/blobs/uploads/?digest="+digestOf(blob), blob, "application/octet-stream")
		if err != nil || status != http.StatusCreated {
			return fmt.Errorf("a blob was answered %d: %w", status, err)
		}
	}
	return nil
}

func (c *pusher) putManifest(base, repo, reference, manifest string) pushed {
	mediaType := artifact.OCIManifest
	if strings.Contains(manifest, artifact.OCIIndex) {
		mediaType = artifact.OCIIndex
	}
	done := pushed{t: c.t, digest: digestOf(manifest)}
	done.status, done.err = c.send(http.MethodPut, base+"/v2/"+repo+"/manifests/"+reference, manifest, mediaType)
	return done
}

// emptyConfig is the config of images that need none.
const emptyConfig = "{}"

func descriptorOf(mediaType, content string) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, digestOf(content), len(content))
}

// manifestOf is a manifest of one layer; more is added at its end.
func manifestOf(configType, config, layer, more string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]%s}`, artifact.OCIManifest,
		descriptorOf(configType, config), descriptorOf("application/vnd.oci.image.layer.v1.tar", layer), more)
}

func imageOf(layer string) string {
	return manifestOf("application/vnd.oci.image.config.v1+json", emptyConfig, layer, "")
}

// indexOf is an index of manifests.
func indexOf(manifests ...string) string {
	var list []string
	for _, m := range manifests {
		list = append(list, descriptorOf(artifact.OCIManifest, m))
	}
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, artifact.OCIIndex, strings.Join(list, ","))
}

// send makes one request as the owner's token and gives the status, or 0 and the error when there was no whole answer.
func (c *pusher) send(method, url, body, contentType string) (int, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	c.token.bearer(req)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err = io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256:" + hex.EncodeToString(sum[:])
}
