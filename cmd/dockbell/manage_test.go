package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dockbell/models/store"
)

// manager makes the calls that `az acr webhook` makes, with the same words.
type manager struct {
	h     *runningHouse
	token credentials
}

// call makes one call, wants its status, and reads the answer into what is given.
func (m manager) call(method, path, body string, want int, answer any) {
	m.h.t.Helper()
	base := m.h.url
	if strings.HasPrefix(path, "/") {
		path = base + path
	}
	req, err := http.NewRequestWithContext(m.h.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		m.h.t.Fatal(err)
	}
	m.token.bearer(req)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		m.h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		m.h.t.Fatalf("%s %s: %s, want %d: %s", method, path, resp.Status, want, text)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(text, answer); err != nil {
		m.h.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
}

// registry finds the registry as az does when no group is given: among all resources of the subscription, in lower case.
func (m manager) registry() (id, location string) {
	m.h.t.Helper()
	var subscriptions, found struct {
		Value []struct{ ID, Name, Location, SubscriptionID string }
	}
	m.call(http.MethodGet, "/subscriptions?api-version=2022-12-01", "", http.StatusOK, &subscriptions)
	filter := url.Values{"$filter": {"resourceType eq 'Microsoft.ContainerRegistry/registries'"}, "api-version": {"2021-04-01"}}
	m.call(http.MethodGet, subscriptions.Value[0].ID+"/resources?"+filter.Encode(), "", http.StatusOK, &found)
	if len(found.Value) != 1 || found.Value[0].Name != houseRegistry {
		m.h.t.Fatalf("the registries are %+v", found.Value)
	}
	return strings.ToLower(found.Value[0].ID), found.Value[0].Location
}

// TestManagementRingsABell is the third journey: a webhook is made as az makes it, pushed at, pinged, listed, asked for its
// configuration, and is the portal's webhook as well.
func TestManagementRingsABell(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *runningHouse, db func() *store.DB) {
		const version = "?api-version=2022-02-01-preview"
		token := readCredentials(t, h.command("token", "create", "--name", "az", "--role", "owner", "--database="+h.database()))
		m, r, data := manager{h, token}, newRecorder(t), db()
		registry, location := m.registry()
		hook := registry + "/webhooks/deployhook"
		create := func(location string) string {
			return `{"location":"` + location + `","properties":{"serviceUri":"` + r.at("deployhook") +
				`","customHeaders":{"X-Team":"core","Authorization":"Bearer hidden"},"status":"enabled","scope":"team/*:v1","actions":["push"]}}`
		}
		var refused struct {
			Error struct{ Code, Message, Target string }
		}
		m.call(http.MethodPut, hook+version, create("mars"), http.StatusNotFound, &refused)
		if refused.Error.Target != "location" || !strings.Contains(refused.Error.Message, location) {
			t.Errorf("an unknown location is refused with %+v", refused.Error)
		}
		m.call(http.MethodPut, hook+version, strings.Replace(create(location), `"push"`, `"explode"`, 1), http.StatusBadRequest, &refused)
		if refused.Error.Target == "location" || refused.Error.Message == "" {
			t.Errorf("an unknown action is refused with %+v", refused.Error)
		}
		var made struct {
			Name       string
			Properties struct{ Status, Scope, ProvisioningState string }
		}
		m.call(http.MethodPut, hook+version, create(location), http.StatusOK, &made)
		if made.Name != "deployhook" || made.Properties.ProvisioningState != "Succeeded" || made.Properties.Scope != "team/*:v1" {
			t.Errorf("made was %+v", made)
		}
		s := scene{t: t, c: newPusher(t, token), base: h.url, repo: "team/api", facts: map[string]fact{}}
		s.image("v1", "v2")
		calls := r.whenIdle(data)
		if len(calls) != 1 {
			t.Fatalf("%d calls came, want the one of v1", len(calls))
		}
		if got := calls[0].header; got.Get("X-Team") != "core" || got.Get("Authorization") != "Bearer hidden" || got.Get("webhook-id") != "" {
			t.Errorf("the call has the headers %v", got)
		}
		calls[0].header.Del("X-Team")
		calls[0].header.Del("Authorization")
		of := s.facts[digestOf(imageOf("layer"))]
		of.tag = "v1"
		calls[0].wantsAzure(t, "team/api", of, asker{h.host(), "tests/1.0"})

		var ping struct{ ID string }
		m.call(http.MethodPost, hook+"/ping"+version, "", http.StatusOK, &ping)
		pings := r.whenIdle(data)
		if len(pings) != 1 || pings[0].told(t).ID != ping.ID || len(pings[0].body) != 104 {
			t.Errorf("the ping %s came as %+v", ping.ID, pings)
		}
		m.wantsEvents(hook+"/listEvents"+version, []string{pings[0].body, calls[0].body})
		var config struct {
			ServiceURI    string
			CustomHeaders map[string]string
		}
		m.call(http.MethodPost, hook+"/getCallbackConfig"+version, "", http.StatusOK, &config)
		if config.ServiceURI != r.at("deployhook") || config.CustomHeaders["Authorization"] != "Bearer hidden" || len(config.CustomHeaders) != 2 {
			t.Errorf("the configuration is %+v", config)
		}
		rows := rowsOf(h.browser().Get(hooksPath+"/deployhook").Status(http.StatusOK), "#dl-body tr", "Action", "Image", "HTTP status")
		if want := []string{"ping – 200", "push team/api:v1 200"}; !slices.Equal(rows, want) {
			t.Errorf("the portal's history is %q, want %q", rows, want)
		}
		m.call(http.MethodDelete, hook+version, "", http.StatusOK, nil)
		s.image("v1")
		if late := r.whenIdle(data); len(late) > 0 {
			t.Errorf("a deleted webhook was called: %+v", late)
		}
	})
}

// wantsEvents wants these bodies among the events, newest first, each answered with 200 and without a secret.
func (m manager) wantsEvents(path string, bodies []string) {
	m.h.t.Helper()
	var events struct {
		Value []struct {
			ID                  string
			EventRequestMessage struct {
				Content json.RawMessage
				Headers map[string]string
			}
			EventResponseMessage struct{ StatusCode string }
		}
	}
	m.call(http.MethodPost, path, "", http.StatusOK, &events)
	var got []string
	for _, ev := range events.Value {
		var sent told
		if err := json.Unmarshal(ev.EventRequestMessage.Content, &sent); err != nil || sent.ID != ev.ID {
			m.h.t.Errorf("event %s has the content %s", ev.ID, ev.EventRequestMessage.Content)
		}
		if ev.EventResponseMessage.StatusCode != "200" || strings.Contains(ev.EventRequestMessage.Headers["Authorization"], "hidden") {
			m.h.t.Errorf("event %s: %+v", ev.ID, ev)
		}
		got = append(got, string(ev.EventRequestMessage.Content))
	}
	if !slices.Equal(got, bodies) {
		m.h.t.Errorf("listed are %q, want %q", got, bodies)
	}
}
