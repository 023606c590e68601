package ingest_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"dockbell/static"
	"dockbell/web/ingest"
)

// contract is the OpenAPI description of the door, read by a validator that knows nothing of this program.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

var theContract = sync.OnceValues(func() (contract, error) {
	for _, kind := range []string{
		"application/vnd.docker.distribution.events.v1+json", "application/vnd.docker.distribution.events.v2+json",
		"application/cloudevents+json", "application/cloudevents-batch+json",
	} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.JSONBodyDecoder)
	}
	doc, err := openapi3.NewLoader().LoadFromData(static.OpenAPI)
	if err != nil {
		return contract{}, err
	}
	doc.Servers = nil                    // "/" is wherever it is served, which the router takes for a host of its own
	router, err := legacy.NewRouter(doc) // it validates the document too
	return contract{doc, router}, err
})

// input is a request as the validator knows it; nil when the description does not.
func (c contract) input(r *http.Request) *openapi3filter.RequestValidationInput {
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return nil
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
}

// checkAnswer wants an answer to be as the description says: every answer of every test of this door is held to it.
func checkAnswer(t testing.TB, r *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	in := c.input(r)
	if in == nil {
		return
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(body)),
	})
	if err != nil {
		t.Errorf("%s %s answers %d with what the description does not know: %v", r.Method, r.URL.Path, resp.StatusCode, err)
	}
}

// TestTheContractIsComplete: every route of the door stands in it, and no other of this door.
func TestTheContractIsComplete(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	var described, served []string
	for path, item := range c.doc.Paths.Map() {
		for method := range item.Operations() {
			if strings.HasPrefix(path, "/ingest/") {
				described = append(described, method+" "+path)
			}
		}
	}
	for _, r := range (&ingest.Door{}).Routes() {
		served = append(served, r.Method+" "+strings.NewReplacer(":source", "{source}", ":secret", "{secret}").Replace(r.Path))
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described are %v, served %v", described, served)
	}
}

// TestTheContractsRequestsAreTaken: what each kind sends is a good request to the validator, and is taken. The answers are held to
// the description wherever they are read.
func TestTheContractsRequestsAreTaken(t *testing.T) {
	h := newHouse(t)
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for kind, list := range kindsTable {
		made := h.source(kind, kind)
		for _, s := range list {
			if strings.Contains(s.want, "rejected") || strings.Contains(s.headers, "Ce-") || strings.Contains(s.body, `{"v1":"abc"}`) {
				continue // nobody should send these, or they are described by CloudEvents' own headers
			}
			r := s.request(h, made)
			if err := openapi3filter.ValidateRequest(t.Context(), c.input(r)); err != nil {
				t.Errorf("the description refuses %s of %s: %v", s.body, kind, err)
			}
			if got := h.do(r); got.Status != http.StatusAccepted {
				t.Errorf("%s of %s is answered with %d", s.body, kind, got.Status)
			}
			tried++
		}
	}
	if tried < 30 {
		t.Errorf("only %d requests", tried)
	}
}

// TestTheValidatorSeesWhatIsWrong: another verdict, a field that nobody described, a missing one, a status without its header.
func TestTheValidatorSeesWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	r := h.request(h.source("dist", "distribution"), envelope())
	answered := func(status int, body string) error {
		return openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: c.input(r), Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		})
	}
	verdict := func(one string) string {
		return `{"accepted":1,"duplicate":0,"ignored":0,"rejected":0,"events":[` + one + `]}`
	}
	for body, good := range map[string]bool{
		verdict(`{"id":"1","verdict":"accepted","reason":""}`): true, verdict(`{"id":"1","verdict":"stored","reason":""}`): false,
		verdict(`{"id":"1","verdict":"accepted"}`): false, verdict(`{"id":"1","verdict":"accepted","reason":"","event":"x"}`): false, `{"accepted":1}`: false,
	} {
		if err := answered(http.StatusAccepted, body); (err == nil) != good {
			t.Errorf("%s: %v", body, err)
		}
	}
	if answered(http.StatusTooManyRequests, `{"error":{"code":"x","message":"y"}}`) == nil {
		t.Error("a 429 without Retry-After is taken")
	}
}
