package strict

import (
	"strings"
	"testing"

	"dockbell/models/fault"
)

func TestOneObjectThatEveryReaderUnderstandsAlike(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"b":{"a":[true,null,"x"]}}`: "",
		` {} ` + "\n":                       "",
		`{"a":1,"A":2}`:                     "", // other names to whoever compares with case
		``:                                  "not valid JSON",
		`{"a":1`:                            "not valid JSON",
		`{"a":}`:                            "not valid JSON",
		`{'a':1}`:                           "not valid JSON",
		`{"a":01}`:                          "not valid JSON",
		`[]`:                                "not a JSON object",
		`null`:                              "not a JSON object",
		`{}{}`:                              "behind the end",
		`{} x`:                              "behind the end",
		`{"a":1,"a":2}`:                     "stands twice",
		`{"x":{"a":1,"\u0061":2}}`:          "stands twice",
		"{\"a\":\"\xff\"}":                  "not valid UTF-8",
		`{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`: "",
		`{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`: "deeper than 32",
	} {
		_, err := Parse([]byte(text))
		if want == "" && err != nil || want != "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}]}`))
	f.Add([]byte(`{"a":"\ud800"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := Parse(raw); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", raw, err)
		}
	})
}
