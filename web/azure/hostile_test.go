package azure_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dockbell/models/store/storetest"
)

// hostile are JSON values that no field expects, with some that one does.
func hostile() []string {
	return []string{
		`null`, `true`, `0`, `-1`, `1e999`, `1E400`, `9223372036854775808`, `""`, `" "`, `"\u0000"`, `"\ud800"`, `"\u202e"`, `"\r\nX: y"`,
		`"../../etc/passwd"`, `"'; drop table webhooks; --"`, `"<script>alert(1)</script>"`, `"{{7*7}}"`, `"` + strings.Repeat("a", 100_000) + `"`,
		`[]`, `[null]`, `[[]]`, `[{}]`, `["push","push"]`, `["push",1]`, `{}`, `{"a":null}`, `{"a":1}`, `{"":""}`, `{"a":{"b":[]}}`,
		`{"\u0000":"x"}`, `{"a":"\u0000"}`, `{"Host":"x"}`, `{"x":"` + strings.Repeat("v", 5000) + `"}`, `{"name":{"name":1}}`, `{"status":[]}`,
		`"https://user:pa%00ss@x/"`, `"http://[::1%25eth0]/"`, `"http://\uff41"`, `"eastus"`, `"disabled"`,
		`{"quarantinePolicy":{"status":{}}}`, `{"name":"Premium"}`, `{"name":"Basic","tier":7}`,
	}
}

// wholes are bodies that are wrong as a whole.
func wholes() []string {
	return []string{
		``, ` `, `null`, `[]`, `"x"`, `{`, `}`, `{}}`, `{"a":1,"a":2}`, `{"location":"eastus","location":"mars"}`, `{"location":"eastus","LOCATION":"mars"}`,
		`{"properties":{"scope":"a","scope":"b"}}`, "{\"a\":\"\xff\xfe\"}", "\xef\xbb\xbf{}", `{"a":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 41),
		strings.Repeat(`[`, 100_000), `{'location':'eastus'}`, `location=eastus&properties=x`, `<xml/>`, "\x1f\x8b\x08\x00", `{"location":NaN}`, `{"a":1}{"b":2}`,
	}
}

// targets are the addresses that read a body, with the fields that they read.
func (h *house) targets() map[string][]string {
	return map[string][]string{
		"PUT " + h.hooks() + "/hook1":                                                               {"location", "tags", "properties", "properties.serviceUri", "properties.customHeaders", "properties.status", "properties.scope", "properties.actions", "id", "name", "type", "systemData"},
		"PATCH " + h.hooks() + "/hook0":                                                             {"location", "tags", "properties", "properties.serviceUri", "properties.customHeaders", "properties.status", "properties.scope", "properties.actions"},
		"PUT " + h.registryAt("acmereg1"):                                                           {"location", "tags", "sku", "sku.name", "properties", "properties.adminUserEnabled", "properties.policies", "properties.policies.quarantinePolicy", "properties.policies.quarantinePolicy.status", "properties.anonymousPullEnabled", "identity"},
		"PATCH " + h.registryAt(string(first)):                                                      {"location", "tags", "sku", "sku.name", "properties", "properties.adminUserEnabled", "properties.policies", "properties.announceUntag"},
		"PUT " + h.registryAt(string(first)) + "/replications/westus":                               {"location", "tags", "properties", "properties.regionEndpointEnabled"},
		"PATCH " + h.registryAt(string(first)) + "/replications/westus":                             {"location", "tags", "properties", "properties.regionEndpointEnabled"},
		"PUT " + h.subscription() + "/resourceGroups/rg1":                                           {"location", "tags", "properties"},
		"PATCH " + h.group():                                                                        {"tags", "location"},
		"POST " + h.hooks() + "/hook0/replay":                                                       {"kind", "from", "to", "dryRun"},
		"POST " + h.hooks() + "/hook0/recover":                                                      {"since", "dryRun"},
		"POST " + h.hooks() + "/hook0/drop":                                                         {"repository", "retries", "dryRun"},
		"POST " + h.hooks() + "/hook0/redeliver":                                                    {"event", "delivery", "dryRun"},
		"POST " + h.hooks() + "/hook0/resume":                                                       {"send", "rate", "dryRun"},
		"POST " + h.registryAt(string(first)) + "/regenerateCredential":                             {"name"},
		"POST " + h.subscription() + "/providers/Microsoft.ContainerRegistry/checkNameAvailability": {"name", "type"},
	}
}

// placed writes a value at a path of names into the smallest good body.
func placed(path, value string) string {
	body := map[string]any{
		"location": "eastus", "sku": map[string]any{"name": "Premium"}, "name": "password",
		"properties": map[string]any{"serviceUri": "https://hooks.example.com", "actions": []string{"push"}},
	}
	at := body
	steps := strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		next, ok := at[step].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[step] = next
		}
		at = next
	}
	at[steps[len(steps)-1]] = json.RawMessage(`"@"`)
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return strings.Replace(string(text), `"@"`, value, 1)
}

// judge wants an answer that is no mistake of ours, in Azure's shape when it is a refusal.
func judge(t *testing.T, r *reply, sent string) {
	t.Helper()
	if r.resp.StatusCode >= 500 {
		t.Errorf("%s answers %d to %.200q: %s", r.what, r.resp.StatusCode, sent, r.body)
	}
	if r.resp.StatusCode < 400 || r.resp.Request.Method == http.MethodHead {
		return
	}
	code, _ := r.at("error.code").(string)
	message, _ := r.at("error.message").(string)
	if code == "" || message == "" {
		t.Errorf("%s refuses %.200q without code and message: %s", r.what, sent, r.body)
	}
	if strings.Contains(r.body, "models/") || strings.Contains(r.body, "SQL") {
		t.Errorf("%s tells of its insides: %s", r.what, r.body)
	}
}

// TestHostileBodies runs on every database: what one takes for text the other may refuse.
func TestHostileBodies(t *testing.T) {
	storetest.EachDSN(t, hostileBodies)
}

func hostileBodies(t *testing.T, dsn string) {
	h := newHouseOn(t, dsn)
	c := h.owner()
	c.put(h.hooks()+"/hook0", hookBody).status(200)
	c.patch(h.registryAt(string(first)), `{"properties":{"adminUserEnabled":true}}`).status(200)
	tried := 0
	for target, fields := range h.targets() {
		method, path, _ := strings.Cut(target, " ")
		for _, body := range wholes() {
			r := c.do(method, path, body)
			judge(t, r, body)
			if r.resp.StatusCode != 400 {
				t.Errorf("%s answers %d to the body %.100q", target, r.resp.StatusCode, body)
			}
			tried++
		}
		for _, field := range fields {
			for _, value := range hostile() {
				body := placed(field, value)
				judge(t, c.do(method, path, body), body)
				tried++
			}
		}
		if r := c.do(method, path, `{"x":"`+strings.Repeat("a", 1<<20)+`"}`); r.resp.StatusCode != 413 {
			t.Errorf("%s answers %d to more than 1 MiB", target, r.resp.StatusCode)
		}
	}
	if tried < 1000 {
		t.Errorf("only %d bodies were tried", tried)
	}
	c.get(h.hooks() + "/hook0").status(200)
}

// TestHostileAddresses puts the same into every part of an address and into the query.
func TestHostileAddresses(t *testing.T) {
	storetest.EachDSN(t, hostileAddresses)
}

func hostileAddresses(t *testing.T, dsn string) {
	h := newHouseOn(t, dsn)
	c := h.owner()
	parts := []string{
		"x", "..", ".", "%00", "%2e%2e%2f", "%2F", "%5C", "%FF", "%0d%0aX:y", "%E2%80%AE", "'or'1'='1", "$filter", "a%20b", strings.Repeat("a", 3000), "%25", "*", ":registry", "~",
	}
	for _, part := range parts {
		for _, path := range []string{
			"/subscriptions/" + part, "/subscriptions/" + part + "/resources", h.subscription() + "/" + part, h.subscription() + "/resourceGroups/" + part,
			h.registryAt(part), h.registryAt(part) + "/webhooks", h.registryAt(part) + "/webhooks/hook1", h.hooks() + "/" + part, h.hooks() + "/" + part + "/listEvents",
			h.hooks() + "/hook1/" + part, h.registryAt(string(first)) + "/replications/" + part, h.registryAt(string(first)) + "/" + part,
			strings.Replace(h.hooks(), "dockbell", part, 1),
		} {
			for _, method := range []string{"GET", "PUT", "PATCH", "POST", "DELETE"} {
				judge(t, c.do(method, path, `{}`), path)
			}
		}
	}
	for _, query := range []string{"", "api-version=x", "%zz", "api-version=2023-07-01&%zz=1", "api-version=2023-07-01;x", "api-version=2023-07-01&api-version=x"} {
		judge(t, c.get(h.hooks()+"?"+query), query)
	}
	for _, filter := range []string{"'", "name eq", "name eq 'a' or name eq 'b'", "name eq 'a' and", strings.Repeat("name eq 'a' and ", 1000) + "name eq 'a'", "\x00"} {
		judge(t, c.get(h.subscription()+"/resources?"+version+"&$filter="+url.QueryEscape(filter)), filter)
	}
	for _, token := range []string{"a", "%00", "////", strings.Repeat("QQ", 500), "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "LTE"} {
		for _, path := range []string{h.hooks(), h.subscription() + "/resources", h.registryAt(string(first)) + "/replications"} {
			judge(t, c.get(path+"?"+version+"&$skipToken="+token), token)
		}
	}
}

// FuzzBodies looks for a body that makes the API fail.
func FuzzBodies(f *testing.F) {
	for i, body := range wholes() { // TestHostileBodies sends the rest: a house for each input takes its time
		f.Add(uint8(i), body)
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		h := newHouse(t)
		c := h.owner()
		c.put(h.hooks()+"/hook0", hookBody).status(200)
		all := sortedTargets(h)
		method, path, _ := strings.Cut(all[int(which)%len(all)], " ")
		judge(t, c.do(method, path, body), fmt.Sprintf("%s %s", method, body))
	})
}
