package main

import (
	"strings"
	"testing"
)

// TestAzureCLIRepositories lists, locks, untags and deletes images with az, as in Azure's documentation.
func TestAzureCLIRepositories(t *testing.T) {
	h := startHouse(t, "--listen-tls=127.0.0.1:0")
	az := newAzUser(t, h)
	for _, image := range []string{"team/api:v1", "team/api:v2", "web/shop:v1"} {
		h.push(image)
	}
	tsv := func(command string) string { return strings.Join(strings.Fields(az.acr(command+" -o tsv")), " ") }
	az.wants(tsv("repository list -n mycontainerregistry"), "team/api web/shop", "repository list")
	az.wants(tsv("repository list -n mycontainerregistry --top 1"), "team/api", "repository list --top")
	az.wants(tsv("repository show-tags -n mycontainerregistry --repository team/api --orderby time_desc"), "v2 v1", "repository show-tags")
	digest := tsv("repository show -n mycontainerregistry --image team/api:v1 --query digest")
	az.wants(tsv("repository show -n mycontainerregistry --repository team/api --query [imageName,tagCount]"), "team/api 2", "repository show")
	if got := tsv("repository show-manifests -n mycontainerregistry --repository team/api --query [].digest"); !strings.Contains(got, digest) {
		t.Errorf("show-manifests gives %s, without %s", got, digest)
	}
	az.acr("repository update -n mycontainerregistry --image team/api:v1 --delete-enabled false")
	az.wants(tsv("repository show -n mycontainerregistry --image team/api:v1 --query changeableAttributes.deleteEnabled"), "false", "repository show")
	az.refuses(1, "is locked against changes", "repository untag -n mycontainerregistry --image team/api:v1")
	az.refuses(1, "is locked against changes", "repository delete -n mycontainerregistry --repository team/api -y")
	az.acr("repository update -n mycontainerregistry --image team/api:v1 --delete-enabled true")
	az.acr("repository untag -n mycontainerregistry --image team/api:v1")
	az.wants(tsv("repository show-tags -n mycontainerregistry --repository team/api"), "v2", "repository show-tags")
	az.acr("repository delete -n mycontainerregistry --image team/api:v2 -y")
	az.acr("repository delete -n mycontainerregistry --repository web/shop -y")
	az.wants(strings.TrimSpace(az.acr("repository list -n mycontainerregistry --query [?contains(@,'shop')] -o tsv")), "", "repository list")
	az.refuses(3, "There is no repository web/shop", "repository show -n mycontainerregistry --repository web/shop")
	if token := tsv("login -n mycontainerregistry --expose-token --query accessToken"); len(token) < 20 {
		t.Errorf("the exposed token is %q", token)
	}
}
