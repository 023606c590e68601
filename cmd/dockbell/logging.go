package main

import (
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/term"
)

// newLog writes to a stream: text for somebody who reads along on a terminal, JSON lines for everything else.
func newLog(to io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: redacted}
	if isTerminal(to) {
		return slog.New(slog.NewTextHandler(to, options))
	}
	return slog.New(slog.NewJSONHandler(to, options))
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// secretKeys are names under which nothing is ever logged in clear.
var secretKeys = []string{"password", "secret", "token", "authorization", "cookie", "code", "key"}

// secretForms are our own secrets, wherever they turn up in a text: Bearer tokens, signing secrets, addresses of inboxes.
var secretForms = regexp.MustCompile(`dkb_[\w-]+|whsec_[\w+/=-]+|/inbox/[\w-]+`)

// redacted is the last net: rooms do not log secrets, and what slips through is hidden here.
func redacted(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindAny {
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(err.Error())
		}
	}
	if a.Value.Kind() != slog.KindString {
		return a
	}
	text := a.Value.String()
	switch {
	case slices.Contains(secretKeys, strings.ToLower(a.Key)):
		return slog.String(a.Key, Secret(text).String())
	case secretForms.MatchString(text):
		return slog.String(a.Key, secretForms.ReplaceAllStringFunc(text, hidden))
	}
	return a
}

// hidden keeps the beginning of a secret, which says what it was.
func hidden(secret string) string {
	for _, prefix := range []string{"dkb_", "whsec_", "/inbox/"} {
		if strings.HasPrefix(secret, prefix) {
			return prefix + "***"
		}
	}
	return "***"
}
