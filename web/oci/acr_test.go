package oci_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/audit"
)

// form is a request of the token service.
func form(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

// azToken gets an access token as az does: the Bearer for a refresh token, that for a token of one scope.
func (h *house) azToken(management, scope string) string {
	h.t.Helper()
	var refresh struct {
		RefreshToken string `json:"refresh_token"`
	}
	values := url.Values{"grant_type": {"access_token"}, "service": {h.host}, "tenant": {"any"}, "access_token": {management}}
	got := h.do("POST", "/oauth2/exchange", values.Encode(), form).wants(h.t, 200, "")
	if err := json.Unmarshal([]byte(got.body), &refresh); err != nil || refresh.RefreshToken == "" {
		h.t.Fatal(got.body, err)
	}
	values = url.Values{"grant_type": {"refresh_token"}, "service": {h.host}, "scope": {scope}, "refresh_token": {refresh.RefreshToken}}
	return tokenOf(h.t, h.do("POST", "/oauth2/token", values.Encode(), form)).AccessToken
}

// TestAzRepositoryCommands sends what `az acr repository` sends, with the tokens it gets itself.
func TestAzRepositoryCommands(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		config := `{"os":"linux","architecture":"arm64","config":{}}`
		h.pushBlob("team/app", config)
		h.pushBlob("team/app", "layer")
		body := manifestOf(imageConfig, config, "layer", "")
		digest := h.putManifest("team/app", "v1", body).wants(t, 201, "").Header.Get("Docker-Content-Digest")
		h.pass(time.Second)
		h.putManifest("team/app", "a", body).wants(t, 201, "")
		h.pass(time.Second)
		other := h.pushImage("team/app", "b", "layer2")
		h.pushImage("team/other", "x", "layer")
		h.events()

		az := func(method, path, scope, body string) answered {
			t.Helper()
			return h.do(method, path, body, bearer(h.azToken("dkb_ci", scope)))
		}
		read := "repository:team/app:metadata_read"
		az("GET", "/v2/_catalog?n=1", "registry:catalog:*", "").wants(t, 200, `{"repositories":["team/app"]}`)
		az("GET", "/acr/v1/_catalog?n=100", "registry:catalog:*", "").wants(t, 200, `{"repositories":["team/app","team/other"]}`)
		az("GET", "/acr/v1/team/app", read, "").wants(t, 200,
			`{"registry":"mycontainerregistry.example.com","imageName":"team/app","createdTime":"2026-11-24T12:00:00.0000000Z","lastUpdateTime":"2026-11-24T12:00:02.0000000Z",`+
				`"manifestCount":2,"tagCount":3,"changeableAttributes":{"deleteEnabled":true,"writeEnabled":true,"readEnabled":true,"listEnabled":true}}`)
		az("GET", "/acr/v1/team/app/_tags/a", read, "").wants(t, 200, `"tag":{"name":"a","digest":"`+digest+`","createdTime":"2026-11-24T12:00:01.0000000Z"`)
		az("GET", "/acr/v1/team/app/_manifests/"+digest, read, "").wants(t, 200,
			fmt.Sprintf(`"manifest":{"digest":%q,"imageSize":%d,"createdTime":"2026-11-24T12:00:00.0000000Z","lastUpdateTime":"2026-11-24T12:00:01.0000000Z",`+
				`"architecture":"arm64","os":"linux","mediaType":%q,"configMediaType":%q,"tags":["a","v1"]`, digest, len(body)+len(config)+len("layer"), artifact.OCIManifest, imageConfig))
		az("GET", "/acr/v1/team%2Fapp/_manifests/"+strings.Replace(digest, ":", "%3A", 1), read, "").wants(t, 200, digest) // as Azure's SDKs write it
		az("PATCH", "/acr/v1/team/app/_tags/a", read, `{"deleteEnabled":false}`).wants(t, 401, "")
		az("PATCH", "/acr/v1/team/app/_tags/a", "repository:team/app:metadata_write,metadata_read", `{"deleteEnabled":false}`).wants(t, 200, `"changeableAttributes":{"deleteEnabled":false,"writeEnabled":true`)
		az("DELETE", "/acr/v1/team/app/_tags/a", "repository:team/app:delete", "").wants(t, 405, "DENIED")
		az("DELETE", "/acr/v1/team/app/_tags/v1", "repository:team/app:delete", "").wants(t, 202, "")
		az("DELETE", "/v2/team/app/manifests/"+other, "repository:team/app:delete,metadata_read", "").wants(t, 202, "")
		if got := h.events(); !slices.Equal(got, []string{"delete team/app carried b"}) {
			t.Errorf("untag and delete raised %q", got)
		}
		az("DELETE", "/acr/v1/team/app", "repository:team/app:delete,metadata_read", "").wants(t, 405, "The tag a of team/app is locked")
		az("PATCH", "/acr/v1/team/app/_tags/a", "repository:team/app:metadata_write,metadata_read", `{"deleteEnabled":true}`).wants(t, 200, "")
		az("DELETE", "/acr/v1/team/app", "repository:team/app:delete,metadata_read", "").wants(t, 202, fmt.Sprintf(`{"manifestsDeleted":[%q],"tagsDeleted":["a"]}`, digest))
		if got := h.events(); !slices.Equal(got, []string{"delete team/app carried a"}) {
			t.Errorf("delete of the repository raised %q", got)
		}
		az("GET", "/acr/v1/team/app", read, "").wants(t, 404, "NAME_UNKNOWN")
	})
}

// TestAzureLists walks every page in every order.
func TestAzureLists(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		var digests []string
		for _, tag := range []string{"c", "a", "d", "b"} {
			digests = append(digests, h.pushImage("team/app", tag, "layer "+tag))
			h.pass(time.Second)
		}
		walk := func(list, orderby string) string {
			t.Helper()
			var names []string
			path := "/acr/v1/team/app/" + list + "?n=3&orderby=" + orderby
			for path != "" {
				got := h.do("GET", path, "").wants(t, 200, "")
				var page struct {
					Tags      []struct{ Name string }
					Manifests []struct{ Digest string }
				}
				if err := json.Unmarshal([]byte(got.body), &page); err != nil {
					t.Fatal(err)
				}
				for _, one := range page.Tags {
					names = append(names, one.Name)
				}
				for _, one := range page.Manifests {
					names = append(names, one.Digest)
				}
				path, _, _ = strings.Cut(strings.TrimPrefix(got.Header.Get("Link"), "<"), ">")
			}
			return strings.Join(names, " ")
		}
		backwards := slices.Clone(digests)
		slices.Reverse(backwards)
		for _, c := range []struct{ list, orderby, want string }{
			{"_tags", "", "a b c d"}, {"_tags", "none", "a b c d"}, {"_tags", "timeasc", "c a d b"}, {"_tags", "timedesc", "b d a c"},
			{"_manifests", "", strings.Join(slices.Sorted(slices.Values(digests)), " ")},
			{"_manifests", "timeasc", strings.Join(digests, " ")}, {"_manifests", "timedesc", strings.Join(backwards, " ")},
		} {
			if got := walk(c.list, c.orderby); got != c.want {
				t.Errorf("%s by %q: %s, want %s", c.list, c.orderby, got, c.want)
			}
		}
		h.do("GET", "/acr/v1/team/app/_tags?n=3&orderby=timeasc&last=a", "").wants(t, 200, `"tags":[{"name":"d"`) // as Azure's own links are
		h.do("GET", "/acr/v1/team/app/_tags?orderby=timeasc&last=gone", "").wants(t, 400, "not there any more")
		h.do("GET", "/acr/v1/team/app/_tags?orderby=size", "").wants(t, 400, "timeasc, timedesc or none")
		h.do("GET", "/acr/v1/team/app/_tags?orderby=timeasc&last=a@x", "").wants(t, 400, "")
		h.do("GET", "/acr/v1/team/nowhere/_tags", "").wants(t, 404, "NAME_UNKNOWN")
		h.do("GET", "/acr/v1/team/app/_tags/-bad", "").wants(t, 400, "TAG_INVALID")
		h.do("GET", "/acr/v1/team/app/_manifests/v1", "").wants(t, 400, "DIGEST_INVALID")
		h.do("GET", "/acr/v1/Team/_tags", "").wants(t, 400, "NAME_INVALID")
		h.do("GET", "/acr/v1/team%252Fapp", "").wants(t, 400, "NAME_INVALID")
		h.do("POST", "/acr/v1/team/app", "").wants(t, 405, "")
		h.do("PATCH", "/acr/v1/team/app", "{").wants(t, 400, "JSON object")
		h.do("PATCH", "/acr/v1/team/app", `{"quarantineState":"Passed"}`, as("owner")).wants(t, 400, "matter of manifests")
		h.do("PATCH", "/acr/v1/team/nowhere", `{"listEnabled":false}`).wants(t, 404, "NAME_UNKNOWN")
		h.do("PATCH", "/acr/v1/team/app/_tags/nowhere", `{"listEnabled":false}`).wants(t, 404, "MANIFEST_UNKNOWN")
	})
}

// TestLocksHoldEverywhere: what is locked refuses by every door and way, with a sentence that says what to do.
func TestLocksHoldEverywhere(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		body := manifestOf(imageConfig, "{}", "layer", "")
		digest := h.pushImage("team/app", "v1", "layer")
		lock := func(path, what string) {
			t.Helper()
			h.do("PATCH", "/acr/v1/team/app"+path, what).wants(t, 200, "")
		}
		lock("/_tags/v1", `{"writeEnabled":false}`)
		h.putManifest("team/app", "v1", body).wants(t, 405, "The tag v1 of team/app is locked")
		h.do("DELETE", "/v2/team/app/manifests/v1", "").wants(t, 405, "az acr repository update")
		h.do("DELETE", "/v2/team/app/manifests/"+digest, "").wants(t, 405, "The tag v1")
		h.do("DELETE", "/acr/v1/team/app/_manifests/"+digest, "").wants(t, 405, "The tag v1")
		h.do("DELETE", "/acr/v1/team/app", "").wants(t, 405, "The tag v1")
		h.putManifest("team/app", "v2", body).wants(t, 201, "")
		lock("/_tags/v1", `{"writeEnabled":true}`)
		record, err := h.data.Audit(t.Context(), audit.Filter{Limit: 10})
		if err != nil || len(record.Entries) != 2 || record.Entries[1].Object != "team/app:v1" || record.Entries[1].Actor.Name != "pusher" {
			t.Errorf("on record: %+v, %v", record.Entries, err)
		}

		lock("/_manifests/"+digest, `{"writeEnabled":false}`)
		h.putManifest("team/app", "v3", body).wants(t, 405, "The manifest "+digest)
		h.do("DELETE", "/v2/team/app/manifests/"+digest, "").wants(t, 405, "The manifest")
		h.do("DELETE", "/acr/v1/team/app", "").wants(t, 405, "The manifest")
		lock("/_manifests/"+digest, `{"writeEnabled":true,"readEnabled":false}`)
		h.do("GET", "/v2/team/app/manifests/"+digest, "").wants(t, 405, "locked against reading")
		h.do("GET", "/v2/team/app/manifests/v1", "", as("owner")).wants(t, 405, "locked against reading")
		lock("/_manifests/"+digest, `{"readEnabled":true}`)
		lock("/_tags/v1", `{"readEnabled":false}`)
		h.do("GET", "/v2/team/app/manifests/v1", "").wants(t, 405, "")
		h.do("GET", "/v2/team/app/manifests/v2", "").wants(t, 200, "")
		lock("/_tags/v1", `{"readEnabled":true,"listEnabled":false}`)
		h.do("GET", "/v2/team/app/tags/list", "").wants(t, 200, `"tags":["v2"]`)
		lock("/_tags/v1", `{"listEnabled":true}`)

		lock("", `{"deleteEnabled":false}`)
		h.do("DELETE", "/v2/team/app/manifests/v1", "").wants(t, 405, "The repository team/app")
		h.do("DELETE", "/v2/team/app/manifests/"+digest, "").wants(t, 405, "The repository")
		h.putManifest("team/app", "v3", body).wants(t, 201, "")
		h.pushBlob("team/app", "what no manifest needs")
		begun := h.do("POST", "/v2/team/app/blobs/uploads/", "").wants(t, 202, "").Header.Get("Location")
		lock("", `{"writeEnabled":false,"listEnabled":false}`)
		h.lockedForLayers("team/app", begun)
		h.putManifest("team/app", "v4", body).wants(t, 405, "The repository")
		h.do("GET", "/v2/_catalog", "").wants(t, 200, `"repositories":[]`)
		h.do("GET", "/v2/team/app/manifests/v1", "").wants(t, 200, "")
		lock("", `{"readEnabled":false}`)
		h.do("GET", "/v2/team/app/manifests/v1", "").wants(t, 405, "")
		h.events()
		lock("", `{"deleteEnabled":true,"writeEnabled":true,"readEnabled":true,"listEnabled":true}`)
		h.do("DELETE", "/acr/v1/team/app", "").wants(t, 202, `"tagsDeleted":["v1","v2","v3"]`)
		if got := h.events(); len(got) != 1 {
			t.Errorf("%q", got)
		}
	})
}

// lockedForLayers: no layer comes into a repository that is locked against writing, and none goes. Clients learn it when an
// upload begins and not after its last byte; one that began before the lock learns it at its end.
func (h *house) lockedForLayers(repo, begun string) {
	h.t.Helper()
	h.pushBlob("team/other", "elsewhere")
	elsewhere, extra := artifact.DigestOf([]byte("elsewhere"), ""), artifact.DigestOf([]byte("what no manifest needs"), "")
	at := "/v2/" + repo + "/blobs/"
	for _, ask := range []struct{ method, path, body string }{
		{"POST", at + "uploads/", ""}, {"POST", at + "uploads/?digest=" + elsewhere, "elsewhere"},
		{"POST", at + "uploads/?mount=" + elsewhere + "&from=team/other", ""},
		{"PUT", begun + "?digest=" + elsewhere, "elsewhere"}, {"DELETE", at + extra, ""},
	} {
		h.do(ask.method, ask.path, ask.body).wants(h.t, 405, `"code":"DENIED","message":"The repository `+repo+` is locked`)
	}
	h.do("GET", at+elsewhere, "").wants(h.t, 404, "BLOB_UNKNOWN")
	h.do("GET", at+extra, "").wants(h.t, 200, "what no manifest needs")
	if uploads, _ := h.count(); uploads != 0 {
		h.t.Errorf("%d uploads are left behind", uploads)
	}
}

// TestNarrowedTokens: a token that is limited to rights and repositories does that and sees that, by Bearer and by the
// token service; outside of it there is no telling what exists.
func TestNarrowedTokens(t *testing.T) {
	h := newHouse(t)
	digest := h.pushImage("team/app", "v1", "layer")
	h.pushImage("base/alpine", "v1", "layer")
	for _, name := range []string{"dkb_puller_of_team", "dkb_scanner"} {
		via := tokenOf(t, h.do("GET", "/oauth2/token?scope=repository:team/app:pull,push,quarantine&scope=repository:base/alpine:*&scope=registry:catalog:*", "", bearer(name))).Token
		for _, token := range []string{name, via} {
			h.do("GET", "/v2/team/app/manifests/v1", "", bearer(token)).wants(t, 200, "")
			h.do("GET", "/v2/_catalog", "", bearer(token)).wants(t, 200, `{"repositories":["team/app"]}`)
			for _, path := range []string{"base/alpine/manifests/v1", "base/nowhere/manifests/v1", "base/alpine/tags/list", "base/nowhere/tags/list"} {
				if got := h.do("GET", "/v2/"+path, "", bearer(token)); got.StatusCode != 401 && got.StatusCode != 403 {
					t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
				}
			}
			if got := h.do("POST", "/v2/team/app/blobs/uploads/", "", bearer(token)); got.StatusCode != 401 && got.StatusCode != 403 {
				t.Errorf("%s pushes: %d", name, got.StatusCode)
			}
		}
	}
	h.do("PATCH", "/acr/v1/team/app/_manifests/"+digest, `{"quarantineState":"Failed"}`, bearer("dkb_puller_of_team")).wants(t, 403, "")
	h.do("PATCH", "/acr/v1/team/app/_manifests/"+digest, `{"quarantineState":"Failed"}`, bearer("dkb_scanner")).wants(t, 200, "")
	h.do("GET", "/v2/team/app/manifests/v1", "", bearer("dkb_puller_of_team")).wants(t, 404, "")
	h.do("GET", "/v2/team/app/manifests/v1", "", bearer("dkb_scanner")).wants(t, 200, "")
	// A blob of a repository that the token may not pull is not mounted, and the answer is that of one that is not there.
	blob := artifact.DigestOf([]byte("layer"), "")
	from := h.do("POST", "/v2/mine/app/blobs/uploads/?mount="+blob+"&from=base/alpine", "", bearer("dkb_mine")).wants(t, 202, "")
	nowhere := h.do("POST", "/v2/mine/app/blobs/uploads/?mount="+blob+"&from=base/nowhere", "", bearer("dkb_mine")).wants(t, 202, "")
	if len(from.Header) != len(nowhere.Header) {
		t.Errorf("%v and %v", from.Header, nowhere.Header)
	}
}

// narrowed are the tokens of these tests that are limited.
var narrowed = map[string]account.Principal{
	"dkb_puller_of_team": {Role: account.Owner, Narrow: account.Narrowing{Rights: []account.Permission{account.Pull}, Repositories: []string{"team/*"}}},
	"dkb_scanner":        {Role: account.Owner, Narrow: account.Narrowing{Rights: []account.Permission{account.Pull, account.ReleaseQtn}, Repositories: []string{"team/*"}}},
	"dkb_mine":           {Role: account.Contributor, Narrow: account.Narrowing{Repositories: []string{"mine/*"}}},
}
