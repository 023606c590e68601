package azure_test

import (
	"net/http"
	"strings"
	"testing"

	"dockbell/models/account"
)

func TestWhatClientsAskBeforeRegistries(t *testing.T) {
	h := newHouse(t)
	c := h.client(account.Reader)
	sub := h.door.Tenancy.Subscription
	c.get("/subscriptions").status(200).says("value.0.id", "/subscriptions/"+sub).says("value.0.state", "Enabled").says("value.0.tenantId", h.door.Tenancy.Tenant)
	c.get("/subscriptions/"+strings.ToUpper(sub)).status(200).says("subscriptionId", sub)
	c.get("/subscriptions/00000000-0000-0000-0000-000000000000").fails(404, "SubscriptionNotFound", "subscription")
	c.get("/tenants").status(200).says("value.0.tenantId", h.door.Tenancy.Tenant)
	c.get(h.subscription()+"/locations").status(200).says("value.0.name", "eastus").says("value.1.name", "westus")
}

// TestAddressesAreComparedWithoutCase: Azure's clients lower-case ids, and leave a slash before what they add.
func TestAddressesAreComparedWithoutCase(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	for _, path := range []string{
		"/SUBSCRIPTIONS", "//subscriptions", "/subscriptions/", "/Subscriptions/" + h.door.Tenancy.Subscription + "//LOCATIONS/",
	} {
		c.get(path).status(200)
	}
	c.get("/SUBSCRIPTIONS/x/nowhere").fails(404, "InvalidResourceType", "")
	c.do(http.MethodPost, "/subscriptions", "").fails(405, "MethodNotAllowed", "")
}

func TestWhoMayAsk(t *testing.T) {
	h := newHouse(t)
	nobody := &client{h: h, head: http.Header{}}
	r := nobody.get("/subscriptions").fails(401, "InvalidAuthenticationToken", "")
	if got := r.resp.Header.Get("WWW-Authenticate"); got != `Bearer authorization_uri="`+h.url+`/adfs"` {
		t.Errorf("the challenge without a token is %s", got)
	}
	wrong := &client{h: h, bearer: "dkb_wrong", head: http.Header{}}
	r = wrong.get("/subscriptions").fails(401, "InvalidAuthenticationToken", "")
	if got := r.resp.Header.Get("WWW-Authenticate"); !strings.Contains(got, `error="invalid_token"`) {
		t.Errorf("the challenge to a wrong token is %s", got)
	}
	nobody.head.Set("Authorization", "Basic bWVpOmxpbg==")
	nobody.get("/subscriptions").fails(401, "InvalidAuthenticationToken", "")
	scoped := &client{h: h, bearer: h.bearer(account.Reader, "otherregistry"), head: http.Header{}}
	scoped.get("/subscriptions").status(200) // lists, of what it may see
}

func TestTheApiVersionIsAskedFor(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	for query, code := range map[string]string{
		"?x=1": "MissingApiVersionParameter", "?api-version=": "MissingApiVersionParameter", "?api-version=latest": "InvalidApiVersionParameter",
	} {
		c.get("/subscriptions"+query).fails(400, code, "api-version")
	}
	for _, v := range []string{"2016-06-01", "2017-06-01-preview", "2022-02-01-preview", "2025-11-01", "2031-01-01", "2026-01-01-PREVIEW"} {
		c.get("/subscriptions?api-version=" + v).status(200)
	}
}
