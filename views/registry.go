package views

import (
	"strings"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/registry"
	"dockbell/views/ui"
)

// Home is the page of the whole server.
type Home struct {
	Registries []RegistryRow
	Figures    HomeFigures
	Attention  []Attention
	Deliveries ui.Chart
	Succeeded  int
	Failed     int
	Feed       []FeedLine
}

// HomeFigures are the five big numbers.
type HomeFigures struct {
	Events, EventsBefore  int // the last 24 hours, and those before
	Succeeded, Failed     int
	P50, P95              time.Duration
	Waiting               int
	Next                  time.Time
	Failing, FailingFresh int // webhooks; those that began within the last hour
}

// RegistryRow is one registry in a list.
type RegistryRow struct {
	Name, Source, Location, Tier string
	Webhooks, Quota              int
	Events                       int
	Hours                        []ui.Hour
	State, StateKind             string
}

// Attention is one thing somebody should look at.
type Attention struct {
	Icon, Kind  string // "err" and "bad", or "warn" and "warn"
	What, Href  string
	Says        string
	Status      string // of an answer: badge between Says and Since
	Code        int
	Since, More string
	Do          string // the button's word
}

// FeedLine is one event as it arrived.
type FeedLine struct {
	Time          time.Time
	Image, Detail string
	Href          string
}

// Overview is a registry's page.
type Overview struct {
	Registry registry.Registry
	Quotas   []ui.Quota
	QuotaSay string
	Events   ui.Chart
	Failures []Failure
	CanWrite bool
}

// Failure is one delivery whose last attempt failed.
type Failure struct {
	Time     time.Time
	Webhook  string
	Href     string
	Image    string
	Action   string
	Result   delivery.Result
	Attempts int
	Next     time.Time
	Open     bool // it is not given up: Next says when it goes on
	Delivery string
}

// LocationTitle writes a location as Azure's pages do where it is one of Azure's: eastus becomes East US.
func LocationTitle(l registry.Location) string {
	if t, ok := azureTitles[l]; ok {
		return t
	}
	return string(l)
}

var azureTitles = map[registry.Location]string{
	"eastus": "East US", "eastus2": "East US 2", "centralus": "Central US", "northcentralus": "North Central US",
	"southcentralus": "South Central US", "westus": "West US", "westus2": "West US 2", "westus3": "West US 3",
	"canadacentral": "Canada Central", "brazilsouth": "Brazil South", "northeurope": "North Europe", "westeurope": "West Europe",
	"uksouth": "UK South", "ukwest": "UK West", "francecentral": "France Central", "germanywestcentral": "Germany West Central",
	"swedencentral": "Sweden Central", "norwayeast": "Norway East", "switzerlandnorth": "Switzerland North",
	"southeastasia": "Southeast Asia", "eastasia": "East Asia", "japaneast": "Japan East", "japanwest": "Japan West",
	"koreacentral": "Korea Central", "australiaeast": "Australia East", "centralindia": "Central India", "local": "local",
}

// SourceTitle says where a registry's events come from.
func SourceTitle(k registry.Kind) string {
	if k == registry.External {
		return "External"
	}
	return "Built-in"
}

// Place is a registry's home and how many further locations it has.
func Place(r registry.Registry) string {
	if n := len(r.Replicas); n > 0 {
		return LocationTitle(r.Home) + " + " + ui.Count(n)
	}
	return LocationTitle(r.Home)
}

// replicas are the further locations in words.
func (o Overview) replicas() string {
	var all []string
	for _, r := range o.Registry.Replicas {
		all = append(all, LocationTitle(r.Location))
	}
	if len(all) == 0 {
		return "None"
	}
	return strings.Join(all, ", ")
}

// QuotasOf are the limits of a registry's tier and what is used of them, with a sentence when one of them is nearly full.
func QuotasOf(r registry.Registry, webhooks int, held registry.Contents) (all []ui.Quota, say string) {
	most, storage := r.Tier.WebhookQuota(), r.Tier.StorageQuota()
	all = append(all, ui.Quota{
		Name: "Webhooks", Text: ui.Count(webhooks) + " of " + ui.Count(most), Used: int64(webhooks), Max: int64(most),
	})
	if r.Kind != registry.External {
		all = append(all,
			ui.Quota{Name: "Storage", Text: ui.Bytes(held.Bytes) + " of " + ui.Bytes(storage), Used: held.Bytes, Max: storage},
			ui.Quota{Name: "Repositories", Text: ui.Count(held.Repositories) + ", no limit"})
	}
	if r.Tier.Replicates() {
		all = append(all, ui.Quota{Name: "Replications", Text: ui.Count(len(r.Replicas)) + ", no limit"})
	}
	for _, q := range all {
		if q.Max > 0 && q.Used*100 >= q.Max*80 {
			return all, q.Name + ": " + ui.Percent(int(q.Used), int(q.Max)) + " of what the " + string(r.Tier) + " tier includes is used."
		}
	}
	return all, ""
}

// HoursOf turns a webhook's health into the bars of a sparkline or strip.
func HoursOf(h delivery.Health) []ui.Hour {
	all := make([]ui.Hour, len(h.Hours))
	for i, x := range h.Hours {
		all[i] = ui.Hour{Succeeded: x.Succeeded, Failed: x.Failed}
	}
	return all
}

// facts is the line under a registry's name.
func (o Overview) facts() string {
	return strings.Join([]string{SourceTitle(o.Registry.Kind) + " registry", string(o.Registry.Tier), LocationTitle(o.Registry.Home)}, " · ")
}

// trend is the change against the day before in percent; 0 days before tell nothing.
func (f HomeFigures) trend() (percent int, known bool) {
	if f.EventsBefore == 0 {
		return 0, false
	}
	return (f.Events - f.EventsBefore) * 100 / f.EventsBefore, true
}

// amount splits a duration into number and unit for a big figure.
func amount(d time.Duration) (number, unit string) {
	number, unit, _ = strings.Cut(ui.Duration(d), " ")
	return number, unit
}
