package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dockbell/models/store/storetest"
	"dockbell/web/webtest"
)

// TestMachinesStartTogether: several machines that start on an empty database make its registries once, and the set-up link
// that each prints works on every one of them, until one was used.
func TestMachinesStartTogether(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		shared := t.TempDir()
		var houses []*runningHouse
		var starting sync.WaitGroup
		for _, name := range []string{"one", "two", "three"} {
			h := &runningHouse{t: t, data: filepath.Join(shared, name)}
			h.args = []string{"serve", "--listen=127.0.0.1:0", "--data=" + h.data, "--database=" + dsn, "--key-file=" + filepath.Join(shared, "key"), "--registries=first1,second2", "--log=warn"}
			houses = append(houses, h)
			starting.Go(h.start)
		}
		starting.Wait()
		for _, h := range houses {
			for _, other := range houses {
				b := webtest.New(t, other.url)
				b.Get(strings.Replace(h.setUp, h.url, "", 1)).Status(http.StatusOK)
			}
		}
		_, code, _ := strings.Cut(houses[2].setUp, "code=")
		webtest.New(t, houses[0].url).Post("/setup/owner", "code", code, "name", houseOwner, "password", housePassword, "password2", housePassword).Leads("/setup/registry")
		webtest.New(t, houses[1].url).Get(strings.Replace(houses[1].setUp, houses[1].url, "", 1)).Status(http.StatusGone)
		b := webtest.New(t, houses[1].url)
		b.SignIn(houseOwner, housePassword).Leads("/")
		page := b.Get("/registries").Says("main", "first1").Says("main", "second2")
		if n := page.Find("tbody tr").Length(); n != 2 {
			t.Errorf("there are %d registries, want 2", n)
		}
	})
}

// TestAnotherMachinesKeyIsAsked: a machine with a key of its own does not start, and says which file is wanted where.
func TestAnotherMachinesKeyIsAsked(t *testing.T) {
	storetest.OnEmptyPostgres(t, func(t *testing.T, dsn string) {
		first, second := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data")
		create := func(data string) (stderr string, code int) {
			_, stderr, code = run(t, "token", "create", "--name=x", "--role=owner", "--database="+dsn, "--data="+data)
			return stderr, code
		}
		if stderr, code := create(first); code != exitDone {
			t.Fatal(stderr)
		}
		if stderr, code := create(second); code != exitRefused || !strings.Contains(stderr, "copy the key file") || !strings.Contains(stderr, filepath.Join(second, "key")) {
			t.Errorf("another key is answered with %d: %s", code, stderr)
		}
		key, err := os.ReadFile(filepath.Join(first, "key"))
		if err == nil {
			err = os.WriteFile(filepath.Join(second, "key"), key, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if stderr, code := create(second); code != exitDone {
			t.Errorf("with the key of the first machine it ends with %d: %s", code, stderr)
		}
	})
}
