package views

import (
	"strconv"
	"strings"
	"time"

	"dockbell/models/account"
	"dockbell/models/cleanup"
	"dockbell/models/registry"
	"dockbell/views/ui"
)

// PropertiesPath is the address of a registry’s switches.
func PropertiesPath(r registry.Name) string { return RegistryPath(string(r)) + "/properties" }

// RetentionPath is the address of the rules by which a registry deletes.
func RetentionPath(r registry.Name) string { return RegistryPath(string(r)) + "/retention" }

// AccessPath is the address of the page that says who may do what.
func AccessPath(r registry.Name) string { return RegistryPath(string(r)) + "/access" }

// Properties is the form of a registry's switches.
type Properties struct {
	Registry registry.Registry
	MayWrite bool
	Errors   map[string]string
}

// policySwitch is one switch with what it does.
type policySwitch struct {
	Name, Label, Hint string
	On                bool
}

func (p Properties) switches() []policySwitch {
	on := p.Registry.Policies
	return []policySwitch{
		{"quarantine", "Quarantine", "A push is held back until a scanner or an owner releases it; webhooks hear of quarantine first and of the push with the release.", on.Quarantine},
		{"announceUntagged", "Announce untagged manifests", "A manifest pushed by its digest alone, such as one platform of an image, calls webhooks too, as Azure does.", on.AnnounceUntagged},
		{"announceUntag", "Announce removed tags", "Removing a tag calls webhooks as a deletion, with that tag.", on.AnnounceUntag},
		{"anonymousPull", "Anonymous pull", "Everybody who reaches this registry pulls without signing in.", on.AnonymousPull},
		{"adminUser", "Admin user", "One user with the registry’s name and two passwords, for programs that know nothing better.", p.Registry.AdminUser},
	}
}

func checked(on bool) string {
	if on {
		return "on"
	}
	return ""
}

// Retention is the form of a registry's rules with what they would delete now.
type Retention struct {
	Registry registry.Registry
	Rules    cleanup.Rules // that are in force
	Draft    cleanup.Draft // what stands in the form
	Tried    bool          // the plan is that of the form and not of the rules in force
	Plan     []cleanup.Removal
	Held     registry.Contents
	Free     int64 // of the disk; below 0: unknown
	MayWrite bool
	Errors   map[string]string
	Now      time.Time
}

// planShown is how many lines of a plan a page shows.
const planShown = 200

// DraftOf writes rules as a form shows them.
func DraftOf(r cleanup.Rules) cleanup.Draft {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	return cleanup.Draft{KeepTags: number(r.KeepTags), UntaggedDays: number(r.UntaggedDays), Keep: strings.Join(r.Keep, "\n")}
}

func (r Retention) disk() string {
	text := ui.Bytes(r.Held.Bytes) + " in this registry"
	if r.Free >= 0 {
		text += " · " + ui.Bytes(r.Free) + " free on the disk"
	}
	return text
}

func (r Retention) planTitle() string {
	if r.Tried {
		return "What these rules would delete now"
	}
	return "What the rules in force delete next"
}

func removalTags(r cleanup.Removal) string {
	if len(r.Tags) == 0 {
		return "–"
	}
	return strings.Join(r.Tags, ", ")
}

// Access is who may do what in a registry, and how they sign in.
type Access struct {
	Registry registry.Registry
	Plain    bool // it is reached over plain HTTP, which most clients have to be told
	Who      account.Principal
	Users    []account.User // for owners alone
	Tokens   []account.Token
	Keys     *registry.AccessKeys // shown once they are asked for
	Admin    bool
	Now      time.Time
}

// AccessRight is one right on what a registry holds, in words.
type AccessRight struct {
	Permission account.Permission
	Title      string
}

var accessRights = []AccessRight{
	{account.Pull, "Pull"}, {account.PushImages, "Push"}, {account.DeleteImgs, "Delete"}, {account.ReleaseQtn, "Quarantine"},
}

// rightsOf are the rights of somebody in this registry, in words.
func (a Access) rightsOf(p account.Principal) string {
	var all []string
	for _, right := range accessRights {
		if p.May(right.Permission, a.Registry.Name) {
			all = append(all, right.Title)
		}
	}
	if len(all) == 0 {
		return "None"
	}
	return strings.Join(all, ", ")
}

func reach(p account.Principal) string {
	if len(p.Narrow.Repositories) == 0 {
		return "All repositories"
	}
	return strings.Join(p.Narrow.Repositories, ", ")
}

// logins are the commands by which clients sign in.
func (a Access) logins() [][2]string {
	server, user := a.Registry.LoginServer, a.Who.Name
	flag := func(name string) string {
		if a.Plain {
			return " " + name
		}
		return ""
	}
	return [][2]string{
		{"Docker", "docker login " + server + " -u " + user},
		{"Token", "docker login " + server + " -u CLIENT-ID -p CLIENT-SECRET"},
		{"Helm", "helm registry login " + server + " -u " + user + flag("--plain-http")},
		{"crane", "crane auth login " + server + " -u " + user + " -p PASSWORD" + flag("--insecure")},
		{"skopeo", "skopeo login " + server + " -u " + user + flag("--tls-verify=false")},
		{"oras", "oras login " + server + " -u " + user + flag("--plain-http")},
		{"az", "az acr login --name " + string(a.Registry.Name)},
	}
}
