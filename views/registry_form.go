package views

import (
	"dockbell/models/registry"
	"dockbell/views/ui"
)

// RegistryForm is what was typed about a new registry and what was wrong with it.
type RegistryForm struct {
	Name, Location, Tier string
	Errors               map[string]string // by field: name, location, sku
}

func (f RegistryForm) summary() []ui.FieldError {
	return summary(f.Errors, []ui.FieldError{
		{ID: "reg-name", Label: "Registry name", Text: "name"}, {ID: "reg-location", Label: "Location", Text: "location"}, {ID: "reg-sku", Label: "SKU", Text: "sku"},
	})
}

// RegistryDelete is the question before a registry is deleted, with what goes with it.
type RegistryDelete struct {
	Registry registry.Registry
	Held     registry.Contents
	Webhooks int
	Typed    string
	Error    string
}

// Replications are the copies of a registry: home first.
type Replications struct {
	Registry registry.Registry
	Sites    []Site
	MayWrite bool
}

// Site is one copy of a registry with the number of webhooks that listen there.
type Site struct {
	registry.Replica
	Home     bool
	Webhooks int
}

// ReplicationForm is what was typed about a new replica.
type ReplicationForm struct {
	Registry registry.Name
	Location string
	Error    string // at the location; empty without
}

// ReplicationsPath is the address of a registry's replications.
func ReplicationsPath(name registry.Name) string { return RegistryPath(string(name)) + "/replications" }

func tierOptions() []ui.Option {
	var all []ui.Option
	for _, t := range registry.Tiers {
		all = append(all, ui.Option{Value: string(t), Text: string(t) + ": " + ui.Plural(t.WebhookQuota(), "webhook", "webhooks")})
	}
	return all
}

func (r Replications) facts() string {
	return ui.Plural(len(r.Sites), "location", "locations") + " · home is " + LocationTitle(r.Registry.Home)
}
