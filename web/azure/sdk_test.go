package azure_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerregistry/armcontainerregistry"

	"dockbell/models/account"
)

// bearerCredential signs a client in with a token that it has already.
type bearerCredential string

// GetToken gives it.
func (b bearerCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(b), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// sdk is Azure's own client of the management API, with its address changed and nothing else.
func (h *house) sdk(role account.Role) *armcontainerregistry.ClientFactory {
	h.t.Helper()
	here := cloud.Configuration{
		ActiveDirectoryAuthorityHost: h.url,
		Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: h.url, Audience: h.url}},
	}
	f, err := armcontainerregistry.NewClientFactory(h.door.Tenancy.Subscription, bearerCredential(h.bearer(role, "")), &arm.ClientOptions{ClientOptions: policy.ClientOptions{
		Cloud: here, InsecureAllowCredentialWithHTTP: true, Retry: policy.RetryOptions{MaxRetries: -1},
	}})
	h.must(err)
	return f
}

// finished waits for an operation as the SDK's users do.
func finished[T any](t *testing.T, p *runtime.Poller[T], err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.PollUntilDone(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// refused wants an answer of the SDK's error type with this code.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) || answer.StatusCode != status || answer.ErrorCode != code {
		t.Errorf("%v, want %d %s", err, status, code)
	}
}

const sdkGroup = "DockBell" // as somebody types it

func TestWebhooksByTheGoSDK(t *testing.T) {
	h := newHouse(t)
	ctx, hooks, sent, to := t.Context(), h.sdk(account.Owner).NewWebhooksClient(), h.courier(), receiver(t)
	created := armcontainerregistry.WebhookCreateParameters{
		Location: new("eastus"), Tags: map[string]*string{"team": new("core")},
		Properties: &armcontainerregistry.WebhookPropertiesCreateParameters{
			ServiceURI: new(to + "/forbidden"), Actions: []*armcontainerregistry.WebhookAction{new(armcontainerregistry.WebhookActionPush)},
			CustomHeaders: map[string]*string{"X-Key": new("c4nary")}, Scope: new("team/api:*"),
		},
	}
	making, err := hooks.BeginCreate(ctx, sdkGroup, "mycontainerregistry", "deployhook", created, nil)
	made := finished(t, making, err)
	if *made.Name != "deployhook" || *made.Properties.ProvisioningState != armcontainerregistry.ProvisioningStateSucceeded || *made.Properties.Status != armcontainerregistry.WebhookStatusEnabled {
		t.Errorf("made %+v", made.Webhook)
	}
	changing, err := hooks.BeginUpdate(ctx, sdkGroup, "mycontainerregistry", "deployhook", armcontainerregistry.WebhookUpdateParameters{
		Properties: &armcontainerregistry.WebhookPropertiesUpdateParameters{Status: new(armcontainerregistry.WebhookStatusDisabled)},
	}, nil)
	if changed := finished(t, changing, err); *changed.Properties.Status != armcontainerregistry.WebhookStatusDisabled || *changed.Properties.Scope != "team/api:*" {
		t.Errorf("changed %+v", changed.Properties)
	}
	config, err := hooks.GetCallbackConfig(ctx, sdkGroup, "mycontainerregistry", "deployhook", nil)
	h.must(err)
	if *config.ServiceURI != to+"/forbidden" || *config.CustomHeaders["X-Key"] != "c4nary" {
		t.Errorf("the configuration is %+v", config.CallbackConfig)
	}
	ping, err := hooks.Ping(ctx, sdkGroup, "mycontainerregistry", "deployhook", nil)
	h.must(err)
	sent.waits(1)
	events, err := hooks.NewListEventsPager(sdkGroup, "mycontainerregistry", "deployhook", nil).NextPage(ctx)
	h.must(err)
	if ev := events.Value[0]; *ev.ID != *ping.ID || *ev.EventRequestMessage.Content.Action != "ping" || *ev.EventResponseMessage.StatusCode != "403" {
		t.Errorf("the event is %+v", ev)
	}
	var names []string
	for pages := hooks.NewListPager(sdkGroup, "mycontainerregistry", nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		h.must(err)
		for _, w := range page.Value {
			names = append(names, *w.Name)
		}
	}
	if !slices.Equal(names, []string{"deployhook"}) {
		t.Errorf("listed %v", names)
	}
	for range 2 { // the second time it is gone already
		deleting, err := hooks.BeginDelete(ctx, sdkGroup, "mycontainerregistry", "deployhook", nil)
		finished(t, deleting, err)
	}
	_, err = hooks.Get(ctx, sdkGroup, "mycontainerregistry", "deployhook", nil)
	refused(t, err, 404, "ResourceNotFound")
	created.Location = new("mars")
	_, err = hooks.BeginCreate(ctx, sdkGroup, "mycontainerregistry", "deployhook", created, nil)
	refused(t, err, 404, "RegistryResourceNotFound")
	_, err = h.sdk(account.Reader).NewWebhooksClient().GetCallbackConfig(ctx, sdkGroup, "mycontainerregistry", "deployhook", nil)
	refused(t, err, 403, "AuthorizationFailed")
}

// TestEveryPageByTheGoSDK: the SDK follows nextLink with GET, of webhooks and of events.
func TestEveryPageByTheGoSDK(t *testing.T) {
	h := newHouse(t)
	c, ctx := h.owner(), t.Context()
	const n = 101
	for range n {
		at := c.hookTo("hook1", "https://hooks.example.com", "")
		c.post(at + "/ping").status(200)
	}
	seen := 0
	pages := h.sdk(account.Reader).NewWebhooksClient().NewListEventsPager(sdkGroup, string(first), "hook1", nil)
	for pages.More() {
		page, err := pages.NextPage(ctx)
		h.must(err)
		seen += len(page.Value)
	}
	if seen != n {
		t.Errorf("%d events on all pages, want %d", seen, n)
	}
}

func TestRegistriesByTheGoSDK(t *testing.T) {
	h := newHouse(t)
	ctx, sdk := t.Context(), h.sdk(account.Owner)
	regs, reps := sdk.NewRegistriesClient(), sdk.NewReplicationsClient()
	free, err := regs.CheckNameAvailability(ctx, armcontainerregistry.RegistryNameCheckRequest{Name: new("acmereg1"), Type: new("Microsoft.ContainerRegistry/registries")}, nil)
	h.must(err)
	if !*free.NameAvailable {
		t.Errorf("the name is not free: %+v", free)
	}
	making, err := regs.BeginCreate(ctx, "rg-build", "acmereg1", armcontainerregistry.Registry{
		Location: new("eastus"), SKU: &armcontainerregistry.SKU{Name: new(armcontainerregistry.SKUNamePremium)},
		Properties: &armcontainerregistry.RegistryProperties{AdminUserEnabled: new(true)},
	}, nil)
	if made := finished(t, making, err); *made.Properties.LoginServer != "acmereg1.dock.example.com" || *made.SKU.Name != armcontainerregistry.SKUNamePremium {
		t.Errorf("made %+v", made.Registry)
	}
	replicating, err := reps.BeginCreate(ctx, "rg-build", "acmereg1", "westus", armcontainerregistry.Replication{Location: new("westus")}, nil)
	if made := finished(t, replicating, err); *made.Properties.Status.DisplayStatus != "Ready" {
		t.Errorf("replicated %+v", made.Replication)
	}
	usages, err := regs.ListUsages(ctx, "rg-build", "acmereg1", nil)
	h.must(err)
	if len(usages.Value) < 3 || *usages.Value[1].Limit != 500 {
		t.Errorf("the usages are %+v", usages.Value)
	}
	keys, err := regs.ListCredentials(ctx, "rg-build", "acmereg1", nil)
	h.must(err)
	if *keys.Username != "acmereg1" || len(keys.Passwords) != 2 {
		t.Errorf("the credentials are %+v", keys)
	}
	renewed, err := regs.RegenerateCredential(ctx, "rg-build", "acmereg1", armcontainerregistry.RegenerateCredentialParameters{Name: new(armcontainerregistry.PasswordNamePassword2)}, nil)
	h.must(err)
	if *renewed.Passwords[0].Value != *keys.Passwords[0].Value || *renewed.Passwords[1].Value == *keys.Passwords[1].Value {
		t.Error("not the second password was renewed")
	}
	all, err := regs.NewListPager(nil).NextPage(ctx)
	h.must(err)
	if len(all.Value) != 2 {
		t.Errorf("%d registries in the subscription", len(all.Value))
	}
	some, err := regs.NewListByResourceGroupPager("RG-BUILD", nil).NextPage(ctx)
	h.must(err)
	if len(some.Value) != 1 || *some.Value[0].Name != "acmereg1" {
		t.Errorf("the group has %+v", some.Value)
	}
	operations, err := sdk.NewOperationsClient().NewListPager(nil).NextPage(ctx)
	h.must(err)
	if len(operations.Value) == 0 {
		t.Error("there are no operations")
	}
	dropping, err := reps.BeginDelete(ctx, "rg-build", "acmereg1", "westus", nil)
	finished(t, dropping, err)
	changing, err := regs.BeginUpdate(ctx, "rg-build", "acmereg1", armcontainerregistry.RegistryUpdateParameters{
		SKU: &armcontainerregistry.SKU{Name: new(armcontainerregistry.SKUNameBasic)}, Tags: map[string]*string{"a": new("b")},
	}, nil)
	if changed := finished(t, changing, err); *changed.SKU.Name != armcontainerregistry.SKUNameBasic || *changed.Tags["a"] != "b" || !*changed.Properties.AdminUserEnabled {
		t.Errorf("changed %+v", changed.Registry)
	}
	for range 2 {
		deleting, err := regs.BeginDelete(ctx, "rg-build", "acmereg1", nil)
		finished(t, deleting, err)
	}
	_, err = regs.Get(ctx, "rg-build", "acmereg1", nil)
	refused(t, err, 404, "RegistryResourceNotFound")
}

// TestTerraformsWay replays how azurerm_container_registry_webhook uses the API: a GET that must be 404 before it creates,
// the resource and its callback configuration on every read, PATCH for changes.
func TestTerraformsWay(t *testing.T) {
	h := newHouse(t)
	ctx, hooks := t.Context(), h.sdk(account.Contributor).NewWebhooksClient()
	reads := func(scope string) {
		t.Helper()
		got, err := hooks.Get(ctx, sdkGroup, string(first), "tfhook1", nil)
		h.must(err)
		config, err := hooks.GetCallbackConfig(ctx, sdkGroup, string(first), "tfhook1", nil)
		h.must(err)
		if *got.Properties.Scope != scope || *config.ServiceURI != "https://mywebhookreceiver.example/mytag" || *config.CustomHeaders["Content-Type"] != "application/json" {
			t.Errorf("read %+v and %+v: Terraform would plan a change", got.Properties, config)
		}
	}
	_, err := hooks.Get(ctx, sdkGroup, string(first), "tfhook1", nil)
	refused(t, err, 404, "ResourceNotFound")
	making, err := hooks.BeginCreate(ctx, sdkGroup, string(first), "tfhook1", armcontainerregistry.WebhookCreateParameters{
		Location: new("westus"), Tags: map[string]*string{},
		Properties: &armcontainerregistry.WebhookPropertiesCreateParameters{
			ServiceURI: new("https://mywebhookreceiver.example/mytag"), Status: new(armcontainerregistry.WebhookStatusEnabled), Scope: new("mytag:*"),
			Actions: []*armcontainerregistry.WebhookAction{new(armcontainerregistry.WebhookActionPush)}, CustomHeaders: map[string]*string{"Content-Type": new("application/json")},
		},
	}, nil)
	finished(t, making, err)
	reads("mytag:*")
	changing, err := hooks.BeginUpdate(ctx, sdkGroup, string(first), "tfhook1", armcontainerregistry.WebhookUpdateParameters{
		Properties: &armcontainerregistry.WebhookPropertiesUpdateParameters{
			ServiceURI: new("https://mywebhookreceiver.example/mytag"), Status: new(armcontainerregistry.WebhookStatusDisabled), Scope: new(""),
			Actions: []*armcontainerregistry.WebhookAction{new(armcontainerregistry.WebhookActionPush)}, CustomHeaders: map[string]*string{"Content-Type": new("application/json")},
		}, Tags: map[string]*string{},
	}, nil)
	finished(t, changing, err)
	reads("")
	deleting, err := hooks.BeginDelete(ctx, sdkGroup, string(first), "tfhook1", nil)
	finished(t, deleting, err)
}
