package ingest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
	"dockbell/models/source"
	"dockbell/models/strict"
)

// FuzzDecoders gives every decoder any JSON: it makes notices or refuses, and the notices that count name a repository's event.
func FuzzDecoders(f *testing.F) {
	for _, seed := range []string{
		`{"events":[{"id":"1","action":"push","target":{"repository":"a","tag":"b","references":[{"mediaType":"x"}]}}]}`,
		`{"specversion":"1.0","id":"1","source":"z","type":"zotregistry.image.updated","data":{"name":"a","reference":"b","manifest":"{}"}}`,
		`{"type":"PUSH_ARTIFACT","occur_at":1,"event_data":{"resources":[{"digest":"d","tag":"t"}],"repository":{"repo_full_name":"a/b"}}}`,
		`{"repository":"a/b","updated_tags":["v1"],"docker_url":"q/a/b"}`, `{"action":"created","package":{"type":"container","name":"a","version":"v","owner":{"login":"o"}}}`,
		`{"action":"published","registry_package":{"name":"a","namespace":"o","ecosystem":"container","package_version":{"container_metadata":{"tag":{"name":"v"}}}}}`,
		`{"push_data":{"tag":"v","pushed_at":1},"repository":{"repo_name":"a/b"}}`, `[{"eventType":"Microsoft.ContainerRegistry.ImagePushed","data":{"target":{"repository":"a"}}}]`,
		`{"action":"push","target":{"repository":"a"}}`, `[]`, `null`, `{"specversion":"1.0","id":"1","source":"a","type":"harbor.artifact.pushed","data":{"resources":[{}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		value, err := strict.Value(body)
		if err != nil {
			return
		}
		for _, known := range source.Kinds {
			for _, header := range []string{"", "1.0"} {
				h := httptest.NewRequest(http.MethodPost, "/ingest/x", strings.NewReader(""))
				if header != "" {
					h.Header.Set("Ce-Specversion", header)
				}
				r := &request{Context: echo.New().NewContext(h, httptest.NewRecorder()), http: h, source: source.Source{Kind: known.Kind}, kind: plainJSON, body: body, value: value}
				notices, _, err := decode(r)
				if err != nil && !fault.Is(err, fault.Invalid) && err != error(errTooMany) { //nolint:errorlint // it is this one
					t.Errorf("%s: %q is refused with %v", known.Kind, body, err)
				}
				for _, n := range notices {
					if n.What == "" && n.Why == "" && n.Wrong == "" {
						t.Errorf("%s: %q gives a notice without a reason", known.Kind, body)
					}
				}
			}
		}
	})
}
