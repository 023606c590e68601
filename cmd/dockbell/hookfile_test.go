package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// environment are the variables of the tests' files.
func environment(name string) (string, bool) {
	value, set := map[string]string{"DEPLOY_TOKEN": "canary-token", "SLACK_PATH": "canary-path", "EMPTY": ""}[name]
	return value, set
}

func parsed(t *testing.T, text string) hookFile {
	t.Helper()
	f, err := parseHookFile("w.yaml", []byte(text), environment)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestHookFile(t *testing.T) {
	f := parsed(t, `registry: mycontainerregistry
webhooks:
  - name: deployhook
    uri: https://$app:p@Hooks.Example.com/a?b=$${LITERAL}&c=${SLACK_PATH}
    actions: [delete, PUSH]
    scope: team/api:*
    status: disabled
    location: East US
    headers:
      Authorization: Bearer ${DEPLOY_TOKEN}
      X-Empty:
    tags: {team: core, year: 2026}
  - {name: 12345, uri: "http://example.com", actions: [push]}
`)
	want := []hookSpec{
		{
			name: "deployhook", location: "eastus", uri: webhook.StoredURI("https://$app:p@hooks.example.com/a?b=${LITERAL}&c=canary-path"), hidden: true,
			headers: map[string]string{"Authorization": "Bearer canary-token", "X-Empty": ""}, actions: f.hooks[0].actions, status: "disabled",
			scope: f.hooks[0].scope, tags: map[string]string{"team": "core", "year": "2026"},
		},
		{
			name: "12345", uri: webhook.StoredURI("http://example.com"), headers: map[string]string{}, actions: f.hooks[1].actions, status: "enabled",
			tags: map[string]string{},
		},
	}
	if diff := cmp.Diff(want, f.hooks, cmp.AllowUnexported(hookSpec{}, hookDelivery{}), cmp.Comparer(func(a, b webhook.URI) bool { return a == b }),
		cmp.Comparer(func(a, b webhook.Scope) bool { return a.String() == b.String() })); diff != "" {
		t.Error(diff)
	}
	if f.registry != "mycontainerregistry" || join(f.hooks[0].actions) != "push, delete" || f.hooks[0].scope.String() != "team/api:*" {
		t.Errorf("%+v", f)
	}
	if empty := parsed(t, "webhooks: []"); len(empty.hooks) != 0 {
		t.Errorf("%+v", empty)
	}
}

// TestBadHookFiles: every mistake is refused with its file and line, and no secret of the environment is in the sentence.
func TestBadHookFiles(t *testing.T) {
	const head = "webhooks:\n  - name: deployhook\n    uri: https://example.com\n    actions: [push]\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "w.yaml: it is empty"},
		"only a comment":    {"# webhooks\n", "w.yaml: it is empty"},
		"null":              {"~\n", "w.yaml:1: there is no list of webhooks"},
		"itself":            {"webhooks: &a\n  - *a\n", "w.yaml:"},
		"no YAML":           {"webhooks: [\n", "w.yaml:"},
		"tab":               {"webhooks:\n\t- a", "w.yaml:2: "},
		"a list":            {"- a\n", "w.yaml:1: "},
		"no webhooks":       {"registry: reg\n", "w.yaml:1: there is no list of webhooks"},
		"null webhooks":     {"registry: reg\nwebhooks:\n", "w.yaml:2: webhooks has no value"},
		"two documents":     {head + "---\nwebhooks: []\n", "w.yaml:5: a second document"},
		"unknown top key":   {"hooks: []\n" + head, `w.yaml:1: "hooks" is no key here`},
		"unknown key":       {head + "    action: [push]\n", `w.yaml:5: "action" is no key here`},
		"key twice":         {head + "    uri: http://x\n", "w.yaml:5: uri is there twice; the first is in line 3"},
		"name twice":        {head + "  - {name: DeployHook, uri: http://x.example, actions: [push]}\n", "w.yaml:5: the webhook DeployHook is there twice; the first is in line 2"},
		"no name":           {"webhooks:\n  - uri: http://x.example\n    actions: [push]\n", "w.yaml:2: a webhook needs name"},
		"nothing":           {"webhooks:\n  - {}\n", "w.yaml:2: a webhook needs name, uri, actions"},
		"bad name":          {strings.Replace(head, "deployhook", "bad-name", 1), "w.yaml:2: name: "},
		"bad URI":           {strings.Replace(head, "https", "ftp", 1), "w.yaml:3: uri: "},
		"bad action":        {strings.Replace(head, "[push]", "[pull]", 1), "w.yaml:4: actions: "},
		"no action":         {strings.Replace(head, "[push]", "[]", 1), "w.yaml:4: actions: "},
		"action as text":    {strings.Replace(head, "[push]", "push", 1), "w.yaml:4: here stands a list"},
		"bad status":        {head + "    status: on\n", "w.yaml:5: status: "},
		"bad scope":         {head + "    scope: 'a b'\n", "w.yaml:5: scope: "},
		"bad location":      {head + "    location: '-'\n", "w.yaml:5: location: "},
		"bad header":        {head + "    headers: {Content-Length: 3}\n", "w.yaml:5: headers: "},
		"header twice":      {head + "    headers:\n      A: 1\n      A: 2\n", "w.yaml:7: A is there twice"},
		"header as list":    {head + "    headers: [A]\n", "w.yaml:5: here stand keys"},
		"value as map":      {head + "    headers: {A: {b: c}}\n", "w.yaml:5: here stands one word"},
		"unset variable":    {head + "    headers: {A: '${NOBODY}'}\n", "w.yaml:5: the environment variable NOBODY is not set"},
		"empty variable":    {head + "    headers: {A: '${EMPTY}'}\n", "w.yaml:5: the environment variable EMPTY is not set"},
		"broken variable":   {head + "    headers: {A: '${DEPLOY TOKEN}'}\n", "w.yaml:5: ${DEPLOY TOKEN} is not a variable"},
		"unclosed variable": {head + "    headers: {A: '${DEPLOY_TOKEN'}\n", "w.yaml:5: ${DEPLOY_TOKEN is not a variable"},
		"secret in bad URI": {strings.Replace(head, "https://example.com", "ftp://example.com/${SLACK_PATH}", 1), "w.yaml:3: uri: "},
		"two mistakes":      {head + "    scopes: a\n    status: on\n", `w.yaml:5: "scopes" is no key here; there are: name, location, uri, actions, status, scope, headers, tags, delivery; w.yaml:6: `},
		"merge key":         {"webhooks:\n  - &a {name: deployhook, uri: http://x.example, actions: [push]}\n  - {<<: *a, name: otherhook}\n", `w.yaml:3: "<<" is no key here`},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parseHookFile("w.yaml", []byte(c.text), environment)
			if err == nil {
				t.Fatalf("accepted: %+v", f)
			}
			if !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %q, want it to begin with %q", err, c.want)
			}
			if exitCode(failure{err}) != exitUsage {
				t.Errorf("exit code %d", exitCode(failure{err}))
			}
		})
	}
}

// onServer are webhooks as the server has them.
func onServer(t *testing.T) []hookSpec {
	t.Helper()
	hook := func(name string) object {
		return object{"name": name, "location": "eastus", "status": "enabled", "scope": "team/api:*", "actions": []any{"push", "delete"}, "tags": object{"team": "core"}}
	}
	return []hookSpec{
		specOf(hook("deployhook"), object{"serviceUri": "https://app:canary-old@hooks.example.com/acr", "customHeaders": object{"Authorization": "canary-old", "X-Team": "core"}}),
		specOf(hook("otherhook"), object{"serviceUri": "https://hooks.example.com/canary-old", "customHeaders": object{}}),
	}
}

// TestExportApplies: a file written by export, with or without secrets, changes nothing when it is applied.
func TestExportApplies(t *testing.T) {
	have := onServer(t)
	have = append(have, specOf(
		object{"name": "Oddhook1", "location": "local", "status": "disabled", "scope": "a,!b:*", "actions": []any{"quarantine", "chart_push", "chart_delete"}, "tags": object{"yes": "no", "": "x"}},
		object{"serviceUri": "http://$a:p%40@[::1]:8080/a?x=${NOT_A_VARIABLE}&y=$${Z}", "customHeaders": object{"X-Text": "a ${B} # : 'c' \"d\"", "X-Empty": "", "X-Null": "null"}},
	))
	for _, secrets := range []bool{false, true} {
		text, err := writeHookFile("mycontainerregistry", have, secrets)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "app:canary-old") != secrets || strings.Contains(string(text), "Authorization: canary-old") != secrets {
			t.Errorf("secrets %v:\n%s", secrets, text)
		}
		f := parsed(t, string(text))
		plan, err := planHooks(f, have, "eastus", true)
		if err != nil || len(plan.steps) > 0 || plan.unchanged != len(have) || f.registry != "mycontainerregistry" {
			t.Errorf("secrets %v: %v, %+v\n%s", secrets, err, plan, text)
		}
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name, file string
		prune      bool
		want       string
	}{
		{"nothing", "webhooks: []", false, "reg is as the file says: 0 webhooks.\nNot in the file and left alone: deployhook, otherhook. Delete with --prune.\n"},
		{"prune", "webhooks: []", true, "Webhooks of reg:\n\n  - deployhook\n  - otherhook\n\n2 to delete, 0 unchanged.\n"},
		{"create", "webhooks: [{name: newhook, uri: 'https://u:${DEPLOY_TOKEN}@x.example/a', actions: [push], headers: {A: '${DEPLOY_TOKEN}', B: ''}, tags: {k: v}}]", false, `Webhooks of reg:

  + newhook
      location: home
      uri: https://x.example/******
      actions: push
      status: enabled
      header A: ******
      header B: ******
      tag k: v

1 to create, 0 unchanged.
Not in the file and left alone: deployhook, otherhook. Delete with --prune.
`},
		{"change", `
webhooks:
  - name: DEPLOYHOOK
    uri: https://app:new@hooks.example.com/acr
    actions: [push]
    status: disabled
    headers: {Authorization: "${DEPLOY_TOKEN}", X-New: "1"}
    tags: {team: edge, owner: ada}
  - {name: otherhook, uri: "https://hooks.example.com/${SLACK_PATH}", actions: [delete, push], scope: "team/api:*", tags: {team: core}, location: East US}
`, false, `Webhooks of reg:

  ~ deployhook
      uri: https://******@hooks.example.com/acr → https://******@hooks.example.com/acr (another value)
      actions: push, delete → push
      status: enabled → disabled
      scope: team/api:* → (none)
      header Authorization: ****** → ****** (another value)
      header X-New: (none) → ******
      header X-Team: ****** → (none)
      tag owner: (none) → ada
      tag team: core → edge
  ~ otherhook
      uri: https://hooks.example.com/****** → https://hooks.example.com/****** (another value)

2 to change, 0 unchanged.
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := planHooks(parsed(t, c.file), onServer(t), "home", c.prune)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			plan.write(&text, "reg")
			if diff := cmp.Diff(c.want, text.String()); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(text.String(), "canary") {
				t.Errorf("a secret is shown:\n%s", text.String())
			}
		})
	}
}

// TestPlanRefuses: what cannot be done is said before anything is changed.
func TestPlanRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"another location":       "webhooks: [{name: deployhook, uri: 'https://x.example', actions: [push], location: westeurope}]",
		"no stored header":       "webhooks: [{name: newhook, uri: 'https://x.example', actions: [push], headers: {A: '******'}}]",
		"another header":         "webhooks: [{name: deployhook, uri: 'https://x.example', actions: [push], headers: {B: '******'}}]",
		"no stored user":         "webhooks: [{name: newhook, uri: 'https://******@x.example', actions: [push]}]",
		"a user of another host": "webhooks: [{name: deployhook, uri: 'https://******@evil.example/acr', actions: [push]}]",
	} {
		if plan, err := planHooks(parsed(t, file), onServer(t), "eastus", true); err == nil || exitCode(failure{err}) != exitUsage {
			t.Errorf("%s: %v, %+v", name, err, plan)
		}
	}
}

// TestKeepsStoredSecrets: ****** in a file stands for what is stored, beside other changes.
func TestKeepsStoredSecrets(t *testing.T) {
	plan, err := planHooks(parsed(t, "webhooks: [{name: deployhook, uri: 'https://******@hooks.example.com/other', actions: [push], headers: {Authorization: '******'}}]"),
		onServer(t), registry.Location("eastus"), false)
	if err != nil || len(plan.steps) != 1 {
		t.Fatal(err, plan)
	}
	got := plan.steps[0].want
	if got.uri.String() != "https://app:canary-old@hooks.example.com/other" || !maps.Equal(got.headers, map[string]string{"Authorization": "canary-old"}) {
		t.Errorf("%s %v", got.uri, got.headers)
	}
}

// FuzzHookFile: no file brings the reader down, and what it accepts it reads again from its own writing.
func FuzzHookFile(f *testing.F) {
	f.Add("webhooks:\n  - {name: deployhook, uri: 'https://u:p@x.example/$${A}', actions: [push], scope: 'a:*', headers: {A: '${DEPLOY_TOKEN}'}, tags: {a: b}, location: eastus}\n")
	f.Add("registry: r\nwebhooks: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := parseHookFile("w.yaml", []byte(text), environment)
		if err != nil {
			return
		}
		written, err := writeHookFile("reg", first.hooks, true)
		if err != nil {
			t.Fatal(err)
		}
		second, err := parseHookFile("w.yaml", written, environment)
		if err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		plan, err := planHooks(second, first.hooks, "", true)
		if err != nil || len(plan.steps) > 0 {
			t.Fatalf("%v: %+v\n%s", err, plan, written)
		}
	})
}

// TestShownHookFiles: the examples in README.md and in the help are files that apply takes.
func TestShownHookFiles(t *testing.T) {
	help, _, _ := run(t, "webhook", "apply", "--help")
	for place, text := range map[string]string{"README.md": readRoot(t, "README.md"), "--help": help} {
		_, text, found := strings.Cut(text, "registry: mycontainerregistry\n")
		for _, end := range []string{"```", "\n\n"} {
			text, _, _ = strings.Cut(text, end)
		}
		indent, _, _ := strings.Cut(text, "webhooks:")
		f := parsed(t, strings.ReplaceAll("\n"+text, "\n"+indent, "\n"))
		if !found || len(f.hooks) != 1 || f.hooks[0].headers["Authorization"] != "Bearer canary-token" {
			t.Errorf("%s: %+v", place, f)
		}
	}
}
