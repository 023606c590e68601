package main

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"dockbell/models/webhook"
)

func webhookExport() *cobra.Command {
	var secrets bool
	var file string
	var at hookAt
	c := &cobra.Command{
		Use:   "export --registry REGISTRY [--file FILE] [--show-secrets]",
		Short: "Write a registry's webhooks as a file for apply",
		Long:  "Writes the webhooks of a registry as the YAML that `dockbell webhook apply` reads. Values of headers, and user and password in a URI, are written as ******, which keeps what is stored when the file is applied to the same webhooks.",
		Example: "  dockbell webhook export -r mycontainerregistry > webhooks.yaml\n" +
			"  dockbell webhook export -r mycontainerregistry --show-secrets --file webhooks.yaml",
		Args: cobra.NoArgs,
	}
	at.flags(c, false)
	c.Flags().StringVarP(&file, "file", "f", "", "write to this file, readable by you alone, instead of to stdout")
	c.Flags().BoolVar(&secrets, "show-secrets", false, "write secrets in clear")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := at.check(c, false); err != nil {
			return err
		}
		a, err := connect(c)
		if err != nil {
			return err
		}
		text, err := a.export(c.Context(), at.target, secrets)
		if err != nil {
			return err
		}
		a.progress.done()
		if file != "" {
			return writePrivate(file, text)
		}
		_, err = c.OutOrStdout().Write(text)
		return err
	}
	return c
}

func (a *client) export(ctx context.Context, at target, secrets bool) ([]byte, error) {
	defer a.progress.done()
	reg, err := a.registry(ctx, at)
	if err != nil {
		return nil, err
	}
	specs, err := a.specs(ctx, reg)
	if err != nil {
		return nil, err
	}
	return writeHookFile(pick(reg.resource, "name"), specs, secrets)
}

// writeHookFile writes what parseHookFile reads, with the keys in a fixed order and the webhooks by their names, so that two exports
// can be compared line by line.
func writeHookFile(registry string, specs []hookSpec, secrets bool) ([]byte, error) {
	slices.SortFunc(specs, func(a, b hookSpec) int { return strings.Compare(a.name.Key(), b.name.Key()) })
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, s := range specs {
		list.Content = append(list.Content, s.node(secrets))
	}
	doc := mapping("registry", textNode(registry), "webhooks", list)
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return text.Bytes(), enc.Close()
}

// node is one webhook in the file; what has its default is left out.
func (s hookSpec) node(secrets bool) *yaml.Node {
	uri := s.uri.Masked()
	if secrets {
		uri = s.uri.String()
	}
	actions := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, a := range s.actions {
		actions.Content = append(actions.Content, textNode(string(a)))
	}
	n := mapping("name", textNode(string(s.name)), "location", textNode(string(s.location)), "uri", textNode(literal(uri)), "actions", actions)
	if s.status != webhook.Enabled {
		n.Content = append(n.Content, textNode("status"), textNode(string(s.status)))
	}
	if scope := s.scope.String(); scope != "" {
		n.Content = append(n.Content, textNode("scope"), textNode(scope))
	}
	headers := s.masks()
	if secrets {
		headers = s.headers
	}
	addTexts(n, "headers", headers, literal)
	addTexts(n, "tags", s.tags, func(text string) string { return text })
	if d := s.delivery.node(); s.delivery.given && d != nil {
		n.Content = append(n.Content, textNode("delivery"), d)
	}
	return n
}

// addTexts adds a mapping of texts unless it is empty.
func addTexts(n *yaml.Node, key string, texts map[string]string, write func(string) string) {
	if len(texts) == 0 {
		return
	}
	inner := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		inner.Content = append(inner.Content, textNode(name), textNode(write(texts[name])))
	}
	n.Content = append(n.Content, textNode(key), inner)
}

// literal writes a text so that apply finds no variable in it.
func literal(text string) string { return strings.ReplaceAll(text, "${", "$${") }

// textNode is a text; the writer quotes it where it would read as something else.
func textNode(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}

func mapping(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, p := range pairs {
		switch p := p.(type) {
		case string:
			n.Content = append(n.Content, textNode(p))
		case *yaml.Node:
			n.Content = append(n.Content, p)
		}
	}
	return n
}
