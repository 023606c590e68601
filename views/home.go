package views

import (
	"strings"

	"dockbell/static"
	"dockbell/views/ui"
)

func (h Home) webhooks() int {
	n := 0
	for _, r := range h.Registries {
		n += r.Webhooks
	}
	return n
}

// share is a percentage without its sign, for a figure that shows the sign as its unit.
func share(part, whole int) string { return strings.TrimSuffix(ui.Percent(part, whole), "%") }

func iconHref(name string) string { return static.Icon(name) }
