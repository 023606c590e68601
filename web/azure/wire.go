package azure

import (
	"cmp"
	"time"

	"dockbell/models/account"
	"dockbell/models/registry"
)

// Azure's names of what there is here.
const (
	provider        = "Microsoft.ContainerRegistry"
	registryType    = provider + "/registries"
	webhookType     = registryType + "/webhooks"
	replicationType = registryType + "/replications"
	succeeded       = "Succeeded"
)

// resource is what every resource of Azure says of itself.
type resource struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Location   registry.Location `json:"location"`
	Tags       map[string]string `json:"tags"`
	SystemData *systemData       `json:"systemData,omitempty"`
}

// systemData says who made a resource and who changed it last.
type systemData struct {
	CreatedBy          string `json:"createdBy"`
	CreatedByType      string `json:"createdByType"`
	CreatedAt          string `json:"createdAt"`
	LastModifiedBy     string `json:"lastModifiedBy"`
	LastModifiedByType string `json:"lastModifiedByType"`
	LastModifiedAt     string `json:"lastModifiedAt"`
}

// mark is one half of a systemData; what Dockbell does by itself, an application does.
type mark struct {
	by, kind string
	at       time.Time
}

func systemDataOf(created, modified mark) *systemData {
	kind := func(k string) string { return cmp.Or(k, string(account.KindToken)) }
	return &systemData{
		CreatedBy: created.by, CreatedByType: kind(created.kind), CreatedAt: stamp(created.at),
		LastModifiedBy: modified.by, LastModifiedByType: kind(modified.kind), LastModifiedAt: stamp(modified.at),
	}
}

// stamp writes a time as Azure's resources do.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000-07:00") }

// tagsOf are a resource's tags: an object, never null.
func tagsOf(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}

func (d *Door) groupID(name string) string {
	return d.ownSubscription().ID + "/resourceGroups/" + name
}

func (d *Door) registryID(r registry.Registry) string {
	return d.groupID(cmp.Or(r.Group, registry.DefaultGroup)) + "/providers/" + registryType + "/" + string(r.Name)
}
