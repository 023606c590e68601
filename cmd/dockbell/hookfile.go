package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"dockbell/models/event"
	"dockbell/models/fault"
	"dockbell/models/registry"
	"dockbell/models/webhook"
)

// hookSpec is one webhook as a file or the server says it should be, its values checked and in their stored form.
type hookSpec struct {
	name     webhook.Name
	location registry.Location // "" in a file: the registry's home
	uri      webhook.URI
	hidden   bool // the file takes part of the URI from the environment: no part of its path is shown
	headers  map[string]string
	actions  []event.Action
	status   webhook.Status
	scope    webhook.Scope
	tags     map[string]string
	delivery hookDelivery
}

// hookFile is webhooks.yaml: what a registry's webhooks should be.
type hookFile struct {
	name     string // for messages
	registry string
	hooks    []hookSpec
}

// The keys of the file, in the order in which export writes them.
var (
	fileKeys = []string{"registry", "webhooks"}
	hookKeys = []string{"name", "location", "uri", "actions", "status", "scope", "headers", "tags", "delivery"}
)

// badFile collects what is wrong with a file, each with its line.
type badFile struct {
	name  string
	wrong []string
}

func (b *badFile) add(at *yaml.Node, format string, args ...any) {
	b.wrong = append(b.wrong, fmt.Sprintf("%s:%d: ", b.name, at.Line)+fmt.Sprintf(format, args...))
}

// loadHookFile reads and checks a file; - is stdin. Every mistake is reported with its line, and nothing is used of a file that has one.
func loadHookFile(c *cobra.Command, path string) (hookFile, error) {
	var text []byte
	var err error
	if path == "-" {
		path = "stdin"
		text, err = io.ReadAll(c.InOrStdin())
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return hookFile{}, errUsage{err}
	}
	return parseHookFile(path, text, os.LookupEnv)
}

func parseHookFile(name string, text []byte, env func(string) (string, bool)) (hookFile, error) {
	bad := &badFile{name: name}
	root, err := oneDocument(name, text)
	if err != nil {
		return hookFile{}, errUsage{err}
	}
	r := fileReader{bad: bad, env: env}
	f := hookFile{name: name}
	for _, e := range r.entries(root, fileKeys) {
		switch e.key {
		case "registry":
			f.registry = r.text(e.value)
		case "webhooks":
			if e.value.Tag == "!!null" {
				bad.add(e.at, "webhooks has no value; write webhooks: [] for none")
			}
			f.hooks = r.hooks(e.value)
		}
	}
	if len(bad.wrong) == 0 && !slices.ContainsFunc(root.Content, func(n *yaml.Node) bool { return n.Value == "webhooks" }) {
		bad.add(root, "there is no list of webhooks")
	}
	if len(bad.wrong) > 0 {
		return hookFile{}, usage("%s", strings.Join(bad.wrong, "; "))
	}
	return f, nil
}

// yamlLine is how the YAML reader names a line.
var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// oneDocument reads the YAML, which holds one document and no more.
func oneDocument(name string, text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: it is empty", name)
	case err != nil:
		return nil, errors.New(name + ":" + yamlLine.ReplaceAllString(err.Error(), "$1: "))
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: a second document begins; the file holds one", name, second.Line)
	}
	return doc.Content[0], nil
}

// fileReader reads nodes strictly and notes what is wrong with them.
type fileReader struct {
	bad *badFile
	env func(string) (string, bool)
}

type entry struct {
	key   string
	at    *yaml.Node
	value *yaml.Node
}

// entries reads a mapping whose keys are known; nil allows every key.
func (r fileReader) entries(n *yaml.Node, known []string) []entry {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		if n.Tag != "!!null" {
			r.bad.add(n, "here stand keys with values, as in %s", "name: deployhook")
		}
		return nil
	}
	var all []entry
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if line, twice := seen[key.Value]; twice {
			r.bad.add(key, "%s is there twice; the first is in line %d", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		if known != nil && !slices.Contains(known, key.Value) {
			r.bad.add(key, "%q is no key here; there are: %s", key.Value, strings.Join(known, ", "))
			continue
		}
		all = append(all, entry{key.Value, key, resolved(n.Content[i+1])})
	}
	return all
}

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// text reads a single value; an empty one is "".
func (r fileReader) text(n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.bad.add(n, "here stands one word or text")
	case n.Tag == "!!null":
		return ""
	}
	return n.Value
}

func (r fileReader) list(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		if n.Tag != "!!null" {
			r.bad.add(n, "here stands a list")
		}
		return nil
	}
	return n.Content
}

// hooks reads the list of webhooks. Names are compared as the server does, without regard to case.
func (r fileReader) hooks(n *yaml.Node) []hookSpec {
	var all []hookSpec
	seen := map[string]int{}
	for _, item := range r.list(n) {
		spec, at := r.hook(resolved(item))
		if line, twice := seen[spec.name.Key()]; twice && spec.name != "" {
			r.bad.add(at, "the webhook %s is there twice; the first is in line %d", spec.name, line)
		}
		seen[spec.name.Key()] = at.Line
		all = append(all, spec)
	}
	return all
}

// hook reads one webhook and gives the place of its name.
func (r fileReader) hook(n *yaml.Node) (hookSpec, *yaml.Node) {
	spec := hookSpec{status: webhook.Enabled, headers: map[string]string{}, tags: map[string]string{}}
	place := n
	missing := []string{"name", "uri", "actions"}
	for _, e := range r.entries(n, hookKeys) {
		missing = slices.DeleteFunc(missing, func(key string) bool { return key == e.key })
		if e.key == "name" {
			place = e.value
		}
		r.field(&spec, e)
	}
	if len(missing) > 0 && n.Kind == yaml.MappingNode {
		r.bad.add(n, "a webhook needs %s", strings.Join(missing, ", "))
	}
	return spec, place
}

// field reads one field by the rules of the server.
func (r fileReader) field(spec *hookSpec, e entry) {
	var err error
	switch e.key {
	case "name":
		spec.name, err = webhook.ParseName(r.text(e.value))
	case "location":
		spec.location, err = registry.ParseLocation(r.text(e.value))
	case "uri":
		var text string
		text, spec.hidden = r.expanded(e.value)
		spec.uri, err = webhook.ParseURI(text)
	case "actions":
		spec.actions, err = webhook.ParseActions(r.words(e.value))
	case "status":
		spec.status, err = webhook.ParseStatus(r.text(e.value))
	case "scope":
		spec.scope, err = webhook.ParseScope(r.text(e.value))
	case "headers":
		spec.headers, err = r.headers(e.value)
	case "delivery":
		spec.delivery = r.delivery(e.value)
	case "tags":
		for _, tag := range r.entries(e.value, nil) {
			spec.tags[tag.key] = r.text(tag.value)
		}
	}
	for _, f := range fault.All(err) {
		r.bad.add(e.value, "%s: %s", e.key, f.Message)
	}
}

func (r fileReader) words(n *yaml.Node) []string {
	var all []string
	for _, item := range r.list(n) {
		all = append(all, r.text(resolved(item)))
	}
	return all
}

func (r fileReader) headers(n *yaml.Node) (map[string]string, error) {
	var all webhook.Headers
	for _, e := range r.entries(n, nil) {
		value, _ := r.expanded(e.value)
		all = append(all, webhook.Header{Name: e.key, Value: value})
	}
	checked, err := webhook.CheckHeaders(all)
	read := map[string]string{}
	for _, h := range checked {
		read[h.Name] = h.Value
	}
	return read, err
}

// reference is ${NAME}, the value of an environment variable; $${NAME} stands for the text ${NAME} itself.
var reference = regexp.MustCompile(`\$?\$\{[^}]*\}?`)

var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// expanded puts the environment's secrets into a text and reports whether there were any. An absent or empty variable is a mistake:
// a webhook must not be sent without its secret because a job forgot to set it.
func (r fileReader) expanded(n *yaml.Node) (text string, some bool) {
	text = reference.ReplaceAllStringFunc(r.text(n), func(ref string) string {
		if strings.HasPrefix(ref, "$$") {
			return ref[1:]
		}
		some = true
		name := variable.FindStringSubmatch(ref)
		if name == nil {
			r.bad.add(n, "%s is not a variable such as ${DEPLOY_TOKEN}; write $%s for the text itself", ref, ref)
			return "x"
		}
		value, set := r.env(name[1])
		if !set || value == "" {
			r.bad.add(n, "the environment variable %s is not set", name[1])
			return "x"
		}
		return value
	})
	return text, some
}
