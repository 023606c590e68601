package webhook

import (
	"strings"

	"dockbell/models/fault"
)

// Limits of a webhook's name: Azure's.
const (
	MinName = 5
	MaxName = 50
)

// Name is a webhook's name: 5 to 50 ASCII letters and digits (Azure's rule), unique in its registry without regard to case.
type Name string

// ParseName checks a webhook's name; a bad one is a fault at field "name" that says what to change.
func ParseName(s string) (Name, error) {
	var odd []string
	for _, r := range s {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			continue
		}
		if q := "“" + string(r) + "”"; !strings.Contains(strings.Join(odd, " "), q) {
			odd = append(odd, q)
		}
	}
	switch {
	case s == "":
		return "", fault.In("name", "Enter a name of 5 to 50 letters and numbers.")
	case len(odd) > 0:
		return "", fault.In("name", "Use letters and numbers only: remove %s.", strings.Join(odd[:min(len(odd), 5)], " "))
	case len(s) < MinName:
		return "", fault.In("name", "Use at least 5 letters and numbers; this has %d.", len(s))
	case len(s) > MaxName:
		return "", fault.In("name", "Use at most 50 letters and numbers; this has %d.", len(s))
	}
	return Name(s), nil
}

// Key is the form in which names are compared and stored for uniqueness.
func (n Name) Key() string { return strings.ToLower(string(n)) }
