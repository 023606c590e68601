package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
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

func TestValuesHoldWholeTexts(t *testing.T) {
	for text, want := range map[string]string{
		`["a", "\ud83d\ude00", "\\u0000"]`: "",
		`"\ud800"`:                         "surrogate",
		`"\ud800\u0041"`:                   "surrogate",
		`"\udc00\ud800"`:                   "surrogate",
		`{"\ud800x":1}`:                    "surrogate",
		`[1,]`:                             "not valid JSON",
		`"a` + "\n" + `"`:                  "not valid JSON",
	} {
		_, err := Value([]byte(text))
		if want == "" && err != nil || want != "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// FuzzAsEncodingJSON: what is taken means the same to encoding/json, and what is refused it refuses too, or it breaks a rule of ours.
func FuzzAsEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,{"b":null}],"c":"\u00e9\ud83d\ude00\ud800\n"}`, `"\ud800\ud800\udc00"`, ` [ true , false ] `, `01`, `1.`, `-`, `"\x"`, `tru`, `{"a":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := parse(raw, false)
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var want any
		theirs := dec.Decode(&want)
		if theirs == nil {
			if _, more := dec.Token(); !errors.Is(more, io.EOF) {
				theirs = errors.New("more")
			}
		}
		switch {
		case err == nil && theirs != nil:
			t.Errorf("%q is taken, and encoding/json says %v", raw, theirs)
		case err == nil && !reflect.DeepEqual(plain(got), want):
			t.Errorf("%q is read as %#v, want %#v", raw, plain(got), want)
		case err != nil && theirs == nil && strings.Contains(err.Error(), "not valid JSON"):
			t.Errorf("%q is refused: %v", raw, err)
		}
	})
}

// plain gives objects the type that encoding/json makes.
func plain(v any) any {
	switch v := v.(type) {
	case Object:
		m := map[string]any{}
		for name, child := range v {
			m[name] = plain(child)
		}
		return m
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}
