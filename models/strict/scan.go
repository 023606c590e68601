package strict

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// scanner reads JSON from front to back. It is our own because encoding/json's tokens cost several times as much, and every
// event that comes in is read by it.
type scanner struct {
	raw   []byte
	str   string // the same once more: texts and numbers are cut out of it
	at    int
	whole bool // refuse halves of surrogate pairs
}

func (s *scanner) broken() error { return bad("It is not valid JSON (byte %d).", s.at) }

// blank skips white space.
func (s *scanner) blank() {
	for s.at < len(s.raw) {
		switch s.raw[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next gives the next byte that is not white space, without taking it; 0 at the end.
func (s *scanner) next() byte {
	s.blank()
	if s.at == len(s.raw) {
		return 0
	}
	return s.raw[s.at]
}

func (s *scanner) value(depth int) (any, error) {
	switch c := s.next(); {
	case c == '{' || c == '[':
		if depth > MaxDepth {
			return nil, bad("It nests deeper than %d levels.", MaxDepth)
		}
		s.at++
		if c == '{' {
			return s.object(depth)
		}
		return s.list(depth)
	case c == '"':
		return s.text()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return true, s.word("true")
	case c == 'f':
		return false, s.word("false")
	case c == 'n':
		return nil, s.word("null")
	}
	return nil, s.broken()
}

func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.raw[s.at:], []byte(w)) {
		return s.broken()
	}
	s.at += len(w)
	return nil
}

func (s *scanner) object(depth int) (any, error) {
	o := Object{}
	if s.next() == '}' {
		s.at++
		return o, nil
	}
	for {
		if s.next() != '"' {
			return nil, s.broken()
		}
		name, err := s.text()
		if err != nil {
			return nil, err
		}
		if _, twice := o[name]; twice {
			return nil, bad("The name %.60q stands twice in one object.", name)
		}
		if s.next() != ':' {
			return nil, s.broken()
		}
		s.at++
		if o[name], err = s.value(depth + 1); err != nil {
			return nil, err
		}
		if more, err := s.more('}'); !more {
			return o, err
		}
	}
}

func (s *scanner) list(depth int) (any, error) {
	list := []any{}
	if s.next() == ']' {
		s.at++
		return list, nil
	}
	for {
		v, err := s.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if more, err := s.more(']'); !more {
			return list, err
		}
	}
}

// more takes a comma, or the end of the object or list.
func (s *scanner) more(end byte) (bool, error) {
	c := s.next()
	if c != ',' && c != end {
		return false, s.broken()
	}
	s.at++
	return c == ',', nil
}

// text reads a string. Most have no escapes and are cut out as they are.
func (s *scanner) text() (string, error) {
	s.at++
	begin := s.at
	for ; s.at < len(s.raw); s.at++ {
		switch c := s.raw[s.at]; {
		case c == '"':
			text := s.str[begin:s.at]
			s.at++
			return text, nil
		case c == '\\':
			return s.escaped(begin)
		case c < ' ':
			return "", s.broken()
		}
	}
	return "", s.broken()
}

// escaped reads on where the first escape stands.
func (s *scanner) escaped(begin int) (string, error) {
	out := append(make([]byte, 0, 2*(s.at-begin)+32), s.raw[begin:s.at]...)
	for s.at < len(s.raw) {
		c := s.raw[s.at]
		s.at++
		switch {
		case c == '"':
			return string(out), nil
		case c < ' ':
			return "", s.broken()
		case c != '\\':
			out = append(out, c)
			continue
		}
		if s.at == len(s.raw) {
			return "", s.broken()
		}
		c = s.raw[s.at]
		s.at++
		if c == 'u' {
			r, err := s.rune()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		plain := bytes.IndexByte([]byte(`"\/bfnrt`), c)
		if plain < 0 {
			return "", s.broken()
		}
		out = append(out, "\"\\/\b\f\n\r\t"[plain])
	}
	return "", s.broken()
}

// The halves of surrogate pairs.
const (
	high, low, beyond = 0xd800, 0xdc00, 0xe000
	pairs             = 0x10000 // the first character that needs a pair
)

// rune reads the digits of \u, and of the one behind it when both are a pair. A half alone is U+FFFD, as with encoding/json.
func (s *scanner) rune() (rune, error) {
	r, ok := s.hex()
	if !ok {
		return 0, s.broken()
	}
	if r < high || r >= beyond {
		return r, nil
	}
	if back := s.at; r < low && bytes.HasPrefix(s.raw[s.at:], []byte(`\u`)) {
		s.at += 2
		if second, ok := s.hex(); ok && second >= low && second < beyond {
			return (r-high)<<10 + (second - low) + pairs, nil
		}
		s.at = back
	}
	if s.whole {
		return 0, bad("A text in it holds half of a surrogate pair.")
	}
	return utf8.RuneError, nil
}

func (s *scanner) hex() (r rune, ok bool) {
	const digits = 4
	if len(s.raw)-s.at < digits {
		return 0, false
	}
	for _, c := range s.raw[s.at : s.at+digits] {
		r <<= 4
		switch {
		case c >= '0' && c <= '9':
			r |= rune(c - '0')
		case c >= 'a' && c <= 'f':
			r |= rune(c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			r |= rune(c - 'A' + 10)
		default:
			return 0, false
		}
	}
	s.at += digits
	return r, true
}

// number reads a number as it is written: -? int frac? exp?
func (s *scanner) number() (any, error) {
	begin := s.at
	s.one('-')
	if !s.one('0') && !s.digits() {
		return nil, s.broken()
	}
	if s.one('.') && !s.digits() {
		return nil, s.broken()
	}
	if s.one('e', 'E') {
		s.one('+', '-')
		if !s.digits() {
			return nil, s.broken()
		}
	}
	return json.Number(s.str[begin:s.at]), nil
}

// one takes one of the bytes.
func (s *scanner) one(of ...byte) bool {
	if s.at < len(s.raw) && bytes.IndexByte(of, s.raw[s.at]) >= 0 {
		s.at++
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.raw) && s.raw[s.at] >= '0' && s.raw[s.at] <= '9' {
		s.at++
	}
	return s.at > begin
}
