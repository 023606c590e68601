package views

import (
	"context"
	"io"
	"time"

	"github.com/a-h/templ"

	"dockbell/models/account"
	"dockbell/models/artifact"
	"dockbell/models/audit"
	"dockbell/models/delivery"
	"dockbell/models/doctor"
	"dockbell/models/event"
	"dockbell/models/keeping"
	"dockbell/models/notice"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/webhook"
	"dockbell/views/ui"
)

// nasty is text of somebody who wishes us ill; it must come out as the text it is.
const nasty = `"><img src=x onerror=alert(1)>' javascript:alert(1) {{7*7}}`

var now = time.Date(2026, 11, 24, 14, 2, 11, 0, time.UTC)

// variants are the samples of one component by what is special about them.
type variants map[string]templ.Component

// samples are all components with full and with empty data.
func samples() map[string]variants {
	all := map[string]variants{}
	for _, part := range []map[string]variants{doorSamples(), pageSamples(), settingsSamples(), signInSamples()} {
		for name, v := range part {
			all[name] = v
		}
	}
	return all
}

func aShell() Shell {
	return Shell{
		Title: nasty, Crumbs: []Crumb{{Text: "Registries", Href: "/"}, {Text: nasty}},
		Menu:    RegistryNav{Name: "mycontainerregistry", Tier: "Premium", Repositories: 38, Webhooks: 7, Failing: 2}.Menu(),
		Current: AtWebhooks, Who: account.Principal{ID: "1", Name: "mei.lin", Role: account.Owner}, Theme: "dark", KeysOff: true,
		Here: "/registries", Now: now,
		Toasts: []ui.Toast{
			{Kind: "ok", Title: nasty, Text: nasty, LinkText: nasty, LinkHref: "/"}, {Kind: "bad", Title: "Refused"}, {Title: "Well"},
		},
	}
}

func bareShell() Shell { return Shell{Title: "Page", Now: now} }

// within puts a content into a component that has a place for one.
func within(frame, content templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return frame.Render(templ.WithChildren(ctx, content), w)
	})
}

func aRegistry() registry.Registry {
	return registry.Registry{
		ID: "r", Name: "mycontainerregistry", LoginServer: "dock.example.com", Home: "eastus",
		Replicas: []registry.Replica{{Location: "westeurope", Created: now}}, Tier: registry.Premium, Kind: registry.BuiltIn,
		CreatedBy: nasty, Created: now.AddDate(0, -3, 0), Updated: now,
	}
}

func aWebhook() webhook.Webhook {
	return webhook.Webhook{
		ID: "w1", Registry: "mycontainerregistry", Name: "deployprod", Location: "eastus",
		ServiceURI: webhook.StoredURI("https://user:secret@hooks.example.com/a?b=c"), Headers: webhook.Headers{{Name: "X-Key", Value: nasty}},
		Actions: []event.Action{event.Push, event.ChartPush, event.Quarantine}, Status: webhook.Enabled,
		Scope: webhook.StoredScope("team/api:v*,!team/api:v0*"), Format: "azure", Timeout: 10 * time.Second, Version: 3,
		CreatedBy: nasty, Created: now.AddDate(0, -1, 0), UpdatedBy: nasty, Updated: now,
	}
}

func aHealth() delivery.Health {
	h := delivery.Health{Last: delivery.Result{Status: 503, Cause: delivery.CauseStatus, Duration: time.Second, At: now.Add(-time.Minute)}, FailingSince: now.Add(-40 * time.Minute)}
	for i := range h.Hours {
		h.Hours[i] = delivery.Hour{Start: now.Add(time.Duration(i-23) * time.Hour), Succeeded: i * 3, Failed: i % 4, P50: 66 * time.Millisecond, P95: time.Second}
	}
	return h
}

func anEvent() event.Event {
	return event.Event{
		ID: "cb8c3971-9adc-488b-bdd8-43cbb4974ff5", Registry: "mycontainerregistry", Location: "eastus", Action: event.Push, Time: now.Add(-time.Hour),
		Target: event.Target{
			MediaType: "application/vnd.oci.image.manifest.v1+json", Repository: "web/checkout", Tag: "2.4.0", Size: 524, Kind: artifact.Image,
			Digest: "sha256:1f0a7be3d2c4b5a697886950413223140506f7e8d9cabb0c1d2e3f4051627384",
		},
		CarriedTags: []string{"2.4.0", "latest"}, Request: event.Request{ID: "9", Addr: "192.0.2.7:55123", Host: "dock.example.com", Method: "PUT", UserAgent: nasty},
		Actor: nasty, Source: "builtin",
	}
}

func aDelivery() delivery.Delivery {
	return delivery.Delivery{
		ID: 900719925474, EventID: anEvent().ID, Registry: "mycontainerregistry", WebhookID: "w1", Webhook: "deployprod", Action: event.Push,
		Image: delivery.Image{Repository: "web/checkout", Tag: "2.4.0", Digest: anEvent().Target.Digest}, Body: []byte(`{"id":"x","action":"push"}`),
		State: delivery.Pending, Attempts: 2, Retries: 2, Next: now.Add(38 * time.Second), Created: now.Add(-time.Hour),
		Last: delivery.Result{Cause: delivery.CauseAnswerTimeout, Duration: 10 * time.Second, At: now.Add(-time.Minute)},
	}
}

func doorSamples() map[string]variants {
	d := Door{Title: nasty, Theme: "light", Version: "1.0", Big: true}
	wrong := map[string]string{"name": nasty, "password": nasty, "password2": nasty}
	return map[string]variants{
		"SignInPage": {
			"empty": SignInPage(SignIn{}), "full": SignInPage(SignIn{Door: d, Host: nasty, Name: nasty, Next: "/registries", Error: nasty, Hint: nasty}),
		},
		"SetupCodePage":  {"empty": SetupCodePage(Setup{}), "full": SetupCodePage(Setup{Door: d, Code: nasty, CodeError: nasty, DataPlace: nasty})},
		"SetupOwnerPage": {"empty": SetupOwnerPage(Setup{}), "full": SetupOwnerPage(Setup{Door: d, Code: nasty, Name: nasty, Errors: wrong, DataPlace: nasty})},
		"SetupRegistryPage": {
			"empty": SetupRegistryPage(SetupRegistry{}),
			"full": SetupRegistryPage(SetupRegistry{
				Door: d, Registry: "mycontainerregistry", LoginServer: "dock.example.com", Location: "local",
				Configured: []string{"127.0.0.0/8", "10.0.0.0/8"}, Networks: nasty, Error: nasty, DataPlace: nasty,
			}),
		},
		"SetupDonePage":   {"full": SetupDonePage(d, nasty)},
		"ProblemDoorPage": {"full": ProblemDoorPage(d, Problem{Status: 403, Request: nasty, Title: nasty, Sentence: nasty, BackText: "Sign in", BackHref: "/sign-in"})},
	}
}

func pageSamples() map[string]variants {
	reg, w, h := aRegistry(), aWebhook(), aHealth()
	rows := []RegistryRow{
		{Name: "mycontainerregistry", Source: "Built-in", Location: "East US + 2", Tier: "Premium", Webhooks: 7, Quota: 500, Events: 1214, Hours: HoursOf(h), State: "Degraded", StateKind: "warn"},
		{Name: "edgezot", Hours: make([]ui.Hour, 24), State: "No webhooks", StateKind: "off"},
	}
	chart := ui.Chart{Label: "Events", Series: []ui.Series{{Name: "push", Class: "f1"}}, Bars: []ui.Bar{{Label: "13:00", Values: []int{4}}, {Label: "14:00", Values: []int{0}}}}
	home := Home{
		Registries: rows, Figures: HomeFigures{Events: 2254, EventsBefore: 2100, Succeeded: 4611, Failed: 32, P50: 142 * time.Millisecond, P95: 1900 * time.Millisecond, Waiting: 12, Next: now.Add(time.Minute), Failing: 2, FailingFresh: 2},
		Attention:  []Attention{FailingAttention(w, h, now), DisabledAttention(w), QuotaAttention(reg, 480)},
		Deliveries: chart, Succeeded: 4611, Failed: 32, Feed: []FeedLine{FeedLineOf(event.Arrival{Event: anEvent(), Webhooks: 2}), FeedLineOf(event.Arrival{Event: event.Event{ID: anEvent().ID, Registry: reg.Name, Action: event.Ping}})},
	}
	quotas, say := QuotasOf(reg, 480, registry.Contents{Repositories: 38, Bytes: 412 << 30})
	failed := aDelivery()
	failed.State = delivery.Failed
	overview := Overview{Registry: reg, Quotas: quotas, QuotaSay: say, Events: chart, Failures: []Failure{FailureOf(aDelivery()), FailureOf(failed)}, CanWrite: true}
	quiet, still := Home{Deliveries: ui.Chart{Label: "No deliveries"}}, Overview{Registry: reg, Events: ui.Chart{Label: "No events"}}
	outside := Overview{Events: ui.Chart{Label: "No events"}, Registry: registry.Registry{Name: "harborprod", Kind: registry.External, Tier: registry.Basic, Home: "local"}}
	contents, manifest := contentSamples(reg, w)
	found := []Found{FoundRegistry(reg), FoundRepository(reg, "web/cart"), FoundWebhook(w), FoundEvent(anEvent()), FoundDelivery(aDelivery())}
	return map[string]variants{
		"Page":             {"empty": within(Page(bareShell()), templ.Raw("<h1>Page</h1>"))},
		"HomePage":         {"full": HomePage(aShell(), home), "empty": HomePage(bareShell(), quiet)},
		"HomeBody":         {"full": HomeBody(aShell(), home), "empty": HomeBody(bareShell(), quiet)},
		"RegistryTable":    {"full": RegistryTable(rows), "empty": RegistryTable(nil)},
		"Feed":             {"full": Feed(aShell(), home.Feed), "empty": Feed(bareShell(), nil)},
		"RegistriesPage":   {"full": RegistriesPage(aShell(), rows), "empty": RegistriesPage(bareShell(), nil)},
		"OverviewPage":     {"full": OverviewPage(aShell(), overview), "outside": OverviewPage(aShell(), outside), "empty": OverviewPage(bareShell(), still)},
		"OverviewBody":     {"full": OverviewBody(aShell(), overview), "empty": OverviewBody(bareShell(), still)},
		"RepositoriesPage": {"full": RepositoriesPage(aShell(), contents), "none found": RepositoriesPage(aShell(), Repositories{Held: registry.Contents{Repositories: 3}, Query: nasty}), "empty": RepositoriesPage(bareShell(), Repositories{})},
		"ManifestPage":     {"full": ManifestPage(aShell(), manifest), "chart": ManifestPage(aShell(), aChart(reg)), "empty": ManifestPage(bareShell(), Manifest{})},
		"PropertiesPage":   {"full": PropertiesPage(aShell(), Properties{Registry: reg, MayWrite: true, Errors: map[string]string{"": nasty}}), "empty": PropertiesPage(bareShell(), Properties{})},
		"KeepingPage": {
			"full": KeepingPage(aShell(), Keeping{Periods: keeping.Periods{keeping.History: 30}, Fixed: keeping.Periods{keeping.Audit: 400},
				Typed: map[keeping.Kind]string{keeping.History: nasty}, Errors: map[string]string{"history": nasty}}),
			"empty": KeepingPage(bareShell(), Keeping{}),
		},
		"MembersPage":   {"full": MembersPage(aShell(), aMembership()), "empty": MembersPage(bareShell(), Members{})},
		"RetentionPage": {"full": RetentionPage(aShell(), aRetention(reg)), "empty": RetentionPage(bareShell(), Retention{Free: -1})},
		"AccessPage":    {"full": AccessPage(aShell(), anAccess(reg)), "empty": AccessPage(bareShell(), Access{})},
		"DeletionDialog": {
			"repository": DeletionDialog(Deletion{Registry: reg.Name, About: ContentRef{Repository: "web/cart"}, Manifests: 2, More: 3, Bytes: 5, Error: nasty, Typed: nasty}),
			"manifest":   DeletionDialog(Deletion{Registry: reg.Name, About: ContentRef{Repository: "web/cart", Digest: anEvent().Target.Digest}, Tags: []string{"a"}, More: 1, Children: 2, Referrers: 1, Error: nasty}),
			"tag":        DeletionDialog(Deletion{Registry: reg.Name, About: ContentRef{Repository: "web/cart", Tag: "v1"}, Alone: true, Announced: true}),
		},
		"SearchPage":  {"full": SearchPage(aShell(), nasty, found), "empty": SearchPage(bareShell(), "", nil)},
		"KeysPage":    {"off": KeysPage(aShell()), "on": KeysPage(bareShell())},
		"AccountPage": {"full": AccountPage(aShell(), Account{Errors: map[string]string{"current": nasty, "password": nasty, "password2": nasty}}), "empty": AccountPage(bareShell(), Account{})},
		"ProblemPage": {"full": ProblemPage(aShell(), Problem{Status: 404, Request: nasty, Title: nasty, Sentence: nasty, NearWord: nasty, NearText: nasty, NearHref: "/", BackText: "Back", BackHref: "/"})},
	}
}

func settingsSamples() map[string]variants {
	u := account.User{ID: "u1", Name: nasty, Role: account.Owner, Created: now, Updated: now}
	tok := account.Token{ClientID: "9d1c6f5e", Name: nasty, Role: account.Reader, Registry: "mycontainerregistry", CreatedBy: nasty, Created: now}
	used := account.Token{ClientID: "77aa", Name: "ci", Role: account.Contributor, Created: now, LastUsed: now}
	wrong := map[string]string{"name": nasty, "role": nasty, "password": nasty, "registry": nasty}
	over := aShell()
	over.Overlay = UserPanel(UserForm{Name: nasty, Role: "reader", Errors: wrong})
	return map[string]variants{
		"UsersPage":  {"full": UsersPage(aShell(), Users{All: []account.User{u, {ID: "u2", Name: "ben", Role: account.Reader}}}), "overlay": UsersPage(over, Users{All: []account.User{u}}), "empty": UsersPage(bareShell(), Users{})},
		"UserPanel":  {"new": UserPanel(UserForm{}), "old": UserPanel(UserForm{ID: "u1", Name: nasty, Role: "owner", Errors: wrong})},
		"UserDelete": {"full": UserDelete(u)},
		"TokensPage": {
			"full":  TokensPage(aShell(), Tokens{All: []account.Token{tok, used}, New: &account.Issued{Token: tok, ClientSecret: nasty, Bearer: nasty}, LoginServer: nasty}),
			"empty": TokensPage(bareShell(), Tokens{}),
		},
		"TokenPanel":   {"full": TokenPanel(TokenForm{Name: nasty, Role: "owner", Registry: "a", Registries: []string{"a", "b"}, Errors: wrong}), "empty": TokenPanel(TokenForm{})},
		"TokenRevoke":  {"full": TokenRevoke(tok)},
		"SourcesPage":  {"full": SourcesPage(aShell(), Sources{Registry: aRegistry(), All: []SourceRow{aSource()}, New: &source.Issued{Source: aSource().Source, URL: nasty, Token: nasty}, MayAdmin: true}), "empty": SourcesPage(bareShell(), Sources{})},
		"SourcePanel":  {"full": SourcePanel(SourceForm{Registry: "mycontainerregistry", Name: nasty, Kind: nasty, Location: nasty, Rate: nasty, Networks: nasty, Errors: wrongSource()}), "external": SourcePanel(SourceForm{Named: nasty, Errors: wrongSource()})},
		"SourceRotate": {"full": SourceRotate(aSource().Source)}, "SourceDelete": {"full": SourceDelete(aSource().Source)},
		"OneSource":    {"full": OneSource(aShell(), aSourcePage()), "empty": OneSource(bareShell(), SourcePage{SourceRow: SourceRow{Source: source.Source{Name: "edge"}}})},
		"NetworksPage": {"full": NetworksPage(aShell(), Networks{Rows: NetworkRows([]string{"127.0.0.0/8"}, []string{"10.0.0.0/8"}), Tested: nasty, Refusal: nasty}), "allowed": NetworksPage(aShell(), Networks{Tested: "a", Answer: nasty}), "empty": NetworksPage(bareShell(), Networks{})},
		"APIPage": {
			"full":  APIPage(aShell(), API{About: []string{nasty}, Groups: []APIGroup{{Title: nasty, About: nasty, Calls: []APICall{{Method: "PUT", Path: nasty, Summary: nasty, Fields: []APIField{{Name: nasty, Type: "string", About: nasty, Choices: []string{"a"}, Required: true}}}}}}}),
			"empty": APIPage(bareShell(), API{}),
		},
		"Bell":        {"full": Bell(100), "one": Bell(1), "none": Bell(0)},
		"NoticeList":  {"full": NoticeList(someNotices()), "empty": NoticeList(Notices{})},
		"BellNow":     {"full": BellNow(3)},
		"NoticesPage": {"full": NoticesPage(aShell(), someNotices()), "reader": NoticesPage(aShell(), Notices{Registry: "acmereg", Told: &NoticeForm{}}), "empty": NoticesPage(bareShell(), Notices{})},
		"AuditPage": {
			"full": AuditPage(aShell(), Audit{Text: nasty, Now: now, Page: audit.Page{Older: true, Newer: true, Entries: []audit.Entry{
				{ID: 2, At: now, Actor: audit.Actor{Kind: "User", Name: nasty, Client: nasty, Addr: nasty}, Action: nasty, Registry: nasty, Object: "x", Changes: []audit.Change{{Field: nasty, From: nasty, To: ""}}},
				{ID: 1, At: now, Action: "registry.create", Registry: "acmereg", Object: "acmereg"},
			}}}),
			"empty": AuditPage(bareShell(), Audit{}),
		},
		"NetworkPanel": {"full": NetworkPanel(nasty, nasty), "empty": NetworkPanel("", "")},
	}
}

// someNotices are one of each kind, with who is told and all that can be wrong with it.
func someNotices() Notices {
	trouble := notice.Mail{To: nasty, Problem: nasty, Next: now.Add(time.Hour)}
	return Notices{
		Registry: "acmereg", Seen: 2, Now: now,
		Page: notice.Page{Older: true, Newer: true, Notices: []notice.Notice{
			{ID: 4, Registry: "acmereg", Webhook: "a", Kind: notice.Disabled, At: now, Status: 410, Cause: "status", Sentence: nasty},
			{ID: 3, Registry: "acmereg", Webhook: "a", Kind: notice.Failing, At: now, Since: now, Cause: "refused", Sentence: nasty},
			{ID: 2, Registry: "acmereg", Webhook: "b", Kind: notice.Recovered, At: now, Status: 200},
		}},
		Told: &NoticeForm{
			Registry: "acmereg", Recipients: nasty, Webhook: "chat", Able: []webhook.Webhook{{Name: "chat"}}, Mail: true, MayWrite: true, Trouble: &trouble,
			Errors: map[string]string{"recipients": nasty, "webhook": nasty}, Now: now,
		},
	}
}

// aMembership has every state of a server and of a queue, and findings of both kinds.
func aMembership() Members {
	m := doctor.Member{ID: "a", Host: nasty, Address: nasty, Version: nasty, Workers: 64, Flying: 3, Disk: doctor.Disk{Free: 1 << 20, Size: 1 << 40}, Started: now, Seen: now}
	silent := doctor.Member{ID: "b", Disk: doctor.Disk{Free: -1}, Skew: time.Hour}
	facts := doctor.Facts{Now: now, Members: []doctor.Member{m, silent}, Queue: doctor.Queue{Waiting: 3, Flying: 1, Oldest: now, Lines: []doctor.Line{
		{Registry: "acme", Webhook: "hook1", Waiting: 1, Oldest: now}, {Registry: "acme", Webhook: "hook2", Waiting: 1, Paused: true},
		{Registry: "acme", Webhook: "hook3", Waiting: 1, Failing: now, Flying: 1}, {},
	}}}
	return Members{Facts: facts, Findings: append(doctor.Examine(facts), doctor.Finding{What: nasty, Next: nasty})}
}
