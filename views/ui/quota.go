package ui

import "strconv"

// Quota is how much of a limit is used; Max 0 is no limit.
type Quota struct {
	Name, Text string
	Used, Max  int64
}

func (q Quota) max() string   { return strconv.FormatInt(q.Max, 10) }
func (q Quota) value() string { return strconv.FormatInt(q.Used, 10) }

// part is percent of the limit, with decimals for small limits: 80 % of 2 is 1.6.
func (q Quota) part(percent int) string {
	return strconv.FormatFloat(float64(q.Max)*float64(percent)/100, 'f', -1, 64)
}

func calloutIcon(kind string) string {
	switch kind {
	case "ok", "warn":
		return kind
	case "bad":
		return "err"
	default:
		return "info"
	}
}
