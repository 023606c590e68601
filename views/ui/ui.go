// Package ui holds the parts every page is made of: buttons, fields, pills, charts. It knows nothing of registries.
package ui

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Action is one button or link: a link when Href is set, else a button of the form it stands in or names.
type Action struct {
	Text       string
	Icon       string // name in icons.svg without "i-"
	Href       string
	Form       string // id of the form it submits, when it stands outside
	FormAction string
	FormMethod string
	Name       string // name and value sent with the form
	Value      string
	Needs      string // "one" or "some" selected rows; off until then
	Keys       string // single-key shortcut
	Kind       string // "go" primary, "danger", "quiet", "risk" (red icon in a command bar); "" plain
	Small      bool
	Wide       bool
	Off        bool             // not possible now; stays focusable
	Label      string           // spoken name, when Text alone does not say enough
	Attrs      templ.Attributes // hx-* and the like
}

func (a Action) cmdClass() string {
	if a.Kind == "risk" {
		return "cmd risk"
	}
	return "cmd"
}

func (a Action) btnClass() string {
	class := "btn"
	if a.Kind != "" {
		class += " " + a.Kind
	}
	if a.Small {
		class += " small"
	}
	if a.Wide {
		class += " wide"
	}
	if a.Text == "" {
		class += " ico"
	}
	return class
}

// attrs are what buttons and links have in common; empty ones are left out.
func (a Action) attrs() templ.Attributes {
	all := templ.Attributes{}
	set := func(name, value string) {
		if value != "" {
			all[name] = value
		}
	}
	set("aria-keyshortcuts", a.Keys)
	set("data-needs", a.Needs)
	set("aria-label", a.Label)
	if a.Off || a.Needs != "" {
		all["aria-disabled"] = "true"
	}
	if a.Href == "" {
		set("form", a.Form)
		set("formaction", a.FormAction)
		set("formmethod", a.FormMethod)
		set("name", a.Name)
		set("value", a.Value)
	}
	for name, value := range a.Attrs {
		all[name] = value
	}
	return all
}

// Status is the class of an HTTP status or of an attempt without an answer.
func statusClass(code int) string {
	if code == 0 {
		return "http c0"
	}
	return "http c" + strconv.Itoa(code/100)
}

// class joins the classes whose condition holds.
func class(base string, more ...string) string {
	for _, m := range more {
		if m != "" {
			base += " " + m
		}
	}
	return strings.TrimSpace(base)
}

// Count writes n with thousands separated: 1,204.
func Count[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Plural writes a count with its noun: "1 webhook", "2 webhooks".
func Plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Bytes writes a size in binary units: 412 GiB.
func Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	size, u := float64(n), 0
	for size >= 1024 && u < len(units)-1 {
		size, u = size/1024, u+1
	}
	if size < 10 && u > 0 {
		return strings.TrimSuffix(strconv.FormatFloat(size, 'f', 1, 64), ".0") + " " + units[u]
	}
	return strconv.FormatFloat(size, 'f', 0, 64) + " " + units[u]
}

// Percent writes a share with one decimal, and 100 and 0 without: 99.2%; "–" when there is nothing to share.
func Percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	tenths := part * 1000 / whole // rounded down: 99.99% of success never reads as 100%
	if tenths%10 == 0 {
		return strconv.Itoa(tenths/10) + "%"
	}
	return strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10) + "%"
}

// Duration writes a time span the way people read it: <1 ms, 66 ms, 1.2 s, 38 s, 9 min, 2 h 5 min, 3 days.
func Duration(d time.Duration) string {
	switch {
	case d > 0 && d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
	case d < 99*time.Second:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 90*time.Minute:
		return strconv.Itoa(int(d.Minutes()+.5)) + " min"
	case d < 48*time.Hour:
		h, m := int(d.Hours()), int(d.Minutes())%60
		if m == 0 {
			return strconv.Itoa(h) + " h"
		}
		return strconv.Itoa(h) + " h " + strconv.Itoa(m) + " min"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + " days"
	}
}

// Until writes when something planned is due: "in 38 s", or "now" when that moment has passed.
func Until(t, now time.Time) string {
	if !t.After(now) {
		return "now"
	}
	return "in " + Duration(t.Sub(now))
}

// When writes a moment as short as it stays clear, in UTC: the time today, else the day, else with its year.
func When(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch {
	case t.IsZero():
		return "–"
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return t.Format("15:04:05")
	case t.Year() == now.Year():
		return t.Format("2 Jan 15:04")
	default:
		return t.Format("2 Jan 2006")
	}
}
