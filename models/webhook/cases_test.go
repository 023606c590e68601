package webhook

import (
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// cases reads a file of testdata: every case of it is run under its id.
func cases[T any](t *testing.T, file string) []T {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases []T `json:"cases"`
		Count int `json:"count"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Cases) == 0 || all.Count != len(all.Cases) {
		t.Fatalf("%s: %d cases, count says %d", file, len(all.Cases), all.Count)
	}
	return all.Cases
}

func TestNames(t *testing.T) {
	type nameCase struct {
		ID, Input    string
		Precondition struct{ Existing []string }
		Expect       struct{ Outcome string }
	}
	for _, c := range cases[nameCase](t, "webhook_names.json") {
		t.Run(c.ID, func(t *testing.T) {
			name, err := ParseName(c.Input)
			for _, taken := range c.Precondition.Existing {
				if err == nil && Name(taken).Key() == name.Key() {
					return // a question of what exists: the service's test
				}
			}
			if (err == nil) != (c.Expect.Outcome == "accept") {
				t.Errorf("ParseName(%q) = %v, want %s", c.Input, err, c.Expect.Outcome)
			}
		})
	}
}

func TestServiceURIs(t *testing.T) {
	type uriCase struct {
		ID, Input string
		Policy    json.RawMessage
		Expect    struct {
			Outcome, Stored, Stage, Shown string
			SentAuthorization             string `json:"sent_authorization"`
		}
	}
	for _, c := range cases[uriCase](t, "service_uris.json") {
		t.Run(c.ID, func(t *testing.T) {
			var policy struct {
				Allow []netip.Prefix `json:"egress_allow"`
			}
			_ = json.Unmarshal(c.Policy, &policy) // "default" is not an object: nothing is listed
			u, syntax := ParseURI(c.Input)
			judged := syntax
			if syntax == nil {
				judged = Networks{Allowed: policy.Allow}.JudgeURI(u)
			}
			if (judged == nil) != (c.Expect.Outcome == "accept") {
				t.Fatalf("%q: %v, want %s", c.Input, judged, c.Expect.Outcome)
			}
			if c.Expect.Stage != "" && (syntax != nil) != (c.Expect.Stage == "syntax") {
				t.Errorf("%q refused at the wrong stage: %v, want %s", c.Input, judged, c.Expect.Stage)
			}
			if c.Expect.Stored != "" && u.String() != c.Expect.Stored {
				t.Errorf("stored %q, want %q", u, c.Expect.Stored)
			}
			if c.Expect.Shown != "" && u.Masked() != c.Expect.Shown {
				t.Errorf("shown %q, want %q", u.Masked(), c.Expect.Shown)
			}
			if want := c.Expect.SentAuthorization; want != "" && u.BasicAuth() != want {
				t.Errorf("authorization %q, want %q", u.BasicAuth(), want)
			}
		})
	}
}

func TestCustomHeaders(t *testing.T) {
	type headerCase struct {
		ID         string
		PortalText *string         `json:"portal_text"`
		APIJSON    json.RawMessage `json:"api_json"`
		Expect     struct {
			Outcome, Shown string
			Parsed         [][2]string
		}
	}
	for _, c := range cases[headerCase](t, "custom_headers.json") {
		t.Run(c.ID, func(t *testing.T) {
			var got Headers
			var err error
			if c.PortalText != nil {
				got, err = ParseHeaderText(*c.PortalText)
			} else {
				got, err = parseJSONHeaders(c.APIJSON)
			}
			if (err == nil) != (c.Expect.Outcome == "accept") {
				t.Fatalf("got %v, %v; want %s", got, err, c.Expect.Outcome)
			}
			for i, want := range c.Expect.Parsed {
				if len(got) != len(c.Expect.Parsed) || got[i].Name != want[0] || got[i].Value != want[1] {
					t.Fatalf("parsed %q, want %q", got, c.Expect.Parsed)
				}
			}
			if c.Expect.Shown != "" && got.Masked() != c.Expect.Shown {
				t.Errorf("shown %q, want %q", got.Masked(), c.Expect.Shown)
			}
		})
	}
}

// parseJSONHeaders reads the object as the management API does: string values alone.
func parseJSONHeaders(raw json.RawMessage) (Headers, error) {
	var given map[string]string
	if err := json.Unmarshal(raw, &given); err != nil {
		return nil, err
	}
	var all Headers
	for name, value := range given {
		all = append(all, Header{name, value})
	}
	return CheckHeaders(all)
}

func TestScopes(t *testing.T) {
	type scopeCase struct {
		ID    string
		Input *string
		Scope string
		Event struct {
			Action, Repository, Tag string
			CarriedTags             []string `json:"carried_tags"`
		}
		Expect struct {
			Outcome string
			Warn    bool
			Match   bool
			Parsed  json.RawMessage
		}
	}
	for _, c := range cases[scopeCase](t, "scopes.json") {
		t.Run(c.ID, func(t *testing.T) {
			if c.Input != nil {
				s, err := ParseScope(*c.Input)
				if (err == nil) != (c.Expect.Outcome == "accept") {
					t.Fatalf("ParseScope(%q) = %v, want %s", *c.Input, err, c.Expect.Outcome)
				}
				if (s.Warning() != "") != c.Expect.Warn {
					t.Errorf("warning %q, want one: %v", s.Warning(), c.Expect.Warn)
				}
				checkParsed(t, s, c.Expect.Parsed)
				return
			}
			s, err := ParseScope(c.Scope)
			got := c.Event.Action == "ping" || err == nil && s.Covers(c.Event.Repository, c.Event.Tag, c.Event.CarriedTags)
			if got != c.Expect.Match {
				t.Errorf("scope %q, event %+v: %v, want %v", c.Scope, c.Event, got, c.Expect.Match)
			}
		})
	}
}

func checkParsed(t *testing.T, s Scope, raw json.RawMessage) {
	t.Helper()
	if len(raw) == 0 {
		return
	}
	type part struct {
		Repo, Tag string
		Exclude   bool
	}
	var want []part
	if !strings.HasPrefix(string(raw), "[") {
		raw = json.RawMessage("[" + string(raw) + "]")
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if s.Everything() {
		s.parts = []scopePart{{}}
	}
	if len(s.parts) != len(want) {
		t.Fatalf("%d parts, want %d", len(s.parts), len(want))
	}
	for i, w := range want {
		if got := s.parts[i]; got.repo != w.Repo || got.tag != w.Tag || got.exclude != w.Exclude {
			t.Errorf("part %d is %+v, want %+v", i, got, w)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("https://user:pass@hooks.example.com:8443/acr?x=1")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURI(text)
		if err != nil {
			return
		}
		if again, err := ParseURI(u.String()); err != nil || again != u {
			t.Errorf("%q is stored as %q, which is read as %q (%v)", text, u, again, err)
		}
	})
}

func FuzzParseScope(f *testing.F) {
	f.Add("team/*:v?,!team/test", "team/api", "v1")
	f.Fuzz(func(_ *testing.T, text, repository, tag string) {
		if s, err := ParseScope(text); err == nil {
			s.Covers(repository, tag, nil)
		}
	})
}

// TestADeletedChartHasATagAndMayHaveCarriedMore: each of them counts (PRODUCT.md, decision 4).
func TestADeletedChartHasATagAndMayHaveCarriedMore(t *testing.T) {
	for scope, want := range map[string]bool{"charts/web:2.3.0": true, "charts/web": true, "charts/web:stable": false, "*:*,!charts/web:latest": false} {
		s, err := ParseScope(scope)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Covers("charts/web", "2.3.0", []string{"2.3.0", "latest"}); got != want {
			t.Errorf("the scope %q covers it: %v, want %v", scope, got, want)
		}
	}
}
