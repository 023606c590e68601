package main

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"

	"dockbell/models/fault"
)

const provider = "/providers/Microsoft.ContainerRegistry"

// defaultGroup is the resource group of registries made here (PRODUCT.md, decision 26).
const defaultGroup = "dockbell"

// target names a registry as az does: by its name, within a group when one is given.
type target struct{ registry, group string }

// found is a registry with the path of its resource.
type found struct {
	path     string
	resource object
}

// subscriptionPath is the root of everything; the subscription is asked for when the profile does not hold it.
func (a *client) subscriptionPath(ctx context.Context) (string, error) {
	if a.subscription == "" {
		all, err := a.all(ctx, http.MethodGet, "/subscriptions")
		if err != nil {
			return "", err
		}
		if len(all) == 0 {
			return "", fault.New(fault.NotFound, "The server shows no subscription to this account.")
		}
		a.subscription = path.Base(pick(all[0], "id"))
	}
	return "/subscriptions/" + url.PathEscape(a.subscription), nil
}

// groupPath is the root of one resource group, or of all of them when none is given.
func (a *client) groupPath(ctx context.Context, group string) (string, error) {
	root, err := a.subscriptionPath(ctx)
	if err == nil && group != "" {
		root += "/resourceGroups/" + url.PathEscape(group)
	}
	return root, err
}

func (a *client) registries(ctx context.Context, group string) ([]object, error) {
	root, err := a.groupPath(ctx, group)
	if err != nil {
		return nil, err
	}
	return a.all(ctx, http.MethodGet, root+provider+"/registries")
}

// registry finds a registry by its name, without regard to case.
func (a *client) registry(ctx context.Context, t target) (found, error) {
	if t.group != "" {
		root, err := a.groupPath(ctx, t.group)
		if err != nil {
			return found{}, err
		}
		f := found{path: root + provider + "/registries/" + url.PathEscape(t.registry)}
		f.resource, err = a.call(ctx, http.MethodGet, f.path, nil)
		return f, err
	}
	all, err := a.registries(ctx, "")
	if err != nil {
		return found{}, err
	}
	for _, r := range all {
		if strings.EqualFold(pick(r, "name"), t.registry) {
			return found{(&url.URL{Path: pick(r, "id")}).EscapedPath(), r}, nil
		}
	}
	return found{}, fault.New(fault.NotFound, "There is no registry called %s here, or this account may not see it.", t.registry)
}

// webhooks reads all webhooks of a registry.
func (a *client) webhooks(ctx context.Context, f found) ([]object, error) {
	return a.all(ctx, http.MethodGet, f.path+"/webhooks")
}

func (f found) webhook(name string) string { return f.path + "/webhooks/" + url.PathEscape(name) }

// flat shows a resource as az prints it: its properties lifted to the top, and the group named.
func flat(resource object) object {
	shown := object{}
	for key, value := range resource {
		if inner, ok := value.(object); ok && key == "properties" {
			for k, v := range inner {
				shown[k] = v
			}
			continue
		}
		shown[key] = value
	}
	if group := groupOf(pick(resource, "id")); group != "" {
		shown["resourceGroup"] = group
	}
	return shown
}

func flatAll(resources []object) []object {
	all := []object{}
	for _, r := range resources {
		all = append(all, flat(r))
	}
	return all
}

// groupOf takes the resource group out of an id.
func groupOf(id string) string {
	parts := strings.Split(id, "/")
	for i := range parts {
		if strings.EqualFold(parts[i], "resourceGroups") && i+1 < len(parts) {
			return parts[i+1]
		}
	}
	return ""
}

// eventShape are the fields of an event that az prints even when they have no value.
var eventShape = object{
	"eventRequestMessage": object{
		"content": object{
			"actor": nil, "request": object{"addr": nil, "host": nil, "id": nil, "method": nil, "useragent": nil}, "source": nil,
			"target": object{
				"digest": nil, "length": nil, "mediaType": nil, "name": nil, "repository": nil, "size": nil, "tag": nil, "url": nil, "version": nil,
			},
		},
	},
	"eventResponseMessage": object{"content": nil, "headers": nil, "reasonPhrase": nil, "statusCode": nil, "version": nil},
}

// nameShape are those of a name's availability.
var nameShape = object{"message": nil, "reason": nil}

// shaped adds the fields of a shape that are missing, without a value; what is missing whole stays one null.
func shaped(o, shape object) object {
	full := maps.Clone(o)
	for key, inner := range shape {
		have, there := full[key].(object)
		if fields, deep := inner.(object); deep && there {
			full[key] = shaped(have, fields)
		} else if full[key] == nil {
			full[key] = nil
		}
	}
	return full
}
