package store

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// micros is a time as the database keeps it: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment is the time that micros wrote, in UTC.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// flag is a switch as the database keeps it.
func flag(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// toJSON writes a list or map that came from our own types, which always can be written.
func toJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("store: " + err.Error()) // a type of this package, not a value, is wrong
	}
	return string(text)
}

// fromJSON reads what toJSON wrote; null and "" leave v as it is.
func fromJSON(text string, v any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

// plainText makes foreign text fit for both databases: valid UTF-8 without NUL.
func plainText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 { // as nearly all of it is
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// plainTexts does the same to every text of a list.
func plainTexts(list []string) []string {
	var all []string
	for _, s := range list {
		all = append(all, plainText(s))
	}
	return all
}
