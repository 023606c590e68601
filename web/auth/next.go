package auth

import (
	"regexp"
	"strings"
)

var localPath = regexp.MustCompile(`^/([A-Za-z0-9_-]+(/[A-Za-z0-9_.-]+)*)?(\?[A-Za-z0-9=&_.%-]*)?(#[A-Za-z0-9_-]*)?\z`)

// maxNext is the longest address a sign-in leads back to.
const maxNext = 512

// Next is where a form leads afterwards: an address of this server in its plainest form, else "/".
func Next(asked string) string {
	if len(asked) > maxNext || !localPath.MatchString(asked) {
		return "/"
	}
	path, _, _ := strings.Cut(asked, "?")
	path, _, _ = strings.Cut(path, "#")
	switch path {
	case "/sign-in", "/sign-out", "/logout":
		return "/"
	}
	return asked
}
