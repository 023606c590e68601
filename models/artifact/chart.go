package artifact

import (
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
