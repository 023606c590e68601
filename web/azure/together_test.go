package azure_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dockbell/models/store/storetest"
)

// together sends n requests at once and counts their statuses.
func together(n int, send func(i int) int) map[int]int {
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for i := range n {
		all.Go(func() {
			status := send(i)
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	all.Wait()
	return statuses
}

// TestManyAtOnce: whoever comes together with others is served as if alone, and no rule breaks.
func TestManyAtOnce(t *testing.T) {
	storetest.EachDSN(t, manyAtOnce)
}

func manyAtOnce(t *testing.T, dsn string) {
	h := newHouseOn(t, dsn)
	c := h.owner()
	const n = 24
	at := h.hooks() + "/hook1"
	if got := together(n, func(int) int { return c.put(at, hookBody).resp.StatusCode }); got[200] != n {
		t.Errorf("PUTs of one webhook at once: %v", got)
	}
	if got := len(c.get(h.hooks()).at("value").([]any)); got != 1 {
		t.Errorf("%d webhooks were made", got)
	}
	var tagged atomic.Int64
	if got := together(n, func(i int) int {
		body := fmt.Sprintf(`{"properties":{"scope":"foo%d"}}`, i)
		if i%2 == 0 {
			body = `{"tags":{"kept":"yes"}}`
			tagged.Add(1)
		}
		return c.patch(at, body).resp.StatusCode
	}); got[200] != n {
		t.Errorf("PATCHes of one webhook at once: %v", got)
	}
	c.get(at).says("tags.kept", "yes") // nobody's change of a scope undid it
	if scope, _ := c.get(at).at("properties.scope").(string); !strings.HasPrefix(scope, "foo") {
		t.Errorf("the scope is %q", scope)
	}

	basic := h.registryAt("acmereg1")
	if got := together(n, func(int) int {
		return c.put(basic, `{"location":"eastus","sku":{"name":"Basic"}}`).resp.StatusCode
	}); got[200] != n {
		t.Errorf("PUTs of one registry at once: %v", got)
	}
	if got := together(n, func(i int) int { return c.put(fmt.Sprintf("%s/webhooks/hook%d", basic, i), hookBody).resp.StatusCode }); got[200] != 2 || got[403] != n-2 {
		t.Errorf("%d webhooks at once in a registry that may have two: %v", n, got)
	}
	premium := h.registryAt(string(first))
	if got := together(n, func(i int) int {
		return c.put(fmt.Sprintf("%s/replications/place%d", premium, i%4), fmt.Sprintf(`{"location":"place%d"}`, i%4)).resp.StatusCode
	}); got[200] != n {
		t.Errorf("PUTs of four replications at once: %v", got)
	}
	if got := len(c.get(premium + "/replications").at("value").([]any)); got != 2+4 {
		t.Errorf("%d replications", got)
	}
	tag := c.get(at).resp.Header.Get("ETag")
	one := &client{h: h, bearer: c.bearer, head: http.Header{"If-Match": {tag}}}
	if got := together(n, func(int) int { return one.patch(at, `{"properties":{"scope":"bar"}}`).resp.StatusCode }); got[200] != 1 || got[412] != n-1 {
		t.Errorf("changes of one version at once: %v", got)
	}
	one.head = http.Header{"If-Match": {c.get(at).resp.Header.Get("ETag")}}
	if got := together(n, func(i int) int {
		if i%2 == 0 {
			return one.patch(at, `{"properties":{"scope":"baz"}}`).resp.StatusCode
		}
		return one.delete(at).resp.StatusCode
	}); got[200] != 1 || got[412]+got[404] != n-1 {
		t.Errorf("changes and DELETEs of one version at once: %v", got)
	}
	c.put(at, hookBody).status(200)
	if got := together(n, func(int) int { return c.delete(at).resp.StatusCode }); got[200]+got[204] != n || got[200] == 0 {
		t.Errorf("DELETEs of one webhook at once: %v", got)
	}
}
