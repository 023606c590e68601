package azure_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dockbell/models/account"
	"dockbell/models/fault"
)

func TestARegistrysLife(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.registryAt("AcmeReg")
	c.get(at).fails(404, "RegistryResourceNotFound", "registry")
	c.put(at, `{"location":"West Europe","sku":{"name":"premium"},"tags":{"team":"core"},"properties":{"adminUserEnabled":true,`+
		`"provisioningState":"Failed","loginServer":"evil.example","policies":{"quarantinePolicy":{"status":"enabled"},"trustPolicy":{"type":"Notary"}}}}`).status(200).
		says("id", h.registryAt("AcmeReg")).says("name", "AcmeReg").says("type", "Microsoft.ContainerRegistry/registries").says("location", "westeurope").
		says("sku.name", "Premium").says("sku.tier", "Premium").says("tags.team", "core").
		says("properties.loginServer", "acmereg.dock.example.com").says("properties.provisioningState", "Succeeded").
		says("properties.adminUserEnabled", true).says("properties.policies.quarantinePolicy.status", "enabled").says("systemData.createdBy", "the owner")
	c.get(at).status(200).says("name", "AcmeReg")
	c.get(strings.ToLower(at)).status(200).says("name", "AcmeReg")
	h.wait(time.Minute)
	c.patch(at, `{"sku":{"name":"Standard"},"tags":{},"properties":{"anonymousPullEnabled":true,"announceUntag":true}}`).status(200).
		says("sku.name", "Standard").says("tags.team", nil).says("properties.anonymousPullEnabled", true).says("properties.announceUntag", true).
		says("properties.adminUserEnabled", true).says("properties.policies.quarantinePolicy.status", "enabled").
		says("systemData.createdAt", "2026-11-24T12:00:00.0000000+00:00").says("systemData.lastModifiedAt", "2026-11-24T12:01:00.0000000+00:00")
	c.put(at, `{"location":"westeurope","sku":{"name":"Standard"}}`).status(200). // replaces Azure's fields, and leaves Dockbell's own
											says("properties.adminUserEnabled", false).says("properties.anonymousPullEnabled", false).
											says("properties.policies.quarantinePolicy.status", "disabled").says("properties.announceUntag", true)
	c.put(at, `{"location":"eastus","sku":{"name":"Standard"}}`).fails(400, "InvalidParameter", "location")
	c.patch(at, `{"location":"eastus"}`).fails(400, "InvalidParameter", "location")
	if stored, err := h.db.Registry(t.Context(), "acmereg"); err != nil || !stored.Policies.AnnounceUntag || stored.Policies.AnonymousPull {
		t.Errorf("stored %+v, %v", stored, err)
	}
	c.delete(at).status(200)
	c.delete(at).status(204)
	c.get(at).fails(404, "RegistryResourceNotFound", "registry")
}

func TestWrongRegistries(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	good := `{"location":"eastus","sku":{"name":"Basic"}}`
	c.put(h.registryAt("a-b"), good).fails(400, "InvalidParameter", "name")
	c.put(h.registryAt("acme1"), `{"sku":{"name":"Basic"}}`).fails(400, "InvalidParameter", "location")
	c.put(h.registryAt("acme1"), `{"location":"eastus"}`).fails(400, "InvalidParameter", "sku")
	c.put(h.registryAt("acme1"), `{"location":"eastus","sku":{"name":"Gold"}}`).fails(400, "InvalidParameter", "sku")
	c.put(h.registryAt("acme1"), `{"location":"../x","sku":{"name":"Basic"}}`).fails(400, "InvalidParameter", "location")
	c.put(h.registryAt("acme1"), `{"location":"eastus","sku":{"name":"Basic"},"properties":{"adminUserEnabled":"yes"}}`).fails(400, "InvalidParameter", "adminUserEnabled")
	c.put(h.registryAt("acme1"), `{"location":"eastus","sku":{"name":"Basic"},"properties":{"policies":{"quarantinePolicy":{"status":"on"}}}}`).
		fails(400, "InvalidParameter", "quarantinePolicy")
	c.put(strings.Replace(h.registryAt("acme1"), "dockbell", "bad.", 1), good).fails(400, "InvalidParameter", "resourceGroup")
	c.get(h.subscription()+"/providers/Microsoft.ContainerRegistry/registries").status(200).says("value.0.name", "MyContainerRegistry").says("value.1", nil)
	c.patch(h.registryAt(string(first)), `{"sku":{"name":"Basic"}}`).fails(400, "InvalidParameter", "sku") // it has a replica
}

// TestGroupsAreMadeByRegistries: a PUT in another group makes it; a registry belongs to one group and is found in no other.
func TestGroupsAreMadeByRegistries(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	other := h.subscription() + "/resourceGroups/RG-Build"
	in := func(group, name string) string {
		return group + "/providers/Microsoft.ContainerRegistry/registries/" + name
	}
	c.get(other).fails(404, "ResourceGroupNotFound", "group")
	c.get(in(other, "acmereg")).fails(404, "ResourceGroupNotFound", "group")
	if got := c.do(http.MethodHead, other, "").resp.StatusCode; got != 404 {
		t.Errorf("HEAD of a missing group answers %d", got)
	}
	c.put(in(other, "acmereg"), `{"location":"eastus","sku":{"name":"Basic"}}`).status(200).says("id", in(other, "acmereg"))
	c.get(strings.ToLower(other)).status(200).says("name", "RG-Build").says("location", "eastus").says("properties.provisioningState", "Succeeded")
	c.get(in(h.group(), "acmereg")).fails(404, "RegistryResourceNotFound", "registry")
	c.put(in(h.group(), "acmereg"), `{"location":"eastus","sku":{"name":"Basic"}}`).fails(409, "AlreadyInUse", "name")
	c.get(in(other, "acmereg") + "/webhooks").status(200)
	c.get(other+"/providers/Microsoft.ContainerRegistry/registries").status(200).says("value.0.name", "acmereg").says("value.1", nil)
	c.get(h.subscription()+"/resourcegroups").status(200).says("value.0.name", "dockbell").says("value.1.name", "RG-Build")
	c.get(h.subscription()+"/resources?"+version+"&$filter=resourceType%20eq%20'Microsoft.ContainerRegistry/registries'%20and%20name%20eq%20'ACMEREG'").
		status(200).says("value.0.id", in(other, "acmereg")).says("value.0.sku.name", "Basic").says("value.1", nil)
	c.get(h.subscription()+"/resources?"+version+"&$filter=tagName%20eq%20'a'").fails(400, "InvalidFilterInQueryString", "$filter")
	c.delete(other).fails(409, "Conflict", "")
	c.delete(h.group()).fails(409, "Conflict", "")
	c.put(other, `{"location":"mars"}`).fails(400, "InvalidParameter", "location")
	c.put(other, `{"location":"eastus","tags":{"a":"b"}}`).status(200).says("tags.a", "b")
	c.patch(other, `{"tags":{"c":"d"}}`).status(200).says("tags.a", nil).says("tags.c", "d")
	c.delete(in(other, "acmereg")).status(200)
	c.delete(other).status(200)
	c.get(other).fails(404, "ResourceGroupNotFound", "group")
}

func TestReplications(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.registryAt(string(first)) + "/replications"
	c.get(at).status(200).says("value.0.name", "eastus").says("value.1.name", "westus").says("value.1.properties.status.displayStatus", "Ready")
	c.get(at+"/mars").fails(404, "ResourceNotFound", "replica")
	c.put(at+"/asia", `{"location":"Southeast Asia","tags":{"a":"b"},"properties":{"regionEndpointEnabled":false,"zoneRedundancy":"Enabled"}}`).status(200).
		says("name", "asia").says("location", "southeastasia").says("tags.a", "b").says("properties.regionEndpointEnabled", false).says("properties.provisioningState", "Succeeded")
	c.get(at+"/SOUTHEASTASIA").status(200).says("name", "asia")
	c.patch(at+"/asia", `{"properties":{"regionEndpointEnabled":true}}`).status(200).says("properties.regionEndpointEnabled", true).says("tags.a", "b")
	c.put(at+"/asia", `{"location":"southeastasia"}`).status(200).says("tags.a", nil)
	c.put(at+"/asia", `{"location":"mars"}`).fails(400, "InvalidParameter", "location")
	c.put(at+"/asia2", `{"location":"southeastasia"}`).fails(409, "Conflict", "")
	c.put(at+"/eastus", `{"location":"eastus"}`).status(200).says("name", "eastus") // home is one already
	c.put(at+"/mars", `{}`).fails(400, "InvalidParameter", "location")
	c.put(at+"/..x", `{"location":"mars"}`).fails(400, "InvalidParameter", "name")
	c.patch(at+"/mars", `{}`).fails(404, "ResourceNotFound", "replica")
	c.get(h.registryAt(string(first))+"/listUsages").says("value.2.name", "Geo-replications").says("value.2.currentValue", 3.0).says("value.2.limit", -1.0)

	c.put(h.hooks()+"/hook1", `{"location":"southeastasia","properties":{"serviceUri":"https://a.example","actions":["push"]}}`).status(200)
	c.delete(at+"/asia").fails(409, "Conflict", "location")
	c.delete(h.hooks() + "/hook1").status(200)
	c.delete(at + "/asia").status(200)
	c.delete(at + "/asia").status(204)
	c.delete(at+"/eastus").fails(400, "InvalidParameter", "location")
	c.put(h.hooks()+"/hook1", `{"location":"southeastasia","properties":{"serviceUri":"https://a.example","actions":["push"]}}`).fails(404, "RegistryResourceNotFound", "location")

	basic := h.registryAt("acmereg1")
	c.put(basic, `{"location":"eastus","sku":{"name":"Basic"}}`).status(200)
	c.put(basic+"/replications/mars", `{"location":"mars"}`).fails(400, "InvalidParameter", "location")
	c.get(basic+"/replications").status(200).says("value.0", nil)
}

func TestNamesThatAreFree(t *testing.T) {
	h := newHouse(t)
	c := h.client(account.Reader)
	at := h.subscription() + "/providers/Microsoft.ContainerRegistry/checkNameAvailability"
	for name, want := range map[string]any{"acmereg1": nil, "MYCONTAINERREGISTRY": "AlreadyExists", "a-b": "Invalid", "abcd": "Invalid"} {
		r := c.do(http.MethodPost, at, `{"name":"`+name+`","type":"Microsoft.ContainerRegistry/registries"}`).status(200)
		r.says("nameAvailable", want == nil).says("reason", want)
	}
	c.do(http.MethodPost, at, `{"type":"Microsoft.ContainerRegistry/registries"}`).fails(400, "InvalidParameter", "name")
	c.do(http.MethodPost, strings.ReplaceAll(at, h.door.Tenancy.Subscription, "x"), `{"name":"acmereg1"}`).fails(404, "SubscriptionNotFound", "subscription")
}

// TestTheAdminUser signs in to the registry with either password, and with none when it is off.
func TestTheAdminUser(t *testing.T) {
	h := newHouse(t)
	c := h.owner()
	at := h.registryAt(string(first))
	signsIn := func(name, password string) bool {
		t.Helper()
		p, err := h.accounts.Authenticate(t.Context(), name, password)
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Fatal(err)
		}
		if err == nil && (p.Registry != first || !p.May(account.PushImages, first) || p.May(account.Admin, first) || p.May(account.Pull, "acmereg1")) {
			t.Errorf("the admin user is %+v", p)
		}
		return err == nil
	}
	c.post(at+"/listCredentials").fails(400, "InvalidParameter", "adminUserEnabled")
	c.patch(at, `{"properties":{"adminUserEnabled":true}}`).status(200)
	if signsIn(string(first), "") {
		t.Error("the admin user signs in without a password before there is one")
	}
	r := c.post(at+"/listCredentials").status(200).says("username", "MyContainerRegistry").says("passwords.0.name", "password").says("passwords.1.name", "password2")
	one, two := r.at("passwords.0.value").(string), r.at("passwords.1.value").(string)
	if !signsIn("mycontainerregistry", one) || !signsIn(string(first), two) || one == two || len(one) < 40 {
		t.Errorf("passwords %q and %q", one, two)
	}
	renewed := c.do(http.MethodPost, at+"/regenerateCredential", `{"name":"password"}`).status(200).says("passwords.1.value", two).at("passwords.0.value").(string)
	if signsIn(string(first), one) || !signsIn(string(first), renewed) || !signsIn(string(first), two) {
		t.Error("renewing one password is not what it was")
	}
	c.do(http.MethodPost, at+"/regenerateCredential", `{"name":"password3"}`).fails(400, "InvalidParameter", "name")
	c.do(http.MethodPost, at+"/regenerateCredential", ``).fails(400, "InvalidParameter", "body")
	c.post(at+"/listCredentials").status(200).says("passwords.0.value", renewed)
	c.patch(at, `{"properties":{"adminUserEnabled":false}}`).status(200)
	if signsIn(string(first), renewed) {
		t.Error("the admin user signs in although it is off")
	}
	for _, secret := range []string{one, two, renewed} {
		if strings.Contains(h.log.String(), secret) {
			t.Error("a password stands in the log")
		}
	}
}

func TestProvidersAndOperations(t *testing.T) {
	h := newHouse(t)
	c := h.client(account.Reader)
	c.get("/providers/microsoft.containerregistry/OPERATIONS").status(200).says("value.0.name", "Microsoft.ContainerRegistry/registries/read").says("value.0.display.provider", "Dockbell")
	c.get(h.subscription()+"/providers").status(200).says("value.0.registrationState", "Registered")
	c.get(h.subscription()+"/providers/Microsoft.ContainerRegistry").status(200).says("resourceTypes.1.resourceType", "registries/webhooks")
	c.post(h.subscription()+"/providers/Microsoft.ContainerRegistry/register").status(200).says("registrationState", "Registered")
}

// TestLoginServersSpeakHTTPS: Azure's clients pull over HTTPS alone, so they get the port that speaks it.
func TestLoginServersSpeakHTTPS(t *testing.T) {
	h := newHouse(t)
	c := h.client(account.Reader)
	for base, want := range map[string]string{
		"https://dock.example.com:8443": "mycontainerregistry.dock.example.com:8443", "https://dock.example.com": "mycontainerregistry.dock.example.com",
		"http://dock.example.com:8080": "mycontainerregistry.dock.example.com",
	} {
		h.door.Base = func(*http.Request) string { return base }
		c.get(h.registryAt(string(first))).status(200).says("properties.loginServer", want)
	}
}
