package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// changesPending says that a dry run found something to do.
type changesPending struct{ summary string }

// Error counts the changes.
func (c changesPending) Error() string { return "changes pending: " + c.summary }

// applyFlags say how far apply goes.
type applyFlags struct {
	registry, group, file string
	dryRun, prune, yes    bool
}

func webhookApply() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "apply --file FILE [--registry REGISTRY] [--prune] [--dry-run] [--yes]",
		Short: "Make a registry's webhooks equal to a file",
		Long: "Compares the webhooks of a registry with a YAML file, shows what it would do (+ create, ~ change, - delete) and does it; on a terminal it asks first. Secrets are shown as ******.\n\n" +
			"The file describes webhooks whole: a field that it leaves out gets its default. ${NAME} in a URI or header value is the environment variable NAME, ****** keeps the value that is stored. `dockbell webhook export` writes such a file:\n\n" +
			"  registry: mycontainerregistry\n  webhooks:\n    - name: deployhook\n      uri: https://hooks.example.com/acr\n      actions: [push, delete]\n      scope: team/api:*          # optional, as all that follow\n" +
			"      status: enabled\n      location: eastus\n      headers:\n        Authorization: Bearer ${DEPLOY_TOKEN}\n      tags:\n        team: core\n      delivery:                  # how it is delivered; without it that stays as it is\n        retry: 5s, 5m, 1h\n        maxInFlight: 4\n        rate: 600\n        ordered: true\n\n" +
			"Webhooks that are not in the file stay unless --prune is given. --dry-run changes nothing and ends with exit code 4 when there is something to change, 0 when there is not.",
		Example: "  dockbell webhook apply -f webhooks.yaml --dry-run\n" +
			"  dockbell webhook apply -f webhooks.yaml --prune --yes\n" +
			"  dockbell webhook export -r mycontainerregistry > webhooks.yaml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return apply(c, f) },
	}
	c.Flags().StringVarP(&f.file, "file", "f", "", "the file; - is stdin")
	c.Flags().StringVarP(&f.registry, "registry", "r", "", "name of the registry (default: the file's)")
	addGroup(c, &f.group)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what there is to do, and do nothing")
	c.Flags().BoolVar(&f.prune, "prune", false, "delete the webhooks that are not in the file")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	complete(c, "registry", completeRegistries)
	required(c, "file")
	return c
}

func apply(c *cobra.Command, f applyFlags) error {
	file, err := loadHookFile(c, f.file)
	if err != nil {
		return err
	}
	at, err := f.target(c, file)
	if err != nil {
		return err
	}
	a, err := connect(c)
	if err != nil {
		return err
	}
	defer a.progress.done()
	reg, err := a.registry(c.Context(), at)
	if err != nil {
		return err
	}
	have, err := a.specs(c.Context(), reg)
	if err != nil {
		return err
	}
	plan, err := planHooks(file, have, registry.Location(pick(reg.resource, "location")), f.prune)
	if err != nil {
		return err
	}
	a.progress.done()
	plan.write(c.OutOrStdout(), printable(pick(reg.resource, "name")))
	switch {
	case len(plan.steps) == 0:
		return nil
	case f.dryRun:
		return changesPending{plan.summary()}
	case !f.yes && isTerminal(c.InOrStdin()) && f.file != "-" && !confirm(c, "Make these changes?"):
		return errors.New("nothing was changed")
	}
	return a.carryOut(c, reg, plan)
}

// target is the registry of the flag or of the file; two different ones are a mistake that would cost webhooks.
func (f applyFlags) target(c *cobra.Command, file hookFile) (target, error) {
	name := orWord(f.registry, file.registry)
	if name == "" {
		return target{}, usage("name the registry with --registry, or as registry: in %s", file.name)
	}
	name, err := registryName(c, name)
	if err == nil && file.registry != "" && !registry.Name(name).Is(registry.Name(file.registry)) {
		err = usage("%s is for the registry %s and --registry says %s: change one of them", file.name, file.registry, name)
	}
	return target{name, f.group}, err
}

// specs reads what a registry's webhooks are, secrets included.
func (a *client) specs(ctx context.Context, reg found) ([]hookSpec, error) {
	all, err := a.webhooks(ctx, reg)
	if err != nil {
		return nil, err
	}
	var specs []hookSpec
	for i, hook := range all {
		a.progress.say("Reading webhook %d of %d", i+1, len(all))
		config, err := a.call(ctx, http.MethodPost, reg.webhook(pick(hook, "name"))+"/getCallbackConfig", nil)
		var gone *apiError
		if errors.As(err, &gone) && gone.status == http.StatusNotFound {
			continue // deleted since the list was read
		}
		if err != nil {
			return nil, err
		}
		spec := specOf(flat(hook), config)
		if spec.delivery, err = a.delivery(ctx, reg, string(spec.name)); err != nil {
			return nil, err
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// delivery reads how a webhook is delivered.
func (a *client) delivery(ctx context.Context, reg found, name string) (hookDelivery, error) {
	o, err := a.call(ctx, http.MethodGet, reg.webhook(name)+"/delivery", nil)
	return deliveryOf(o), err
}

// specOf is a webhook of the server.
func specOf(hook, config object) hookSpec {
	s := hookSpec{
		name: webhook.Name(pick(hook, "name")), location: registry.Location(pick(hook, "location")), uri: webhook.StoredURI(pick(config, "serviceUri")),
		status: webhook.Status(pick(hook, "status")), scope: webhook.StoredScope(pick(hook, "scope")), headers: textsOf(config["customHeaders"]), tags: textsOf(hook["tags"]),
	}
	if actions, ok := hook["actions"].([]any); ok {
		for _, a := range actions {
			s.actions = append(s.actions, event.Action(python(a)))
		}
	}
	return s
}

func textsOf(v any) map[string]string {
	all := map[string]string{}
	if o, ok := v.(object); ok {
		for key := range o {
			all[key] = pick(o, key)
		}
	}
	return all
}

// carryOut makes the changes one by one and says how far it came when one is refused. New webhooks come before deleted ones, so that
// one that only gets another name misses nothing.
func (a *client) carryOut(c *cobra.Command, reg found, plan hookPlan) error {
	for i, s := range plan.steps {
		a.progress.say("Change %d of %d: %s", i+1, len(plan.steps), s.name)
		if err := a.carry(c.Context(), reg, s); err != nil {
			return fmt.Errorf("%s: %w (%d of %d changes were made before)", s.name, err, i, len(plan.steps))
		}
	}
	a.progress.done()
	fmt.Fprintf(c.OutOrStdout(), "Done: %s.\n", count(len(plan.steps), "change"))
	return nil
}

// carry makes one change, unless somebody else was there since the plan was made: a new webhook must still be new, and one that is
// changed or deleted must still be as it was.
func (a *client) carry(ctx context.Context, reg found, s step) error {
	q := question{method: http.MethodPut, path: reg.webhook(string(s.name)), body: s.want.resource(), header: http.Header{"If-None-Match": {"*"}}}
	if s.sign != '+' {
		version, err := a.unchanged(ctx, reg, s)
		if s.sign == '-' && fault.Is(err, fault.NotFound) {
			return nil // gone already
		}
		if err != nil {
			return err
		}
		q.method, q.body, q.header = http.MethodDelete, nil, http.Header{"If-Match": {version}}
	}
	if s.sign == '~' {
		q.method, q.body = http.MethodPatch, s.changes()
	}
	_, err := a.do(ctx, q)
	return err
}

// unchanged gives the version of a webhook that is still as the plan found it.
func (a *client) unchanged(ctx context.Context, reg found, s step) (version string, err error) {
	hook, err := a.call(ctx, http.MethodGet, reg.webhook(string(s.name)), nil)
	if err != nil {
		return "", err
	}
	version = a.etag
	config, err := a.call(ctx, http.MethodPost, reg.webhook(string(s.name))+"/getCallbackConfig", nil)
	if err != nil {
		return "", err
	}
	now := specOf(flat(hook), config)
	if now.delivery, err = a.delivery(ctx, reg, string(s.name)); err == nil && len(differences(now, s.old, true)) > 0 {
		err = errors.New("somebody changed it since the plan was made: run apply again")
	}
	return version, err
}

// resource is the webhook as the API takes it, whole.
func (s hookSpec) resource() object {
	return object{"location": s.location, "tags": s.tags, "properties": s.properties()}
}

func (s hookSpec) properties() object {
	p := object{"serviceUri": s.uri.String(), "customHeaders": s.headers, "status": s.status, "scope": s.scope.String(), "actions": s.actions}
	if s.delivery.given {
		p["delivery"] = s.delivery.body()
	}
	return p
}

// fieldKeys are the API's names of the fields of a plan.
var fieldKeys = map[string]string{"uri": "serviceUri", "actions": "actions", "status": "status", "scope": "scope", "header": "customHeaders", "tag": "tags", "delivery": "delivery"}

// changes are the fields that differ, and no others: what somebody else may set beside them stays.
func (s step) changes() object {
	properties, body := object{}, object{}
	for _, f := range s.fields {
		kind, _, _ := strings.Cut(f.field, " ")
		switch key := fieldKeys[kind]; key {
		case "tags":
			body[key] = s.want.tags
		default:
			properties[key] = s.want.properties()[key]
		}
	}
	body["properties"] = properties
	return body
}
