package azure_test

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
)

// readCases reads a case file of the webhook's own tests: the same inputs come through the API here.
func readCases[T any](t *testing.T, file string) []T {
	t.Helper()
	raw, err := os.ReadFile("../../models/webhook/testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []T }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Cases) == 0 {
		t.Fatalf("%s has no cases", file)
	}
	return all.Cases
}

// inJSON writes a value into a JSON text.
func inJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// withProperties is a webhook's body with more properties than the location, service URI and actions that every one needs.
func withProperties(t *testing.T, properties map[string]any) string {
	t.Helper()
	all := map[string]any{"serviceUri": "https://hooks.example.com/acr", "actions": []string{"push"}}
	for name, v := range properties {
		all[name] = v
	}
	return inJSON(t, map[string]any{"location": "eastus", "properties": all})
}

func TestNamesOfWebhooks(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	type nameCase struct {
		ID, Input    string
		Precondition struct{ Existing []string }
		Expect       struct {
			Outcome, Field string
			APIStatus      int    `json:"api_status"`
			APIOutcome     string `json:"api_outcome"`
		}
	}
	for _, n := range readCases[nameCase](t, "webhook_names.json") {
		t.Run(n.ID, func(t *testing.T) {
			for _, name := range n.Precondition.Existing {
				c.put(h.hooks()+"/"+name, withProperties(t, nil)).status(200)
			}
			r := c.put(h.hooks()+"/"+url.PathEscape(n.Input), withProperties(t, nil))
			switch {
			case n.Expect.Outcome == "accept" || n.Expect.APIOutcome == "update_existing":
				r.status(200)
			default:
				r.fails(n.Expect.APIStatus, "InvalidParameter", n.Expect.Field)
			}
		})
	}
}

func TestFieldsOfWebhooks(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	type fieldCase struct {
		ID      string
		APIJSON map[string]any `json:"api_json"`
		Expect  struct {
			Outcome, Field string
			APIStatus      int    `json:"api_status"`
			APICode        string `json:"api_code"`
			StoredLocation string `json:"stored_location"`
		}
	}
	for _, f := range readCases[fieldCase](t, "webhook_fields.json") {
		t.Run(f.ID, func(t *testing.T) {
			properties := map[string]any{"serviceUri": "https://hooks.example.com/acr"}
			body := map[string]any{"location": "eastus", "properties": properties}
			for name, v := range f.APIJSON {
				if name == "location" || name == "tags" || name == "id" {
					body[name] = v
				} else {
					properties[name] = v
				}
			}
			r := c.put(h.hooks()+"/"+strings.ReplaceAll(f.ID, "-", ""), inJSON(t, body)).status(f.Expect.APIStatus)
			if f.Expect.APICode != "" {
				r.fails(f.Expect.APIStatus, f.Expect.APICode, f.Expect.Field)
			}
			if f.Expect.StoredLocation != "" {
				r.says("location", f.Expect.StoredLocation)
			}
			if f.Expect.Outcome == "accept" {
				r.says("properties.status", "enabled")
			}
		})
	}
}

func TestServiceURIsOfWebhooks(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	type uriCase struct {
		ID, Input string
		Policy    json.RawMessage
		Expect    struct{ Outcome, Stored string }
	}
	for _, u := range readCases[uriCase](t, "service_uris.json") {
		t.Run(u.ID, func(t *testing.T) {
			var policy struct {
				Allow []netip.Prefix `json:"egress_allow"`
			}
			_ = json.Unmarshal(u.Policy, &policy) // "default" is not an object: nothing is listed
			h.allow(policy.Allow...)
			at := h.hooks() + "/" + strings.ReplaceAll(u.ID, "-", "")
			r := c.put(at, withProperties(t, map[string]any{"serviceUri": u.Input}))
			if u.Expect.Outcome != "accept" {
				r.fails(400, "InvalidParameter", "serviceUri")
				return
			}
			r.status(200)
			if u.Expect.Stored != "" {
				c.post(at+"/getCallbackConfig").status(200).says("serviceUri", u.Expect.Stored)
			}
		})
	}
}

func TestHeadersOfWebhooks(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	type headerCase struct {
		ID      string
		APIJSON json.RawMessage `json:"api_json"`
		Expect  struct {
			Outcome   string
			APIStatus int `json:"api_status"`
		}
	}
	tried := 0
	for _, hc := range readCases[headerCase](t, "custom_headers.json") {
		if hc.APIJSON == nil {
			continue // of the portal's text area
		}
		tried++
		t.Run(hc.ID, func(t *testing.T) {
			at := h.hooks() + "/" + strings.ReplaceAll(hc.ID, "-", "")
			r := c.put(at, `{"location":"eastus","properties":{"serviceUri":"https://hooks.example.com","actions":["push"],"customHeaders":`+string(hc.APIJSON)+`}}`)
			if hc.Expect.Outcome != "accept" {
				r.fails(hc.Expect.APIStatus, "InvalidParameter", "customHeaders")
				return
			}
			r.status(hc.Expect.APIStatus)
			config := c.post(at + "/getCallbackConfig").status(200)
			var want any
			if err := json.Unmarshal(hc.APIJSON, &want); err != nil {
				t.Fatal(err)
			}
			if got := config.at("customHeaders"); inJSON(t, got) != inJSON(t, want) {
				t.Errorf("getCallbackConfig gives %v, want %v", got, want)
			}
		})
	}
	if tried == 0 {
		t.Error("no case is for the API")
	}
}

func TestScopesOfWebhooks(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	type scopeCase struct {
		ID     string
		Input  *string
		Expect struct{ Outcome, Field string }
	}
	for _, s := range readCases[scopeCase](t, "scopes.json") {
		if s.Input == nil {
			continue // matching
		}
		t.Run(s.ID, func(t *testing.T) {
			r := c.put(h.hooks()+"/"+strings.ReplaceAll(s.ID, "-", ""), withProperties(t, map[string]any{"scope": *s.Input}))
			if s.Expect.Outcome != "accept" {
				r.fails(400, "InvalidParameter", "scope")
				return
			}
			r.status(200)
		})
	}
}
