package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dockbell/models/keeping"
)

// isSetting marks a flag that is a setting, and not a command's own with the same name.
const isSetting = "dockbell setting"

// addSettings gives a command a flag for each of the named settings, or for every setting when none is named.
func addSettings(c *cobra.Command, only ...string) {
	for _, s := range settings() {
		if len(only) > 0 && !slices.Contains(only, s.flag) {
			continue
		}
		help := s.help
		if s.def != "" {
			help += " (default " + s.def + ")"
		}
		c.Flags().String(s.flag, "", help)
		f := c.Flags().Lookup(s.flag)
		f.DefValue, f.Annotations = "", map[string][]string{isSetting: nil}
	}
}

// loadConfig reads the settings for a command: flag before environment before file before default.
func loadConfig(c *cobra.Command) (Config, error) {
	k := koanf.New(".")
	for _, s := range settings() {
		if err := k.Set(s.key, s.def); err != nil {
			return Config{}, err
		}
	}
	if path, err := c.Flags().GetString("config"); err == nil && path != "" {
		if err := loadFile(k, path); err != nil {
			return Config{}, err
		}
	}
	if err := k.Load(env.Provider(".", env.Opt{Prefix: "DOCKBELL_", TransformFunc: func(name, value string) (string, any) {
		return strings.ToLower(strings.TrimPrefix(name, "DOCKBELL_")), value
	}}), nil); err != nil {
		return Config{}, err
	}
	changed := posflag.ProviderWithFlag(c.Flags(), ".", k, func(f *pflag.Flag) (string, any) {
		if _, setting := f.Annotations[isSetting]; !setting || !f.Changed {
			return "", nil
		}
		return strings.ReplaceAll(f.Name, "-", "_"), f.Value.String()
	})
	if err := k.Load(changed, nil); err != nil {
		return Config{}, err
	}
	return readConfig(k)
}

// loadFile reads the YAML file. A key that is no setting is refused: a misspelt setting must not be silently without effect.
func loadFile(k *koanf.Koanf, path string) error {
	content := koanf.New(".")
	if err := content.Load(file.Provider(path), yaml.Parser()); err != nil {
		return badSetting{"--config", path, "cannot be read: " + err.Error()}
	}
	for _, key := range slices.Sorted(slices.Values(content.Keys())) {
		if !slices.ContainsFunc(settings(), func(s setting) bool { return s.key == key }) {
			return badSetting{"--config", path, fmt.Sprintf("has the key %q, which is no setting", key)}
		}
	}
	return k.Merge(content)
}

// readConfig reads every setting's text into its field.
func readConfig(k *koanf.Koanf) (Config, error) {
	var c Config
	fields := reflect.ValueOf(&c).Elem()
	for i, s := range settings() {
		if err := readField(fields.Field(i).Addr().Interface(), textOf(k, s.key)); err != nil {
			return Config{}, badSetting{s.env, textOf(k, s.key), err.Error()}
		}
	}
	err := c.settle()
	return c, err
}

// textOf gives a setting as one text; a YAML list becomes the comma separated list that the environment would hold.
func textOf(k *koanf.Koanf, key string) string {
	if list, ok := k.Get(key).([]any); ok {
		var parts []string
		for _, x := range list {
			parts = append(parts, fmt.Sprint(x))
		}
		return strings.Join(parts, ",")
	}
	return strings.TrimSpace(k.String(key))
}

// readField reads text into a field by the field's type; its errors complete the sentence "NAME=text ...".
func readField(field any, text string) error {
	var err error
	switch f := field.(type) {
	case *string:
		*f = text
	case *Secret:
		*f = Secret(text)
	case *DSN:
		*f = DSN(text)
	case *[]string:
		*f = words(text)
	case *Days:
		*f = Days(text)
		if _, wrong := keeping.ParseDays("", text); wrong != nil && text != "" {
			return fmt.Errorf("is neither a number of days from %d to %d nor 0", keeping.Least, keeping.Most)
		}
	case *int:
		if *f, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("is not a number")
		}
	case *slog.Level:
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, text) || f.UnmarshalText([]byte(text)) != nil {
			return fmt.Errorf("is none of debug, info, warn and error")
		}
	case *[]netip.Prefix:
		*f, err = prefixes(text)
	default:
		return fmt.Errorf("has the type %T, which no setting can have", field)
	}
	return err
}

// prefixes reads a list of CIDRs; a bare address stands for itself.
func prefixes(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range words(text) {
		p, err := netip.ParsePrefix(word)
		if addr, bare := netip.ParseAddr(word); bare == nil && addr.Zone() == "" {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("holds %q, which is not a network such as 10.0.0.0/8", word)
		}
		if p != p.Masked() {
			return nil, fmt.Errorf("holds %q, which has bits beyond its length: did you mean %s?", word, p.Masked())
		}
		all = append(all, p)
	}
	return all, nil
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}
