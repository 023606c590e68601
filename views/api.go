package views

import "strings"

// APIPath is the address of the page about the management API.
const APIPath = "/help/api"

// API is the management API as the page tells of it.
type API struct {
	About  []string // paragraphs
	Groups []APIGroup
}

// APIGroup is calls about one kind of thing.
type APIGroup struct {
	Title, About string
	Calls        []APICall
}

// APICall is one method of one address.
type APICall struct {
	Method, Path, Summary string
	Fields                []APIField // of its body
}

// APIField is one field of a body.
type APIField struct {
	Name, Type, About string
	Choices           []string
	Required          bool
}

// words say what a field takes.
func (f APIField) words() string {
	words := []string{f.Type}
	if len(f.Choices) > 0 {
		words = []string{strings.Join(f.Choices, ", ")}
		if f.Type == "list" {
			words[0] = "list of " + words[0]
		}
	}
	if f.Required {
		words = append(words, "required")
	}
	if f.About != "" {
		words = append(words, f.About)
	}
	return strings.Join(words, "; ")
}
