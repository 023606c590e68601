package webhook

// Scope limits a webhook to some repositories and tags. The zero Scope covers everything.
type Scope struct{ text string }

// String gives the scope as it was typed; "" covers everything.
func (s Scope) String() string { return s.text }
