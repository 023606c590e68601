package portal_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
)

// az is what the Azure CLI says of itself.
var az = account.Asking{
	Asker:  account.Asker{Client: "04b07795-8ddb-461a-bbee-02f9e1bf7b46", Agent: "python-requests/2.28.1", Addr: "192.0.2.7"},
	Issuer: "https://dock.example.com/adfs", Audience: "https://dock.example.com/",
}

func (h *house) device() account.Device {
	h.t.Helper()
	d, err := h.portal.SignIns.StartDevice(h.t.Context(), az.Asker)
	h.must(err)
	return d
}

func (h *house) polled(d account.Device) (account.Signed, error) {
	h.wait(10 * time.Second)
	return h.portal.SignIns.PollDevice(h.t.Context(), d.Code, az)
}

func TestDevicePage(t *testing.T) {
	h := newHouse(t)
	d := h.device()
	h.person(owner, account.Owner)
	b := h.browser()
	b.Get("/device?code=" + d.UserCode).Leads("/sign-in?next=" + url.QueryEscape("/device?code="+d.UserCode))
	b.SignIn(owner, password)
	if got := b.Get("/device").Status(http.StatusOK).Find("form[action='/device']").AttrOr("method", ""); got != "get" {
		t.Errorf("the form that asks for a code is sent by %q", got)
	}
	a := b.Get("/device?code=" + strings.ToLower(strings.ReplaceAll(d.UserCode, "-", ""))).Status(http.StatusOK)
	a.Says("main", "Azure CLI or an Azure SDK wants to sign in").Says("main", d.UserCode).Says("main", "192.0.2.7").Says("main", "python-requests/2.28.1").Says("main", owner)
	b.Post("/device", "code", d.UserCode).Status(http.StatusUnprocessableEntity)
	if _, err := h.polled(d); err == nil {
		t.Fatal("looking at the page let the program in")
	}
	b.Post("/device", "code", d.UserCode, "answer", "yes").Status(http.StatusOK).Says("h1", "Signed in")
	signed, err := h.polled(d)
	h.must(err)
	if p, err := h.portal.SignIns.Bearer(t.Context(), signed.Access); err != nil || p.Name != owner {
		t.Errorf("%+v, %v", p, err)
	}
	b.Post("/device", "code", d.UserCode, "answer", "yes").Status(http.StatusUnprocessableEntity).Says("#code-said", "No program waits with this code")
}

func TestDeviceRefused(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn("ben", account.Reader)
	d := h.device()
	b.Post("/device", "code", d.UserCode, "answer", "no").Status(http.StatusOK).Says("h1", "Refused")
	if _, err := h.polled(d); err == nil || !strings.Contains(err.Error(), "refused on the page") {
		t.Errorf("the program hears: %v", err)
	}
}

// TestDeviceCodesAreNotGuessed: wrong codes count as wrong passwords do.
func TestDeviceCodesAreNotGuessed(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	for range 5 {
		b.Get("/device?code=BCDF-GHJK").Status(http.StatusUnprocessableEntity).Says("#code-said", "No program waits")
	}
	a := b.Get("/device?code="+h.device().UserCode).Status(http.StatusTooManyRequests).Says("#code-said", "Too many wrong tries")
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say how long to wait")
	}
	h.wait(2 * time.Minute)
	b.Get("/device?code=" + h.device().UserCode).Status(http.StatusOK)
}

// request is one that az makes of the authorize page.
func (h *house) request(redirect string) string {
	h.t.Helper()
	sum := sha256.Sum256([]byte(strings.Repeat("v", 43)))
	request, err := h.portal.SignIns.StartBrowser(h.t.Context(), account.BrowserRequest{
		Client: az.Client, ResponseType: "code", Redirect: redirect, State: "s", Nonce: "n",
		Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), ChallengeMethod: "S256",
	}, az.Asker)
	h.must(err)
	return request
}

func TestAuthorizePage(t *testing.T) {
	h := newHouse(t)
	request := h.request("http://localhost:8400")
	h.person(owner, account.Owner)
	b := h.browser()
	page := "/authorize?request=" + request
	b.Get(page).Leads("/sign-in?next=" + url.QueryEscape(page))
	b.Post("/sign-in", "username", owner, "password", password, "next", page).Leads(page)
	a := b.Get(page).Status(http.StatusOK).Says("main", "Azure CLI or an Azure SDK wants to sign in").Says("main", "http://localhost:8400")
	if rule := a.Header.Get("Content-Security-Policy"); !strings.Contains(rule, "form-action 'self' http://localhost:8400;") || !strings.Contains(rule, "default-src 'none'") {
		t.Errorf("the page's policy is %s", rule)
	}
	if rule := b.Get("/account").Header.Get("Content-Security-Policy"); strings.Contains(rule, "localhost") {
		t.Errorf("another page's policy is %s", rule)
	}
	to, err := url.Parse(b.Post("/authorize", "request", request, "answer", "yes").Status(http.StatusSeeOther).Header.Get("Location"))
	if err != nil || to.Scheme+"://"+to.Host != "http://localhost:8400" || to.Query().Get("state") != "s" {
		t.Fatalf("the browser is led to %s, %v", to, err)
	}
	signed, err := h.portal.SignIns.Redeem(t.Context(), to.Query().Get("code"), "http://localhost:8400", strings.Repeat("v", 43), az)
	h.must(err)
	if p, err := h.portal.SignIns.Bearer(t.Context(), signed.Access); err != nil || p.Name != owner {
		t.Errorf("%+v, %v", p, err)
	}
	b.Get(page).Status(http.StatusNotFound).Says("main", "This sign-in is over")
	b.Post("/authorize", "request", request, "answer", "yes").Status(http.StatusNotFound)
	request = h.request("http://127.0.0.1:1234/cb")
	a = b.Post("/authorize", "request", request, "answer", "no").Status(http.StatusSeeOther)
	if got := a.Header.Get("Location"); !strings.HasPrefix(got, "http://127.0.0.1:1234/cb?error=access_denied") {
		t.Errorf("after No the browser is led to %s", got)
	}
}

func TestSignInsAreListedAndRevoked(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn(owner, account.Owner)
	ben := h.signedIn("ben", account.Reader)
	d := h.device()
	ben.Post("/device", "code", d.UserCode, "answer", "yes").Status(http.StatusOK)
	signed, err := h.polled(d)
	h.must(err)
	ben.Get("/account").Status(http.StatusOK).Says("main", "Azure CLI or an Azure SDK").Says("main", "Code on the device page")
	b.Get("/account").Status(http.StatusOK).Says("main", "None. Connect az, an SDK or docker")
	list := b.Get("/settings/sign-ins").Status(http.StatusOK).Says("h1", "Sign-ins").Says("td[data-l=For]", "ben")
	action := list.Find("main form").AttrOr("action", "")
	own := strings.Replace(action, "/settings", "/account", 1)
	b.Post(own).Status(http.StatusNotFound) // an owner's own list is their own
	ben.Post(action).Status(http.StatusForbidden)
	if _, err := h.portal.SignIns.Bearer(t.Context(), signed.Access); err != nil {
		t.Fatal(err)
	}
	ben.Post(own).Leads("/account")
	if _, err := h.portal.SignIns.Bearer(t.Context(), signed.Access); err == nil {
		t.Error("a revoked sign-in goes on")
	}
	ben.Get("/account").Says("#toasts", "is revoked").Says("main", "None. Connect az, an SDK or docker")
	b.Get("/settings/sign-ins").Says("main", "Nothing is signed in")
	b.Post(action).Status(http.StatusNotFound)
}

func TestConnectPage(t *testing.T) {
	h := newHouse(t)
	b := h.signedIn("ben", account.Reader)
	b.Get("/connect").Status(http.StatusOK).Says("main", "serves none").Says("main", "docker login mycontainerregistry.dock.example.com -u ben")
	b.Get("/connect/dockbell-cloud.json").Status(http.StatusNotFound)
	h.portal.Reach.Secure = func(*http.Request) string { return "https://dock.example.com:8443" }
	h.portal.Reach.OwnCA, h.portal.Reach.Fingerprint = true, "AB:CD"
	a := b.Get("/connect").Status(http.StatusOK)
	for _, want := range []string{
		"az cloud register --name Dockbell --endpoint-resource-manager https://dock.example.com:8443 --suffix-acr-login-server-endpoint .dock.example.com:8443",
		"--tenant " + h.portal.SignIns.Tenant, "https://dock.example.com:8443/msi/token?key=", "AZURE_AUTHORITY_HOST=https://dock.example.com:8443/", "AB:CD",
		"az acr webhook create --registry mycontainerregistry --name myacrwebhook01",
	} {
		a.Says("main", want)
	}
	file := b.Get("/connect/dockbell-cloud.json").Status(http.StatusOK)
	if !strings.Contains(file.Body, `"activeDirectory": "https://dock.example.com:8443/adfs"`) || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%v %s", file.Header, file.Body)
	}
}
