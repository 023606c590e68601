package webhook

import (
	"regexp"
	"strings"

	"dockbell/models/fault"
)

// Name is a webhook's name: 5 to 50 ASCII letters and digits (Azure's rule), unique in its registry without regard to case.
type Name string

var nameRule = regexp.MustCompile(`^[A-Za-z0-9]{5,50}\z`)

// ParseName checks a webhook's name; a bad one is a fault at field "name".
func ParseName(s string) (Name, error) {
	if !nameRule.MatchString(s) {
		return "", fault.In("name", "A webhook name has 5 to 50 letters and digits, nothing else.")
	}
	return Name(s), nil
}

// Key is the form in which names are compared and stored for uniqueness.
func (n Name) Key() string { return strings.ToLower(string(n)) }
