package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dockbell/models/store/storetest"
)

// azUser types commands of the real az, signed in to a house as a service principal.
type azUser struct {
	t   *testing.T
	env []string
}

// newAzUser signs az in as its users do: it learns of the cloud by its address alone.
func newAzUser(t *testing.T, h *runningHouse) *azUser {
	t.Helper()
	if _, err := exec.LookPath("az"); err != nil {
		storetest.Without(t, "az is not installed: on Debian, apt-get install azure-cli")
	}
	az := &azUser{t: t, env: append(os.Environ(),
		"AZURE_CONFIG_DIR="+filepath.Join(t.TempDir(), "azure"), "REQUESTS_CA_BUNDLE="+filepath.Join(h.data, "ca.pem"),
		"AZURE_CORE_COLLECT_TELEMETRY=no", "AZURE_CORE_ERROR_RECOMMENDATION=off", "AZURE_CORE_SURVEY_MESSAGE=no", "AZURE_CORE_ONLY_SHOW_ERRORS=yes",
	)}
	var made struct{ ClientID, ClientSecret string }
	if err := json.Unmarshal([]byte(h.command("token", "create", "--name=builder", "--role=owner")), &made); err != nil {
		t.Fatal(err)
	}
	az.run("cloud", "register", "--name", "Dockbell", "--endpoint-resource-manager", h.https, "--suffix-acr-login-server-endpoint", ".dockbell.local")
	az.run("cloud", "set", "--name", "Dockbell")
	az.run("login", "--service-principal", "-u", made.ClientID, "-p", made.ClientSecret, "--tenant", "11111111-1111-1111-1111-111111111111")
	return az
}

// try runs a command and gives what it printed, what it complained of, and its exit code.
func (az *azUser) try(args ...string) (out, complaint string, code int) {
	az.t.Helper()
	c := exec.CommandContext(az.t.Context(), "az", args...)
	var stdout, stderr bytes.Buffer
	c.Env, c.Stdout, c.Stderr = az.env, &stdout, &stderr
	var exit *exec.ExitError
	if err := c.Run(); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		az.t.Fatal(err)
	}
	return stdout.String(), stderr.String(), code
}

// run wants a command to work, and gives what it printed.
func (az *azUser) run(args ...string) string {
	az.t.Helper()
	out, complaint, code := az.try(args...)
	if code != 0 {
		az.t.Fatalf("az %s ended with %d: %s", strings.Join(args, " "), code, complaint)
	}
	return out
}

// acr is run with a command of az acr, written as in Azure's documentation: no argument of these holds a blank.
func (az *azUser) acr(command string) string {
	az.t.Helper()
	return az.run(append([]string{"acr"}, strings.Fields(command)...)...)
}

// table gives the lines of a table below its two lines of head, blanks put together.
func (az *azUser) table(command string) []string {
	az.t.Helper()
	var rows []string
	for _, line := range strings.Split(strings.TrimSpace(az.acr(command+" -o table")), "\n")[2:] {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	return rows
}

// refuses wants a command to fail with this exit code and complaint.
func (az *azUser) refuses(code int, complaint, command string) {
	az.t.Helper()
	_, said, got := az.try(append([]string{"acr"}, strings.Fields(command)...)...)
	if got != code || !strings.Contains(said, complaint) {
		az.t.Errorf("az acr %s ended with %d: %s; want %d and %q", command, got, said, code, complaint)
	}
}

// wants compares what a command gave with what it should give.
func (az *azUser) wants(got, want any, command string) {
	az.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		az.t.Errorf("az acr %s gives\n%v\nwant\n%v", command, got, want)
	}
}

// TestAzureCLI types the commands of Azure's how-to for webhooks word for word, then those around them.
func TestAzureCLI(t *testing.T) {
	t.Parallel()
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	az := newAzUser(t, h)
	pinged := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		pinged <- r.Header.Get("X-Team") + " " + string(body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer receiver.Close()

	az.acr("webhook create --registry mycontainerregistry --name myacrwebhook01 --actions delete --uri http://webhookuri.com")
	az.acr("webhook ping --registry mycontainerregistry --name myacrwebhook01")
	az.acr("webhook list-events --registry mycontainerregistry --name myacrwebhook01")
	az.wants(az.table("webhook list --registry MyContainerRegistry"), []string{"myacrwebhook01 local ['delete'] enabled"}, "webhook list")
	az.wants(az.table("webhook get-config -r mycontainerregistry -n myacrwebhook01"), []string{"http://webhookuri.com"}, "webhook get-config")

	az.wants(az.table("webhook update -r mycontainerregistry -n myacrwebhook01 --uri "+receiver.URL+" --actions push delete --headers X-Team=core X-B --scope hello-world:* --tags a=b --status disabled"),
		[]string{"myacrwebhook01 local ['push', 'delete'] hello-world:* disabled"}, "webhook update")
	az.wants(az.table("webhook get-config -r mycontainerregistry -n myacrwebhook01"), []string{receiver.URL + " {'X-B': '', 'X-Team': 'core'}"}, "webhook get-config")
	id := strings.TrimSpace(az.acr("webhook ping -r mycontainerregistry -n myacrwebhook01 --query id -o tsv"))
	if got := <-pinged; !strings.HasPrefix(got, "core ") || !strings.Contains(got, id) {
		t.Errorf("the receiver got %s, not the ping %s", got, id)
	}
	az.showsEvent(id + " ping 202 Accepted")

	if out := az.run("acr", "webhook", "update", "-r", "mycontainerregistry", "-n", "myacrwebhook01", "--headers", "", "--scope", "", "--tags", "", "--query", "[scope, tags]", "-o", "json"); strings.Join(strings.Fields(out), "") != `["",{}]` {
		t.Errorf("cleared, scope and tags are %s", out)
	}
	az.portalShows(h, "myacrwebhook01")

	az.refuses(1, "(InvalidParameter)", "webhook create -r mycontainerregistry -n bad-name --actions push --uri http://x.example")
	az.refuses(3, "(RegistryResourceNotFound)", "webhook create -r mycontainerregistry -n myhook2 --actions push --uri http://x.example --location mars")
	az.refuses(3, "(ResourceNotFound)", "webhook show -r mycontainerregistry -n nothere")
	az.refuses(1, "could not be found", "webhook list -r nosuchregistry")
	az.acr("webhook delete -r mycontainerregistry -n myacrwebhook01")
	az.acr("webhook delete -r mycontainerregistry -n myacrwebhook01")
	az.wants(strings.TrimSpace(az.acr("webhook list -r mycontainerregistry")), "[]", "webhook list")
}

// showsEvent waits until the newest event is listed like this, without its timestamp.
func (az *azUser) showsEvent(want string) {
	az.t.Helper()
	got := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		row := az.table("webhook list-events -r mycontainerregistry -n myacrwebhook01")[0]
		if got = row[:strings.LastIndex(row, " ")]; got == want {
			return
		}
	}
	az.t.Errorf("the newest event is %q, want %q", got, want)
}

// portalShows wants the portal to show what az made.
func (az *azUser) portalShows(h *runningHouse, text string) {
	az.t.Helper()
	resp, err := h.signedIn().Get(h.registry() + "/webhooks")
	if err != nil {
		az.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(page), text) {
		az.t.Errorf("the portal does not show %s (%v)", text, err)
	}
}

// TestAzureCLIRegistries makes, changes and deletes registries and replications with az.
func TestAzureCLIRegistries(t *testing.T) {
	t.Parallel()
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	az := newAzUser(t, h)
	available := func(name string) string {
		return strings.TrimSpace(az.acr("check-name -n " + name + " --query nameAvailable"))
	}
	az.wants(available("mycontainerregistry")+" "+available("acmereg1"), "false true", "check-name")
	az.acr("create -g rg-build -n acmereg1 --sku Basic --location eastus")
	az.wants(strings.TrimSpace(az.acr("show -n acmereg1 --query [resourceGroup,location,sku.name,adminUserEnabled] -o tsv")), "rg-build\neastus\nBasic\nfalse", "show")
	az.acr("update -n acmereg1 --sku Premium --admin-enabled true --tags team=core")
	az.wants(az.table("show-usage -n acmereg1"), []string{"Size 536870912000 0 Bytes", "Webhooks 500 0 Count", "Geo-replications -1 1 Count"}, "show-usage")
	az.acr("replication create -r acmereg1 -l westus")
	az.wants(az.table("replication list -r acmereg1"), []string{"eastus eastus Succeeded Ready True", "westus westus Succeeded Ready True"}, "replication list")
	az.acr("webhook create -r acmereg1 -n westhook --actions push --uri http://x.example --location westus")
	az.refuses(1, "(Conflict)", "replication delete -r acmereg1 -n westus")
	az.acr("webhook delete -r acmereg1 -n westhook")
	az.acr("replication delete -r acmereg1 -n westus")
	password := strings.TrimSpace(az.acr("credential show -n acmereg1 --query passwords[0].value -o tsv"))
	if renewed := strings.TrimSpace(az.acr("credential renew -n acmereg1 --password-name password --query passwords[0].value -o tsv")); renewed == password || len(renewed) < 40 {
		t.Errorf("the renewed password is %q", renewed)
	}
	if rows := az.table("list"); len(rows) != 2 || !strings.HasPrefix(rows[0], "acmereg1 rg-build eastus Premium acmereg1.localhost:") {
		t.Errorf("az acr list gives %q", rows)
	}
	az.acr("delete -n acmereg1 -y")
	az.refuses(1, "could not be found", "show -n acmereg1")
	az.refuses(1, "(QuotaExceeded)", az.full("basicreg1"))
}

// full fills a Basic registry with webhooks and gives the command for one more.
func (az *azUser) full(registry string) string {
	az.t.Helper()
	az.acr("create -g dockbell -n " + registry + " --sku Basic")
	create := "webhook create -r " + registry + " --actions push --uri http://x.example -n "
	az.acr(create + "hook1")
	az.acr(create + "hook2")
	return create + "hook3"
}
