package artifact

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// MaxConfig is how much of an image's config blob is read, in bytes.
const MaxConfig = 4 << 20

// Config is what an image's config blob says of it (OCI image specification, config.md). It is the image's own word: nothing
// in it is checked.
type Config struct {
	OS, Architecture, Variant string
	Created                   time.Time
	Author                    string
	User, WorkingDir          string
	Entrypoint, Cmd, Env      []string
	Ports, Volumes            []string
	Labels                    map[string]string
	StopSignal                string
	History                   []HistoryStep
}

// HistoryStep is one step of an image's making.
type HistoryStep struct {
	Created   time.Time
	CreatedBy string
	Comment   string
	Empty     bool // it made no layer
}

// ParseConfig reads a config blob as far as it can be read; what is no config gives the zero value.
func ParseConfig(raw []byte) Config {
	var doc struct {
		OS           string     `json:"os"`
		Architecture string     `json:"architecture"`
		Variant      string     `json:"variant"`
		Created      *time.Time `json:"created"`
		Author       string     `json:"author"`
		Config       struct {
			User       string              `json:"User"`
			WorkingDir string              `json:"WorkingDir"`
			Entrypoint []string            `json:"Entrypoint"`
			Cmd        []string            `json:"Cmd"`
			Env        []string            `json:"Env"`
			Ports      map[string]struct{} `json:"ExposedPorts"`
			Volumes    map[string]struct{} `json:"Volumes"`
			Labels     map[string]string   `json:"Labels"`
			StopSignal string              `json:"StopSignal"`
		} `json:"config"`
		History []struct {
			Created   *time.Time `json:"created"`
			CreatedBy string     `json:"created_by"`
			Comment   string     `json:"comment"`
			Empty     bool       `json:"empty_layer"`
		} `json:"history"`
	}
	if json.Unmarshal(raw, &doc) != nil {
		return Config{}
	}
	c := Config{
		OS: doc.OS, Architecture: doc.Architecture, Variant: doc.Variant, Created: momentOf(doc.Created), Author: doc.Author,
		User: doc.Config.User, WorkingDir: doc.Config.WorkingDir, Entrypoint: doc.Config.Entrypoint, Cmd: doc.Config.Cmd, Env: doc.Config.Env,
		Ports: names(doc.Config.Ports), Volumes: names(doc.Config.Volumes), Labels: doc.Config.Labels, StopSignal: doc.Config.StopSignal,
	}
	for _, h := range doc.History {
		c.History = append(c.History, HistoryStep{momentOf(h.Created), h.CreatedBy, h.Comment, h.Empty})
	}
	return c
}

func momentOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// names are the keys of a set, in order.
func names(set map[string]struct{}) []string { return slices.Sorted(maps.Keys(set)) }
