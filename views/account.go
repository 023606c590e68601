package views

import "dockbell/views/ui"

// shortcuts are the single keys and what they do.
var shortcuts = [][2]string{
	{"/", "Search"}, {"n", "Add"}, {"p", "Ping the selected or open webhook"}, {"r", "Refresh"},
	{"Esc", "Close panel, dialog or menu"}, {"?", "Show this list"},
}

func keysState(off bool) string {
	if off {
		return "Single keys are off; Esc still closes"
	}
	return "Single keys, ignored while you type"
}

func searchFacts(word string, n int) string {
	if word == "" {
		return "Type a word in the field above"
	}
	return ui.Plural(n, "result", "results") + " for “" + word + "”"
}
