// Package fault is the one type of refusal: a code for machines, a sentence for people and a cause for the log.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of refusal a fault is. web.StatusOf is the only place that turns it into an HTTP status.
type Code string

// The codes. Anything that is not a fault counts as Internal.
const (
	Invalid         Code = "invalid"         // the input breaks a rule; Field names the field
	NotFound        Code = "not_found"       // the thing is not there, or the caller may not know that it is
	Conflict        Code = "conflict"        // the name is taken, or somebody changed the thing meanwhile
	Unauthenticated Code = "unauthenticated" // nobody is signed in, or the credentials are wrong
	Forbidden       Code = "forbidden"       // signed in, but the role does not allow it
	LimitReached    Code = "limit_reached"   // a quota, size or rate limit; the message names it
	Gone            Code = "gone"            // it was there once and will not come back, such as a used set-up link
	Unavailable     Code = "unavailable"     // the database or disk cannot take it now; trying again may help
	Internal        Code = "internal"        // our own mistake; the message is generic, the cause is logged
)

// Error is a refusal. Message is a sentence that may be shown to anybody; Cause never leaves the log.
type Error struct {
	Code    Code
	Field   string // the input field it is about, in the form's spelling ("name", "serviceUri"); empty for the whole request
	Message string
	Cause   error
	Wait    time.Duration // when trying again makes sense; 0 says nothing about it
}

// Error gives the message, followed by the cause when there is one: for logs, not for answers.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a refusal with a sentence built as by fmt.Sprintf.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// In makes an Invalid refusal about one input field.
func In(field, format string, args ...any) *Error {
	return &Error{Code: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e that carries cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// After returns a copy of e that says when trying again makes sense: the Retry-After of its answer.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.Wait = wait
	return &c
}

// CodeOf gives the code of the first fault in err: Internal when there is none, "" for a nil error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var f *Error
	if errors.As(err, &f) {
		return f.Code
	}
	return Internal
}

// Is reports whether err is a fault with this code.
func Is(err error, code Code) bool { return CodeOf(err) == code }

// All gives every fault inside err in order, also of errors put together with errors.Join.
func All(err error) []*Error {
	if err == nil {
		return nil
	}
	if f, ok := err.(*Error); ok { //nolint:errorlint // it walks the tree itself, to find all and not the first
		return []*Error{f}
	}
	switch u := err.(type) { //nolint:errorlint // the same
	case interface{ Unwrap() []error }:
		var all []*Error
		for _, e := range u.Unwrap() {
			all = append(all, All(e)...)
		}
		return all
	case interface{ Unwrap() error }:
		return All(u.Unwrap())
	}
	return nil
}
