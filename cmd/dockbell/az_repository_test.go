package main

import (
	"slices"
	"strings"
	"testing"

	"dockbell/models/store"
)

// azStep is one command of az acr, what it gives and the events it must raise. DIGEST stands for that of team/api:v1.
type azStep struct {
	command string
	gives   string // blanks put together; empty: whatever it is
	raises  []string
}

// azSteps list, lock, untag and delete images as in Azure's documentation. REG stands for "-n mycontainerregistry".
var azSteps = []azStep{
	{"repository list REG", "team/api web/shop", nil},
	{"repository list REG --top 1", "team/api", nil},
	{"repository show-tags REG --repository team/api --orderby time_desc", "v2 v1", nil},
	{"repository show-tags REG --repository team/api --top 1", "v1", nil},
	{"repository show-tags REG --repository team/api --detail --query [0].digest", "DIGEST", nil},
	{"repository show REG --repository team/api --query [imageName,tagCount]", "team/api 2", nil},
	{"repository show REG --image team/api@DIGEST --query tags", "v1", nil},
	{"repository show-manifests REG --repository team/api --orderby time_asc --query [].digest --top 1", "DIGEST", nil},
	{"repository show-manifests REG --repository team/api --detail --query [?digest=='DIGEST'].changeableAttributes.readEnabled", "true", nil},
	{"manifest list-metadata -r mycontainerregistry -n team/api --query [?digest=='DIGEST'].tags[]", "v1", nil},
	{"manifest show-metadata -r mycontainerregistry -n team/api:v1 --query digest", "DIGEST", nil},

	{"repository update REG --image team/api:v1 --delete-enabled false --query changeableAttributes.deleteEnabled", "false", nil},
	{"repository show REG --image team/api:v1 --query changeableAttributes.deleteEnabled", "false", nil},
	{"repository update REG --image team/api:v1 --delete-enabled true --query changeableAttributes.deleteEnabled", "true", nil},
	{"repository update REG --image team/api@DIGEST --write-enabled false --list-enabled false --query changeableAttributes.[writeEnabled,listEnabled]", "false false", nil},
	{"manifest update-metadata -r mycontainerregistry -n team/api@DIGEST --write-enabled true --list-enabled true --query changeableAttributes.[writeEnabled,listEnabled]", "true true", nil},
	{"repository update REG --repository team/api --read-enabled false --query changeableAttributes.readEnabled", "false", nil},
	{"repository update REG --repository team/api --read-enabled true --query changeableAttributes.readEnabled", "true", nil},

	{"repository untag REG --image team/api:v1", "", nil},
	{"repository show-tags REG --repository team/api", "v2", nil},
	{"manifest delete -r mycontainerregistry -n team/api@DIGEST -y", "", []string{"delete team/api"}},
	{"repository delete REG --image team/api:v2 -y", "", []string{"delete team/api"}},
	{"repository delete REG --repository web/shop -y", "", []string{"delete web/shop", "delete web/shop"}},
	{"repository list REG --query [?contains(@,'shop')]", "", nil},
}

// TestAzureCLIRepositories types every command of az acr repository, and compares what each rings with the fire rules.
func TestAzureCLIRepositories(t *testing.T) {
	t.Parallel()
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	az, r, db := newAzUser(t, h), newRecorder(t), openData(t, h.data)
	h.browser().Send(hooksPath, hookForm("everybell", r.at("all"), "actions", "push delete quarantine chart_push chart_delete", "signed", "")).LeadsLike(hooksPath)
	for _, image := range []string{"team/api:v1", "team/api:v2", "web/shop:v1", "web/shop:v2"} {
		h.push(image)
	}
	if calls := r.whenIdle(db); len(calls) != 8 {
		t.Errorf("four pushes rang %d times, want a push and a quarantine each", len(calls))
	}
	digest := strings.TrimSpace(az.acr("repository show -n mycontainerregistry --image team/api:v1 --query digest -o tsv"))
	spell := strings.NewReplacer("REG", "-n mycontainerregistry", "DIGEST", digest)
	for _, step := range azSteps {
		command := spell.Replace(step.command)
		if got := strings.Join(strings.Fields(az.acr(command+" -o tsv")), " "); step.gives != "" {
			az.wants(got, spell.Replace(step.gives), command)
		}
		var rang []string
		for _, c := range r.whenIdle(db) {
			said := c.told(t)
			rang = append(rang, said.Action+" "+said.Target.Repository)
		}
		if !slices.Equal(rang, step.raises) {
			t.Errorf("az acr %s rings %q, want %q", command, rang, step.raises)
		}
	}
	az.refuses(3, "There is no repository web/shop", "repository show -n mycontainerregistry --repository web/shop")
	if token := strings.TrimSpace(az.acr("login -n mycontainerregistry --expose-token --query accessToken -o tsv")); len(token) < 20 {
		t.Errorf("the exposed token is %q", token)
	}
	az.meetsLocks(h, r, db)
}

// meetsLocks: what is locked refuses with a sentence that says what to do, to az and to pushers, and rings nothing.
func (az *azUser) meetsLocks(h *runningHouse, r *recorder, db *store.DB) {
	az.t.Helper()
	h.push("team/kept:v1")
	r.whenIdle(db)
	const reg, locked = " -n mycontainerregistry ", "is locked against changes"
	c := newPusher(az.t, readCredentials(az.t, h.command("token", "create", "--name=ci", "--role=contributor")))
	az.acr("repository update" + reg + "--image team/kept:v1 --write-enabled false")
	az.refuses(1, locked, "repository untag"+reg+"--image team/kept:v1")
	az.refuses(1, locked, "repository delete"+reg+"--image team/kept:v1 -y")
	az.refuses(1, locked, "repository delete"+reg+"--repository team/kept -y")
	c.pushThrough(h.url, "team/kept", "v1", "layer").wants(405)
	c.pushThrough(h.url, "team/kept", "v2", "layer").wants(201)
	if rang := r.whenIdle(db); len(rang) != 2 {
		az.t.Errorf("a locked tag and a push of another rang %d times, want 2", len(rang))
	}
	az.acr("repository update" + reg + "--repository team/kept --write-enabled false")
	if err := c.pushBlobs(h.url, "team/kept", "another layer"); err == nil || !strings.Contains(err.Error(), "405") {
		az.t.Errorf("a layer for a locked repository: %v", err)
	}
	if rang := r.whenIdle(db); len(rang) != 0 {
		az.t.Errorf("refusals rang %d times", len(rang))
	}
	az.acr("repository update" + reg + "--repository team/kept --write-enabled true")
	az.acr("repository update" + reg + "--image team/kept:v1 --write-enabled true")
	az.acr("repository delete" + reg + "--repository team/kept -y")
	if rang := r.whenIdle(db); len(rang) != 2 {
		az.t.Errorf("a deleted repository of two manifests rang %d times", len(rang))
	}
}
