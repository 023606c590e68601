package artifact

import "strings"

// Glob reports whether a pattern matches the whole text, * for any text and ? for one character, in time that grows with their lengths' product at most.
func Glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t] && pattern[p] != '*'):
			p, t = p+1, t+1
		case p < len(pattern) && pattern[p] == '*':
			star, mark, p = p, t, p+1
		case star >= 0: // the last star takes one character more
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
