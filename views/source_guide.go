package views

import (
	"strings"

	"dockbell/models/source"
)

// sourceGuide is how a registry of one kind is told to send its events.
type sourceGuide struct {
	Where string // in words
	Code  string // what to write there; the address and the token are in it
}

// guideOf writes the guide for a source; token stands for it where it is not shown any more.
func guideOf(kind source.Kind, url, token string) sourceGuide {
	if kind.Known().InPath && !strings.HasSuffix(url, token) {
		url += "/" + token
	}
	fill := strings.NewReplacer("$URL", url, "$TOKEN", token)
	for _, g := range sourceGuides {
		if g.kind == kind {
			return sourceGuide{g.where, fill.Replace(strings.TrimPrefix(g.code, "\n"))}
		}
	}
	return sourceGuide{}
}

// sourceGuides are in the order of the kinds.
var sourceGuides = []struct {
	kind        source.Kind
	where, code string
}{
	{source.Distribution, "In the registry's config.yml. It keeps what it could not send in memory alone, and Dockbell stores what it takes before it answers.", `
notifications:
  events: {includereferences: true}
  endpoints:
  - {name: dockbell, url: "$URL", headers: {Authorization: ["Bearer $TOKEN"]}, timeout: 5s, threshold: 5, backoff: 10s,
     ignoredmediatypes: [application/octet-stream], ignore: {actions: [pull, mount]}}`},
	{source.Zot, "In zot's configuration, which needs a build with the events extension. It tries each event once.", `
"extensions": {
  "events": {
    "enable": true,
    "sinks": [{"type": "http", "address": "$URL", "timeout": "10s", "headers": {"Authorization": "Bearer $TOKEN"}}]
  }
}`},
	{source.Harbor, "In the project under Webhooks > New webhook: notify type http, payload format Default or CloudEvents, events Artifact pushed and Artifact deleted.", `
Endpoint URL  $URL
Auth Header   Bearer $TOKEN`},
	{source.Quay, "In the repository under Settings > Create notification: Push to repository, Webhook POST. Quay can send no header, so the token is part of the address.", `
Webhook URL  $URL`},
	{source.Gitea, "In the organisation or user under Settings > Webhooks > Add webhook > Gitea (or Forgejo): POST, trigger on Package.", `
Target URL    $URL
Content type  application/json
Secret        $TOKEN`},
	{source.GitHub, "In the organisation or repository under Settings > Webhooks > Add webhook: the individual event Registry packages.", `
Payload URL   $URL
Content type  application/json
Secret        $TOKEN`},
	{source.DockerHub, "In the repository under Webhooks. Docker Hub can send no header, so the token is part of the address. It tells of pushes alone.", `
Webhook URL  $URL`},
	{source.EventGrid, "With the Azure CLI, at Azure. The address has to be reachable from there over HTTPS.", `
az eventgrid event-subscription create --name dockbell \
  --source-resource-id $(az acr show --name <registry> --query id --output tsv) \
  --included-event-types Microsoft.ContainerRegistry.ImagePushed Microsoft.ContainerRegistry.ImageDeleted \
    Microsoft.ContainerRegistry.ChartPushed Microsoft.ContainerRegistry.ChartDeleted \
  --endpoint $URL`},
	{source.ACR, "With the Azure CLI, at Azure. What it sends is sent on with Dockbell's retries and history.", `
az acr webhook create --registry <registry> --name dockbell --actions push delete quarantine chart_push chart_delete \
  --uri $URL`},
	{source.CloudEvents, "From anything that speaks CloudEvents 1.0: the type's last word is an action (push, delete, quarantine, chart_push, chart_delete).", `
curl -fsS $URL -H 'Content-Type: application/cloudevents+json' -d '{
  "specversion": "1.0", "id": "1", "source": "https://registry.example.com", "type": "com.example.registry.push",
  "data": {"target": {"repository": "team/app", "tag": "v1", "digest": "sha256:…"}}}'`},
}
