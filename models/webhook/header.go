package webhook

// Header is one custom header of a webhook; its value is a secret.
type Header struct{ Name, Value string }

// Headers are a webhook's custom headers in the order they were given.
type Headers []Header
