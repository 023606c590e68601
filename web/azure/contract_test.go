package azure_test

import (
	"bytes"
	"encoding/json"
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

	"dockbell/models/account"
	"dockbell/static"
)

// contract is the OpenAPI description of the API, read by a validator that knows nothing of this program.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

var theContract = sync.OnceValues(func() (contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(static.OpenAPI)
	if err != nil {
		return contract{}, err
	}
	doc.Servers = nil                    // "/" is wherever it is served, which the router takes for a host of its own
	router, err := legacy.NewRouter(doc) // it validates the document too
	return contract{doc, router}, err
})

// checkContract wants an answer to be as the contract says. Addresses in another spelling are not in it.
func checkContract(t testing.TB, r *http.Request, resp *http.Response, body string) {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 resp.StatusCode, Header: resp.Header, Body: io.NopCloser(strings.NewReader(body)),
	}
	if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
		t.Errorf("%s %s answers %d with what the contract does not know: %v", r.Method, r.URL.Path, resp.StatusCode, err)
	}
}

// TestTheContractIsComplete: every route of the door stands in it, and nothing else.
func TestTheContractIsComplete(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	var described, served []string
	for path, item := range c.doc.Paths.Map() {
		if strings.HasPrefix(path, "/ingest/") { // of another door, whose tests hold it to the same description
			continue
		}
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, r := range newHouse(t).door.Routes() {
		var path []string
		for _, part := range strings.Split(r.Path, "/") {
			if name, isParam := strings.CutPrefix(part, ":"); isParam {
				part = "{" + name + "}"
			}
			path = append(path, part)
		}
		line := r.Method + " " + strings.Join(path, "/")
		if !strings.HasPrefix(line, "PUT ") || !strings.HasSuffix(line, "/webhooks") { // which only says that a name is missing
			served = append(served, line)
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	for _, line := range served {
		if !slices.Contains(described, line) {
			t.Errorf("%s is served, and the contract does not know it", line)
		}
	}
	for _, line := range described {
		if !slices.Contains(served, line) {
			t.Errorf("%s stands in the contract, and nobody serves it", line)
		}
	}
}

// TestTheContractsRequestsAreTaken: what the validator takes for a good request is one.
func TestTheContractsRequestsAreTaken(t *testing.T) {
	h := newHouse(t)
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	bearer := h.bearer(account.Owner, "")
	tried, ping := map[string]bool{}, struct{ ID string }{}
	for _, step := range h.steps() {
		step = strings.ReplaceAll(step, "EVENT", ping.ID)
		method, rest, _ := strings.Cut(step, " ")
		path, body, _ := strings.Cut(rest, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, h.url+path+"?"+version, strings.NewReader(body))
		h.must(err)
		r.Header.Set("Authorization", "Bearer "+bearer)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		route, params, err := c.router.FindRoute(r)
		if err != nil {
			t.Errorf("%s: %v", step, err)
			continue
		}
		tried[route.Operation.OperationID] = true
		if err := openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		}); err != nil {
			t.Errorf("the contract refuses %s: %v", step, err)
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		h.must(err)
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		h.must(err)
		if resp.StatusCode >= 300 {
			t.Errorf("%s answers %d: %s", step, resp.StatusCode, text)
		}
		checkContract(t, r, resp, string(text))
		if strings.HasSuffix(path, "/ping") {
			h.must(json.Unmarshal(text, &ping))
		}
	}
	for path, item := range c.doc.Paths.Map() {
		for _, op := range item.Operations() {
			if !strings.HasPrefix(path, "/ingest/") && !tried[op.OperationID] {
				t.Errorf("%s was not tried", op.OperationID)
			}
		}
	}
}

// steps are good requests, every operation once or more, in an order in which all of them work: method, path, body.
func (h *house) steps() []string {
	sub, reg, hook := h.subscription(), h.registryAt("acmereg1"), h.registryAt("acmereg1")+"/webhooks/hook1"
	group, provider := sub+"/resourceGroups/rg1", sub+"/providers/Microsoft.ContainerRegistry"
	return []string{
		"GET /tenants", "GET /subscriptions", "GET " + sub, "GET " + sub + "/locations", "GET " + sub + "/resources", "GET " + sub + "/providers",
		"GET " + provider, "POST " + provider + "/register", "GET /providers/Microsoft.ContainerRegistry/operations",
		"GET " + sub + "/resourceGroups", "PUT " + group + ` {"location":"eastus","tags":{"a":"b"}}`, "GET " + group, "HEAD " + group, "PATCH " + group + ` {"tags":{}}`,
		"GET " + group + "/resources", "DELETE " + group,
		"POST " + provider + `/checkNameAvailability {"name":"acmereg1","type":"Microsoft.ContainerRegistry/registries"}`,
		"PUT " + reg + ` {"location":"eastus","sku":{"name":"Premium"},"properties":{"adminUserEnabled":true,"policies":{"quarantinePolicy":{"status":"disabled"}}}}`,
		"PATCH " + reg + ` {"tags":{"team":"core"},"properties":{"announceUntag":true}}`, "GET " + reg, "GET " + provider + "/registries",
		"GET " + h.group() + "/providers/Microsoft.ContainerRegistry/registries", "GET " + reg + "/listUsages", "POST " + reg + "/listCredentials",
		"POST " + reg + `/regenerateCredential {"name":"password2"}`,
		"PUT " + reg + `/replications/westus {"location":"westus"}`, "GET " + reg + "/replications", "GET " + reg + "/replications/westus",
		"PATCH " + reg + `/replications/westus {"properties":{"regionEndpointEnabled":false}}`, "DELETE " + reg + "/replications/westus",
		"PUT " + hook + ` {"location":"eastus","properties":{"serviceUri":"https://hooks.example.com","actions":["push"],"customHeaders":{"X-A":"1"}}}`,
		"PATCH " + hook + ` {"properties":{"delivery":{"maxInFlight":4,"rate":600,"ordered":true,"retry":"5s, 1m","signed":true}}}`, "GET " + hook + "/delivery",
		"POST " + hook + "/getSigningSecrets", "POST " + hook + "/rotateSigningSecret",
		"POST " + hook + "/pause", "POST " + hook + `/resume {"send":"newest","rate":60}`,
		"POST " + hook + `/replay {"kind":"missed","from":"2026-01-01T00:00:00Z"}`, "GET " + hook + "/replay", "POST " + hook + `/recover {"since":"2026-01-01T00:00:00Z"}`,
		"GET " + hook + "/recover", "POST " + hook + `/drop {"repository":"team/api","retries":true,"dryRun":true}`, "POST " + hook + "/drop {}",
		"PATCH " + hook + ` {"properties":{"scope":"team/*:v*","status":"disabled"}}`, "GET " + hook, "GET " + reg + "/webhooks",
		"POST " + hook + "/ping", "POST " + hook + `/redeliver {"event":"EVENT","dryRun":true}`, "POST " + hook + `/redeliver {"event":"EVENT"}`, "POST " + hook + "/listEvents", "GET " + hook + "/listEvents", "POST " + hook + "/getCallbackConfig",
		"DELETE " + hook, "DELETE " + hook, "DELETE " + reg,
	}
}

// TestTheContractIsServed to everybody: it holds no secret, and who writes a client has no token yet.
func TestTheContractIsServed(t *testing.T) {
	h := newHouse(t)
	nobody := &client{h: h, head: http.Header{}}
	r := nobody.get("/openapi.yaml").status(200)
	if !bytes.Equal([]byte(r.body), static.OpenAPI) || r.resp.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("served is %s, %d bytes", r.resp.Header.Get("Content-Type"), len(r.body))
	}
}

// TestTheValidatorSeesWhatIsWrong: a number for statusCode, a field that nobody described, a missing one, another status.
func TestTheValidatorSeesWhatIsWrong(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/g/providers/"+
		"Microsoft.ContainerRegistry/registries/acmereg/webhooks/hook1/listEvents?"+version, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		t.Fatal(err)
	}
	event := func(response string) string {
		return `{"value":[{"id":"00000000-0000-4000-8000-000000000001","eventRequestMessage":{"content":{},"headers":{},"method":"POST","requestUri":"","version":"1.1"},"eventResponseMessage":` + response + `}]}`
	}
	for body, good := range map[string]bool{
		event(`{"statusCode":"200"}`): true, event(`{"statusCode":200}`): false, event(`{"unknown":1}`): false, `{"value":[{"id":"00000000-0000-4000-8000-000000000001"}]}`: false, `{}`: false,
	} {
		err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
			Status:                 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		})
		if (err == nil) != good {
			t.Errorf("%s: %v", body, err)
		}
	}
}
