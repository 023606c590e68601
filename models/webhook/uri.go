package webhook

// URI is a checked service URI in its stored form; userinfo, if any, is a secret.
type URI struct{ clear string }

// String gives the URI in clear: for sending, sealing and getCallbackConfig alone.
func (u URI) String() string { return u.clear }
