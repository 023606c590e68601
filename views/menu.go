package views

import "dockbell/views/ui"

// Menu is the side menu of a registry or of the settings.
type Menu struct {
	Title, Sub, Icon string
	Groups           []MenuGroup
}

// MenuGroup is a headed part of a menu; the first one needs no title.
type MenuGroup struct {
	ID, Title string
	Items     []MenuItem
}

// MenuItem is one entry. Count stands at its right; Bad in red with BadWord read after it.
type MenuItem struct {
	Key, Text, Icon, Href string
	Count                 string
	Bad, BadWord          string
}

// Keys of the entries of a registry's menu, for Shell.Current.
const (
	AtOverview     = "overview"
	AtRepositories = "repositories"
	AtWebhooks     = "webhooks"
	AtReplications = "replications"
	AtDeliveries   = "deliveries"
	AtEvents       = "events"
	AtSources      = "sources"
	AtInbox        = "inbox"
	AtNotices      = "notices"
	AtAccess       = "access"
	AtProperties   = "properties"
	AtRetention    = "retention"
)

// RegistryNav are the facts in a registry's menu. Counts below 0 are not shown.
type RegistryNav struct {
	Name, Tier             string
	External               bool // no /v2/, so no repositories
	Repositories, Webhooks int
	Failing                int // webhooks whose last attempt failed
}

// Menu is the side menu of a registry.
func (n RegistryNav) Menu() *Menu {
	base := RegistryPath(n.Name)
	services := []MenuItem{
		{Key: AtRepositories, Text: "Repositories", Icon: "cube", Href: base + "/repositories", Count: count(n.Repositories)},
		{Key: AtWebhooks, Text: "Webhooks", Icon: "plug", Href: base + "/webhooks", Count: count(n.Webhooks)},
		{Key: AtReplications, Text: "Replications", Icon: "globe", Href: base + "/replications"},
		{Key: AtSources, Text: "Event sources", Icon: "server", Href: base + "/sources"},
	}
	if n.External {
		services = services[1:]
	}
	deliveries := MenuItem{Key: AtDeliveries, Text: "Deliveries", Icon: "send", Href: base + "/deliveries"}
	if n.Failing > 0 {
		deliveries.Bad, deliveries.BadWord = ui.Count(n.Failing), "failing"
	}
	first := []MenuItem{
		{Key: AtOverview, Text: "Overview", Icon: "home", Href: base},
		{Key: AtAccess, Text: "Access", Icon: "people", Href: base + "/access"},
	}
	settings := []MenuGroup{{ID: "m-set", Title: "Settings", Items: []MenuItem{
		{Key: AtProperties, Text: "Properties", Icon: "settings", Href: base + "/properties"},
		{Key: AtRetention, Text: "Retention", Icon: "hourglass", Href: base + "/retention"},
	}}}
	if n.External { // nobody signs in there, and nothing of it is here
		first, settings = first[:1], nil
	}
	return &Menu{Title: n.Name, Sub: "Registry · " + n.Tier, Icon: "box", Groups: append([]MenuGroup{
		{Items: first},
		{ID: "m-serv", Title: "Services", Items: services},
		{ID: "m-mon", Title: "Monitoring", Items: []MenuItem{
			deliveries,
			{Key: AtEvents, Text: "Events", Icon: "pulse", Href: base + "/events"},
			{Key: AtNotices, Text: "Notices", Icon: "bell", Href: base + "/notices"},
			{Key: AtInbox, Text: "Inbox", Icon: "download", Href: base + "/inbox"},
		}},
	}, settings...)}
}

// Keys of the entries of the settings' menu.
const (
	AtUsers    = "users"
	AtTokens   = "tokens"
	AtSignIns  = "sign-ins"
	AtNetworks = "networks"
	AtAudit    = "audit"
	AtKeeping  = "keeping"
	AtMembers  = "members"
)

// SettingsMenu is the side menu of the settings.
func SettingsMenu() *Menu {
	return &Menu{Title: "Settings", Sub: "This Dockbell server", Icon: "settings", Groups: []MenuGroup{
		{ID: "m-acc", Title: "Access", Items: []MenuItem{
			{Key: AtUsers, Text: "Users", Icon: "people", Href: "/settings/users"},
			{Key: AtTokens, Text: "API tokens", Icon: "key", Href: "/settings/tokens"},
			{Key: AtSignIns, Text: "Sign-ins", Icon: "shield", Href: "/settings/sign-ins"},
		}},
		{ID: "m-sec", Title: "Security", Items: []MenuItem{
			{Key: AtNetworks, Text: "Allowed networks", Icon: "network", Href: "/settings/networks"},
			{Key: AtAudit, Text: "Audit log", Icon: "audit", Href: AuditPath},
		}},
		{ID: "m-data", Title: "Data", Items: []MenuItem{
			{Key: AtKeeping, Text: "Data retention", Icon: "hourglass", Href: "/settings/retention"},
		}},
		{ID: "m-run", Title: "Operation", Items: []MenuItem{
			{Key: AtMembers, Text: "Servers", Icon: "pulse", Href: MembersPath},
		}},
	}}
}

// RegistryPath is the address of a registry's overview; its pages lie under it.
func RegistryPath(name string) string { return "/registries/" + name }

func count(n int) string {
	if n < 0 {
		return ""
	}
	return ui.Count(n)
}
