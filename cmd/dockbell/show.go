package main

import (
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the effective settings",
		Long:  "Prints every setting as it takes effect, as YAML that --config reads. Secrets are shown as ***.",
		Example: "  dockbell config\n" +
			"  DOCKBELL_WORKERS=8 dockbell config --data /var/lib/dockbell\n" +
			"  dockbell config > dockbell.yaml && dockbell serve --config dockbell.yaml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			return writeConfig(c.OutOrStdout(), cfg)
		},
	}
	addSettings(c)
	return c
}

// writeConfig writes the settings in their order, each with its help as a comment.
func writeConfig(out io.Writer, cfg Config) error {
	fields := reflect.ValueOf(cfg)
	doc := &yaml.Node{Kind: yaml.MappingNode}
	for i, s := range settings() {
		value := &yaml.Node{}
		if err := value.Encode(shown(fields.Field(i).Interface())); err != nil {
			return fmt.Errorf("%s: %w", s.env, err)
		}
		doc.Content = append(doc.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: s.key, HeadComment: s.help}, value)
	}
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return err
	}
	return enc.Close()
}

// shown is a field as the file would hold it; what hides itself as text stays hidden.
func shown(field any) any {
	switch f := field.(type) {
	case []netip.Prefix:
		list := []string{}
		for _, p := range f {
			list = append(list, p.String())
		}
		return list
	case slog.Level:
		return strings.ToLower(f.String())
	case encoding.TextMarshaler:
		if text, err := f.MarshalText(); err == nil {
			return string(text)
		}
	}
	return field
}
