package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// AnyCase is a Door whose addresses are compared without regard to case and may hold doubled slashes: Azure's clients
// lower-case what they take out of an address and put slashes behind what a user typed.
type AnyCase interface {
	AnyCase()
}

// folded brings addresses of doors that are AnyCase into the spelling of their routes, before the router compares them.
// Names in them, the parameters of a route, stay as they were typed.
func folded(doors Doors) echo.MiddlewareFunc {
	var tables []spelling
	for _, d := range doors {
		if _, ok := d.(AnyCase); ok {
			tables = append(tables, spellingOf(d))
		}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			for _, t := range tables {
				t.fold(c.Request())
			}
			return next(c)
		}
	}
}

// spelling is how a door writes its addresses, in segments.
type spelling struct {
	prefixes [][]string
	routes   [][]string
}

func spellingOf(d Door) spelling {
	var s spelling
	for _, p := range d.Prefixes() {
		s.prefixes = append(s.prefixes, segments(p))
	}
	for _, r := range d.Routes() {
		s.routes = append(s.routes, segments(r.Path))
	}
	return s
}

// segments are the parts of a path between its slashes; doubled slashes count once.
func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// fold rewrites the request's path when the door knows it, or when it is at least under one of its prefixes.
func (s spelling) fold(r *http.Request) {
	given := segments(r.URL.EscapedPath())
	under := longest(s.prefixes, given)
	if under == nil {
		return
	}
	written := append(append([]string{}, under...), given[len(under):]...)
	for _, route := range s.routes {
		if len(route) == len(given) && alike(route, given) {
			written = respelled(route, given)
			break
		}
	}
	path := "/" + strings.Join(written, "/")
	if plain, err := url.PathUnescape(path); err == nil {
		r.URL.Path, r.URL.RawPath = plain, ""
		if r.URL.EscapedPath() != path {
			r.URL.RawPath = path
		}
	}
}

// longest gives the longest of the prefixes that given begins with; nil for none.
func longest(prefixes [][]string, given []string) []string {
	var best []string
	for _, p := range prefixes {
		if len(p) > len(best) && len(p) <= len(given) && alike(p, given[:len(p)]) {
			best = p
		}
	}
	return best
}

// alike reports whether given has the words of route; a parameter stands for any word.
func alike(route, given []string) bool {
	for i, word := range route {
		if word[0] != ':' && !strings.EqualFold(word, given[i]) {
			return false
		}
	}
	return true
}

func respelled(route, given []string) []string {
	written := append([]string{}, given...)
	for i, word := range route {
		if word[0] != ':' {
			written[i] = word
		}
	}
	return written
}
