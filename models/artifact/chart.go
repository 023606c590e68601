package artifact

import (
	"encoding/json"
	"strings"
	"unicode"

	"dockbell/models/fault"
)

// MaxChartConfig is the largest config blob of a Helm chart that is read, in bytes.
const MaxChartConfig = 1 << 20

// maxChartWord is the longest name or version of a chart, in bytes.
const maxChartWord = 255

// ParseChartConfig reads the config blob of a Helm chart: its Chart.yaml as JSON. A config without name and version is
// Invalid at field "manifest", because nobody could be told which chart it is.
func ParseChartConfig(raw []byte) (ChartInfo, error) {
	if len(raw) > MaxChartConfig {
		return ChartInfo{}, bad("The chart’s config blob has more than %d KiB.", MaxChartConfig>>10)
	}
	o, err := parseObject(raw)
	if err != nil {
		return ChartInfo{}, fault.In("manifest", "The chart’s config blob is refused: %s", err.Error())
	}
	var info ChartInfo
	for name, to := range map[string]*string{"name": &info.Name, "version": &info.Version} {
		s, _ := o[name].(string)
		if s == "" || len(s) > maxChartWord || strings.ContainsFunc(s, unicode.IsControl) {
			return ChartInfo{}, bad("The chart’s config blob has no valid %s.", name)
		}
		*to = s
	}
	return info, nil
}

// ChartFile is what a chart says of itself, for people: its Chart.yaml as JSON. Nothing in it is checked.
type ChartFile struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	AppVersion  string   `json:"appVersion"`
	Type        string   `json:"type"`
	KubeVersion string   `json:"kubeVersion"`
	Description string   `json:"description"`
	Home        string   `json:"home"`
	Keywords    []string `json:"keywords"`
	Sources     []string `json:"sources"`
	Deprecated  bool     `json:"deprecated"`
	Maintainers []struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"maintainers"`
	Dependencies []struct {
		Name       string `json:"name"`
		Version    string `json:"version"`
		Repository string `json:"repository"`
	} `json:"dependencies"`
}

// ParseChartFile reads a chart's config blob as far as it can be read; what is none gives the zero value.
func ParseChartFile(raw []byte) ChartFile {
	var c ChartFile
	if json.Unmarshal(raw, &c) != nil {
		return ChartFile{}
	}
	return c
}
