package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dockbell/models/event"
)

// sender tells events as CNCF Distribution does: one at a time on a connection, and again until it is answered.
type sender struct {
	p      *process
	token  string
	ledger *ledger
	stop   atomic.Bool
	again  atomic.Int64 // how often an event was repeated
}

// run sends events until it is told to stop, and the last one until it is answered.
func (s *sender) run(client int) {
	for n := 0; !s.stop.Load(); n++ {
		repo, tag := repositories[n%len(repositories)], fmt.Sprintf("c%d-%d", client, n)
		digest := digestOf(repo + tag)
		body := fmt.Appendf(nil, `{"events":[{"id":"id-%d-%d","action":"push","target":{"repository":%q,"tag":%q,"digest":%q}}]}`, client, n, repo, tag, digest)
		for !s.send(body) {
			s.again.Add(1)
			time.Sleep(2 * time.Millisecond)
		}
		s.ledger.acknowledge(repo+":"+tag, digest)
	}
}

// send reports whether an event was taken.
func (s *sender) send(body []byte) bool {
	base := s.p.base()
	if base == "" {
		return false
	}
	req, err := http.NewRequest(http.MethodPost, base+"/ingest/edge", bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v2+json")
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := s.p.http.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusAccepted
}

// TestKilledWhileEventsComeIn kills the program again and again while four senders tell events and repeat what was not answered:
// what was acknowledged is stored, every receiver is told of it, and no event is stored twice.
func TestKilledWhileEventsComeIn(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := startProcess(t, data)
	out, stderr, code := run(t, "source", "create", "--name", "edge", "--kind", "distribution", "--registry", houseRegistry, "--rate", "0", "--data="+data)
	var made struct{ Token string }
	if code != exitDone || json.Unmarshal([]byte(out), &made) != nil {
		t.Fatal(stderr)
	}
	l := newLedger()
	l.subscribe(t, p)
	s := &sender{p: p, token: made.Token, ledger: l}
	var senders sync.WaitGroup
	for c := range 4 {
		senders.Go(func() { s.run(c) })
	}
	const kills = 5
	for range kills {
		l.grows(t, 30+rand.N(100))
		time.Sleep(rand.N(10 * time.Millisecond))
		p.end(syscall.SIGKILL)
		p.start()
	}
	s.stop.Store(true)
	senders.Wait()
	for _, fault := range l.quiet(time.Minute) {
		t.Error("I2:", fault)
	}
	if _, faults := l.copies(); len(faults) > 0 {
		t.Error("I4:", faults)
	}
	acked := l.acknowledged()
	t.Logf("%d kills: %d events acknowledged, %d repeated", kills, len(acked), s.again.Load())
	p.end(syscall.SIGTERM)
	db := openData(t, data)
	l.judgeHistory(t, db, acked)
	stored := map[string]int{}
	for f := (event.Filter{Registry: houseRegistry, Limit: 500}); ; {
		page, err := db.Events(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range page.Events {
			stored[ev.Target.Repository+":"+ev.Target.Tag]++
			f.Before = ev.ID
		}
		if !page.Older {
			break
		}
	}
	var twice []string
	for image, n := range stored {
		if n > 1 {
			twice = append(twice, image)
		}
	}
	if len(twice) > 0 {
		t.Errorf("stored twice: %s", strings.Join(twice, ", "))
	}
}
