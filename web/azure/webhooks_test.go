package azure_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
)

// hookBody is what az sends for the first command of Azure's how-to.
const hookBody = `{"location":"eastus","properties":{"serviceUri":"http://webhookuri.com","status":"enabled","actions":["delete"]}}`

func TestAWebhooksLife(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.hooks() + "/myacrwebhook01"
	c.get(at).fails(404, "ResourceNotFound", "webhook")
	made := c.put(at, hookBody).status(200).
		says("id", h.registryAt("MyContainerRegistry")+"/webhooks/myacrwebhook01").says("name", "myacrwebhook01").
		says("type", "Microsoft.ContainerRegistry/registries/webhooks").says("location", "eastus").
		says("properties.status", "enabled").says("properties.scope", "").says("properties.actions.0", "delete").
		says("properties.provisioningState", "Succeeded").
		says("systemData.createdBy", "the owner").says("systemData.createdByType", "Application").
		says("systemData.createdAt", "2026-11-24T12:00:00.0000000+00:00")
	if tags, ok := made.at("tags").(map[string]any); !ok || len(tags) != 0 {
		t.Errorf("tags are %v, want an empty object", made.at("tags"))
	}
	h.wait(time.Minute)
	c.patch(at, `{"tags":{"team":"core"},"properties":{"customHeaders":{"key":"value","Authorization":"Bearer c4nary"},"scope":"hello-world"}}`).status(200).
		says("properties.scope", "hello-world").says("properties.actions.0", "delete").says("tags.team", "core").
		says("systemData.createdAt", "2026-11-24T12:00:00.0000000+00:00").says("systemData.lastModifiedAt", "2026-11-24T12:01:00.0000000+00:00")
	c.post(at+"/getCallbackConfig").status(200).says("serviceUri", "http://webhookuri.com").says("customHeaders.key", "value").says("customHeaders.Authorization", "Bearer c4nary")
	for _, r := range []*reply{c.get(at), c.get(h.hooks()), c.patch(at, `{}`)} {
		if strings.Contains(r.body, "c4nary") || strings.Contains(r.body, "webhookuri") {
			t.Errorf("%s tells secrets: %s", r.what, r.body)
		}
	}
	c.patch(at, `{"tags":{},"properties":{"customHeaders":{},"scope":""}}`).status(200).says("properties.scope", "").says("tags.team", nil)
	c.post(at+"/getCallbackConfig").status(200).says("customHeaders.key", nil)
	c.patch(at, `{"properties":{"actions":["chart_push"],"status":"disabled","customHeaders":null}}`).status(200).
		says("properties.actions.0", "chart_push").says("properties.status", "disabled").says("properties.actions.1", nil)
	c.delete(at).status(200)
	c.delete(at).status(204)
	c.get(at).fails(404, "ResourceNotFound", "webhook")
	c.patch(at, `{}`).fails(404, "ResourceNotFound", "webhook")
	for _, verb := range []string{"/ping", "/listEvents", "/getCallbackConfig"} {
		c.post(at+verb).fails(404, "ResourceNotFound", "webhook")
	}
}

// TestPutReplaces: what the body leaves out goes back to its default, and how the webhook is delivered stays.
func TestPutReplaces(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.hooks() + "/deployhook"
	c.put(at, `{"location":"East US","tags":{"a":"b"},"properties":{"serviceUri":"https://hooks.acme.test/acr","customHeaders":{"X-A":"1"},`+
		`"status":"disabled","scope":"team/api:*","actions":["push","delete"]}}`).status(200).says("location", "eastus")
	draft := c.put(at, `{"location":"eastus","properties":{"serviceUri":"https://hooks.acme.test/new","actions":["push"]}}`).status(200)
	draft.says("properties.status", "enabled").says("properties.scope", "").says("tags.a", nil).says("properties.actions.1", nil)
	c.post(at+"/getCallbackConfig").status(200).says("serviceUri", "https://hooks.acme.test/new").says("customHeaders.X-A", nil)
	c.put(at, `{"location":"westus","properties":{"serviceUri":"https://hooks.acme.test/new","actions":["push"]}}`).fails(400, "InvalidParameter", "location")
	c.patch(at, `{"location":"westus"}`).fails(400, "InvalidParameter", "location")
	c.patch(at, `{"location":"East US"}`).status(200)
	c.put(strings.ToUpper(at), `{"location":"eastus","properties":{"serviceUri":"https://hooks.acme.test/new","actions":["push"]}}`).status(200).says("name", "deployhook")
	if n := len(c.get(h.hooks()).at("value").([]any)); n != 1 {
		t.Errorf("%d webhooks, want one", n)
	}
}

func TestEveryWrongFieldIsListed(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	r := c.put(h.hooks()+"/a-b", `{"tags":{"a":1},"properties":{"serviceUri":"ftp://x","customHeaders":{"Host":"x"},"status":"on","scope":"Foo","actions":"push"}}`).
		fails(400, "InvalidParameter", "name")
	targets := map[string]int{}
	for _, d := range r.at("error.details").([]any) {
		target, _ := dig(t, d, "target").(string)
		targets[target]++
	}
	want := []string{"actions", "customHeaders", "location", "name", "scope", "serviceUri", "status", "tags"}
	if got := slices.Sorted(maps.Keys(targets)); !slices.Equal(got, want) {
		t.Errorf("the details name %v, want %v", got, want)
	}
	for target, n := range targets {
		if n != 1 {
			t.Errorf("%s is listed %d times", target, n)
		}
	}
	c.get(h.hooks()).status(200).says("value.0", nil) // nothing was stored
}

func TestConditions(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.hooks() + "/deployhook"
	with := func(name, value string) *client {
		return &client{h: h, bearer: c.bearer, head: http.Header{name: {value}}}
	}
	with("If-Match", `*`).put(at, hookBody).fails(412, "PreconditionFailed", "If-Match")
	with("If-Match", `"1"`).put(at, hookBody).fails(412, "PreconditionFailed", "If-Match")
	tag := with("If-None-Match", "*").put(at, hookBody).status(200).resp.Header.Get("ETag")
	if tag == "" || tag != c.get(at).resp.Header.Get("ETag") {
		t.Fatalf("the ETag is %q", tag)
	}
	with("If-None-Match", "*").put(at, hookBody).fails(412, "PreconditionFailed", "If-Match")
	newer := with("If-Match", tag).patch(at, `{"properties":{"scope":"foo"}}`).status(200).resp.Header.Get("ETag")
	with("If-Match", tag).patch(at, `{"properties":{"scope":"bar"}}`).fails(412, "PreconditionFailed", "If-Match")
	with("If-Match", tag).put(at, hookBody).fails(412, "PreconditionFailed", "If-Match")
	with("If-Match", tag).delete(at).fails(412, "PreconditionFailed", "If-Match")
	with("If-Match", `"x", W/"y"`).patch(at, `{}`).fails(412, "PreconditionFailed", "If-Match")
	with("If-Match", tag+", "+newer).patch(at, `{"properties":{"scope":"baz"}}`).status(200).says("properties.scope", "baz")
	with("If-Match", "*").put(at, hookBody).status(200).says("properties.scope", "")
	with("If-Match", "*").delete(at).status(200)
	with("If-Match", "*").delete(at).fails(412, "PreconditionFailed", "If-Match")

	reg := h.registryAt("acmereg1")
	body := `{"location":"eastus","sku":{"name":"Basic"}}`
	tag = with("If-None-Match", "*").put(reg, body).status(200).resp.Header.Get("ETag")
	with("If-Match", tag).patch(reg, `{"tags":{"a":"b"}}`).status(200)
	with("If-Match", tag).patch(reg, `{"tags":{"a":"c"}}`).fails(412, "PreconditionFailed", "If-Match")
	with("If-Match", tag).put(reg, body).fails(412, "PreconditionFailed", "If-Match")
	with("If-Match", tag).delete(reg).fails(412, "PreconditionFailed", "If-Match")
	with("If-None-Match", "*").put(reg, body).fails(412, "PreconditionFailed", "If-Match")
	c.get(reg).says("tags.a", "b")
}

func TestTheQuotaOfATier(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	reg := h.registryAt("acmereg1")
	c.put(reg, `{"location":"eastus","sku":{"name":"basic"}}`).status(200).says("sku.name", "Basic")
	for n := range 2 {
		c.put(fmt.Sprintf("%s/webhooks/hook%d", reg, n+1), hookBody).status(200)
	}
	r := c.put(reg+"/webhooks/hook3", hookBody).fails(403, "QuotaExceeded", "quota")
	if message, _ := r.at("error.message").(string); !strings.Contains(message, "Basic") || !strings.Contains(message, "2") {
		t.Errorf("the refusal says %q: not the tier and its limit", message)
	}
	c.put(reg+"/webhooks/hook2", hookBody).status(200) // a replacement takes no place
	c.patch(reg, `{"sku":{"name":"Standard"}}`).status(200)
	c.put(reg+"/webhooks/hook3", hookBody).status(200)
	c.patch(reg, `{"sku":{"name":"Basic"}}`).fails(400, "InvalidParameter", "sku")
	c.get(reg+"/listUsages").status(200).says("value.0.name", "Size").says("value.1.name", "Webhooks").
		says("value.1.limit", 10.0).says("value.1.currentValue", 3.0).says("value.2", nil)
}

// TestPages: a list of more than a hundred comes in pages, and the way to the next one is absolute.
func TestPages(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	const n = 205
	for i := range n {
		c.put(fmt.Sprintf("%s/hook%03d", h.hooks(), i), hookBody).status(200)
	}
	for _, list := range []struct {
		path string
		want int
	}{
		{h.hooks(), n},
		{h.subscription() + "/resources", n + 2}, // the registry and its replica
	} {
		names, link := map[string]bool{}, list.path
		for pages := 0; link != "" && pages < 9; pages++ {
			page := c.get(link).status(200)
			for _, v := range page.at("value").([]any) {
				names[dig(t, v, "id").(string)] = true
			}
			link, _ = page.at("nextLink").(string)
			if link != "" && (!strings.HasPrefix(link, h.url+"/subscriptions/") || !strings.Contains(link, "api-version=")) {
				t.Fatalf("nextLink is %s", link)
			}
		}
		if len(names) != list.want {
			t.Errorf("%s: %d resources on all pages, want %d", list.path, len(names), list.want)
		}
	}
	c.get(h.hooks()+"?"+version+"&$skipToken=%25%25").fails(400, "InvalidSkipToken", "$skipToken")
	c.get(h.hooks()+"/hook000/listEvents?"+version+"&$skipToken=eHg").fails(400, "InvalidSkipToken", "$skipToken")
}

// TestRoles: a reader sees everything but secrets and changes nothing; a contributor changes webhooks, not registries; what
// is for one registry opens no other.
func TestRoles(t *testing.T) {
	h := newHouse(t)
	owner := h.owner()
	at := h.hooks() + "/deployhook"
	reg := h.registryAt("acmereg1")
	owner.put(at, hookBody).status(200)
	owner.put(reg, `{"location":"eastus","sku":{"name":"Basic"},"properties":{"adminUserEnabled":true}}`).status(200)
	type try struct {
		method, path, body string
		status             map[account.Role]int
	}
	all := map[account.Role]int{account.Owner: 200, account.Contributor: 200, account.Reader: 200}
	writers := map[account.Role]int{account.Owner: 200, account.Contributor: 200, account.Reader: 403}
	owners := map[account.Role]int{account.Owner: 200, account.Contributor: 403, account.Reader: 403}
	tries := []try{
		{"GET", at, "", all}, {"GET", h.hooks(), "", all}, {"POST", at + "/listEvents", "", all}, {"GET", reg + "/listUsages", "", all},
		{"PUT", at, hookBody, writers}, {"PATCH", at, `{}`, writers}, {"POST", at + "/ping", "", writers}, {"POST", at + "/getCallbackConfig", "", writers},
		{"PUT", reg, `{"location":"eastus","sku":{"name":"Basic"},"properties":{"adminUserEnabled":true}}`, owners}, {"PATCH", reg, `{}`, owners},
		{"POST", reg + "/listCredentials", "", writers}, {"POST", reg + "/regenerateCredential", `{"name":"password"}`, owners},
		{"PUT", h.registryAt(string(first)) + "/replications/mars", `{"location":"mars"}`, owners},
		{"PUT", h.subscription() + "/resourceGroups/rg1", `{"location":"eastus"}`, owners},
		{"DELETE", h.registryAt(string(first)) + "/replications/mars", "", owners},
		{"DELETE", at, "", writers}, {"DELETE", reg, "", owners},
	}
	for _, role := range []account.Role{account.Reader, account.Contributor, account.Owner} {
		c := h.client(role)
		for _, try := range tries {
			want := try.status[role]
			r := c.do(try.method, try.path, try.body)
			if try.method == "DELETE" && want == 200 && r.resp.StatusCode == 204 {
				continue // somebody else deleted it
			}
			if role == account.Owner && r.resp.StatusCode == 404 {
				continue // a contributor deleted the webhook
			}
			if r.resp.StatusCode != want {
				t.Errorf("%s by a %s: %d, want %d: %s", r.what, role, r.resp.StatusCode, want, r.body)
			}
			if want == 403 {
				r.fails(403, "AuthorizationFailed", "")
			}
		}
	}
	owner.put(reg, `{"location":"eastus","sku":{"name":"Basic"}}`).status(200)
	scoped := &client{h: h, bearer: h.bearer(account.Owner, "acmereg1"), head: http.Header{}}
	scoped.get(h.hooks()).fails(403, "AuthorizationFailed", "")
	scoped.put(h.hooks()+"/hook1", hookBody).fails(403, "AuthorizationFailed", "")
	scoped.put(reg+"/webhooks/hook1", hookBody).status(200)
	scoped.put(h.subscription()+"/resourceGroups/rg2", `{"location":"eastus"}`).fails(403, "AuthorizationFailed", "")
	scoped.get(h.subscription()+"/resources?"+version+"&$filter=resourceType%20eq%20%27Microsoft.ContainerRegistry%2Fregistries%27").
		status(200).says("value.0.name", "acmereg1").says("value.1", nil)
}
