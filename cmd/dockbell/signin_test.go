package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerregistry/armcontainerregistry"
)

// principal is a service principal as "dockbell token create" prints it.
type principal struct{ ClientID, ClientSecret, Token string }

func (h *runningHouse) principal(role string) principal {
	h.t.Helper()
	var p principal
	if err := json.Unmarshal([]byte(h.command("token", "create", "--name=builder", "--role="+role)), &p); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// options tell the SDK where this installation is, and to trust its CA: nothing else differs from Azure.
func (h *runningHouse) options() policy.ClientOptions {
	return policy.ClientOptions{Transport: h.trusting(), Cloud: cloud.Configuration{
		ActiveDirectoryAuthorityHost: h.https + "/",
		Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: h.https, Audience: h.https}},
	}}
}

// works asks the management API with a credential.
func (h *runningHouse) works(what string, cred azcore.TokenCredential, options policy.ClientOptions) {
	h.t.Helper()
	client, err := armcontainerregistry.NewRegistriesClient(h.subscription(), cred, &arm.ClientOptions{ClientOptions: options})
	if err != nil {
		h.t.Fatal(err)
	}
	page, err := client.NewListPager(nil).NextPage(h.t.Context())
	if err != nil || len(page.Value) != 1 || *page.Value[0].Name != houseRegistry {
		h.t.Errorf("%s: %+v, %v", what, page.Value, err)
	}
}

// subscription asks for the GUID with a token of its own.
func (h *runningHouse) subscription() string {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/subscriptions?api-version=2022-12-01", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.principal("reader").Token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct {
		Value []struct{ SubscriptionID string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Value) != 1 {
		h.t.Fatalf("%s, %v", resp.Status, err)
	}
	return list.Value[0].SubscriptionID
}

// approve confirms a device code as the owner does in the portal.
func (h *runningHouse) approve(code string) {
	h.t.Helper()
	resp, err := h.signedIn().PostForm(h.url+"/device", url.Values{"code": {code}, "answer": {"yes"}})
	if err != nil {
		h.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		h.t.Fatalf("confirming %s is answered with %s", code, resp.Status)
	}
}

// TestAzureIdentity signs in with the credentials of Azure's own library.
func TestAzureIdentity(t *testing.T) {
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	p, options := h.principal("owner"), h.options()

	secret, err := azidentity.NewClientSecretCredential("adfs", p.ClientID, p.ClientSecret, &azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	h.works("a client secret", secret, options)

	for name, value := range map[string]string{"AZURE_AUTHORITY_HOST": h.https + "/", "AZURE_TENANT_ID": "adfs", "AZURE_CLIENT_ID": p.ClientID, "AZURE_CLIENT_SECRET": p.ClientSecret} {
		t.Setenv(name, value)
	}
	fromEnvironment, err := azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	h.works("the environment", fromEnvironment, options)

	device, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options, TenantID: "adfs",
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			if !strings.HasSuffix(m.VerificationURL, "/device") || !strings.Contains(m.Message, m.UserCode) {
				t.Errorf("a person is told %+v", m)
			}
			h.approve(m.UserCode)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.works("a device code", device, options)

	wrong, err := azidentity.NewClientSecretCredential("adfs", p.ClientID, "wrong", &azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	_, err = wrong.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{h.https + "//.default"}})
	if err == nil || !strings.Contains(err.Error(), "That client id and secret don’t match") {
		t.Errorf("a wrong secret: %v", err)
	}
}

// TestTokensOutliveARestart: who is signed in stays signed in, until somebody takes it back.
func TestTokensOutliveARestart(t *testing.T) {
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	client := h.trusting()
	p := h.principal("reader")
	var first, second struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	h.tokens(client, url.Values{"grant_type": {"client_credentials"}, "client_id": {p.ClientID}, "client_secret": {p.ClientSecret}}, &first)
	h.tokens(client, url.Values{"grant_type": {"password"}, "client_id": {"dockbell"}, "username": {houseOwner}, "password": {housePassword}}, &second)
	h.stop()
	h.start()
	for what, token := range map[string]string{"a program's": first.Access, "a person's": second.Access} {
		for _, path := range []string{"/subscriptions?api-version=2022-12-01", "/v2/", "/metrics"} {
			if got := h.asked(client, path, token); got != http.StatusOK {
				t.Errorf("%s token is answered with %d at %s", what, got, path)
			}
		}
	}
	h.tokens(client, url.Values{"grant_type": {"refresh_token"}, "client_id": {"dockbell"}, "refresh_token": {second.Refresh}}, &second)

	browser := h.signedIn()
	page := h.fetch(browser, h.url+"/account")
	_, at, found := strings.Cut(page, `action="/account/sign-ins/`)
	if !found {
		t.Fatal("the account page lists no sign-in")
	}
	id, _, _ := strings.Cut(at, "/")
	resp, err := browser.PostForm(h.url+"/account/sign-ins/"+id+"/revoke", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := h.asked(client, "/subscriptions?api-version=2022-12-01", second.Access); resp.StatusCode != http.StatusSeeOther || got != http.StatusUnauthorized {
		t.Errorf("after Revoke (%s) the token is answered with %d", resp.Status, got)
	}
}

// tokens asks the token endpoint.
func (h *runningHouse) tokens(c *http.Client, form url.Values, into any) {
	h.t.Helper()
	resp, err := c.PostForm(h.url+"/adfs/oauth2/token", form)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("signing in by %s: %s, %v", form.Get("grant_type"), resp.Status, err)
	}
}

// asked gives the status of a GET with a Bearer.
func (h *runningHouse) asked(c *http.Client, path, token string) int {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.https+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
