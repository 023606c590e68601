package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"dockbell/models/fault"
)

// posted reads the form of a POST. Text that no database keeps (NUL, bytes that are not UTF-8) no form of ours sends.
func posted(c echo.Context) (url.Values, error) {
	r := c.Request()
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, err
		}
		return nil, fault.New(fault.Invalid, "The form could not be read.").Because(err)
	}
	for _, values := range r.PostForm {
		for _, v := range values {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return nil, fault.New(fault.Invalid, "The form holds characters that are not text.")
			}
		}
	}
	return r.PostForm, nil
}

// asked is a word of the address, as text that a database takes.
func asked(c echo.Context, name string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(c.QueryParam(name), "\x00", ""), ""))
}

// confirmed reads the word that has to be typed before something goes for good; refused says what is wrong with it.
func confirmed(c echo.Context, word string) (typed, refused string) {
	typed = c.FormValue("confirm")
	if strings.TrimSpace(typed) != word {
		refused = "Type " + word + " exactly as it is written. Nothing was deleted."
	}
	return typed, refused
}
