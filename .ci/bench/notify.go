package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// notifier sends events to a source as CNCF Distribution does: one in each POST, each of a new tag.
type notifier struct {
	load
	urls     []string // in turn
	token    string
	receiver *receiver
	client   *http.Client
	next     atomic.Int64
}

func newNotifier(url, token string, r *receiver) *notifier {
	n := &notifier{urls: []string{url}, token: token, receiver: r, client: newClient()}
	n.one = n.notify
	return n
}

// notification is the envelope of one push: its number, the digest and the tag are filled in.
const notification = `{"events":[{"id":"0b2c3d4e-0000-4000-8000-%012x","timestamp":"2026-11-25T03:00:00.123456789Z","action":"push",` +
	`"target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":524,"digest":"sha256:%s","length":524,"repository":"bench/image",` +
	`"url":"http://registry.test/v2/bench/image/manifests/sha256:%[2]s","tag":"%s"},` +
	`"request":{"id":"5f0c6d1e-8a0f-4b52-9a53-0f0f6f6f6f6f","addr":"10.0.0.7:51532","host":"registry.test","method":"PUT","useragent":"docker/27.1.1"},` +
	`"actor":{"name":"ci"},"source":{"addr":"registry:5000","instanceID":"2d6f7a0e-52b1-4d0b-8d0e-0a3c7b2f6b11"}}]}`

var notedDigest = strings.Repeat("5c", 32)

// notify sends one event.
func (n *notifier) notify() error {
	i := n.next.Add(1)
	tag := fmt.Sprintf("t%d", i)
	n.receiver.pushing(tag)
	req, err := http.NewRequest(http.MethodPost, n.urls[i%int64(len(n.urls))], bytes.NewReader(fmt.Appendf(nil, notification, i, notedDigest, tag)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v2+json")
	req.Header.Set("Authorization", "Bearer "+n.token)
	resp, err := n.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusAccepted || !bytes.HasPrefix(text, []byte(`{"accepted":1,`))) {
		err = fmt.Errorf("the event is answered with %s: %s", resp.Status, text)
	}
	return err
}
