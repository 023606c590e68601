package delivery

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// causes are all there are; TestEveryCauseIsHere holds the list to cause.go.
var causes = []Cause{
	CauseStatus, CauseRedirect, CauseDNS, CauseRefused, CauseUnreachable, CauseReset, CauseConnectTimeout, CauseTLSTimeout,
	CauseAnswerTimeout, CauseTLS, CauseTLSExpired, CauseTLSName, CauseTLSAuthority, CauseBadAnswer, CauseTooLarge,
	CauseBlocked, CauseInterrupted, CauseInternal,
}

var details = []string{"", DetailClosed, DetailNotTLS, DetailNoName, DetailDNSTime, DetailNotYet, DetailOwnHost}

func TestEveryCauseIsHere(t *testing.T) {
	for c := range causeWords {
		if !slices.Contains(causes, c) {
			t.Errorf("%s is not tested", c)
		}
	}
	for _, c := range causes {
		answer := c == CauseStatus || c == CauseRedirect // these show the code that came
		if (c.Word() == "") != answer {
			t.Errorf("%s is shown as %q", c, c.Word())
		}
		if strings.Contains(c.Word(), " ") && c != CauseBadAnswer && c != CauseTooLarge {
			t.Errorf("%s is shown as %q, which is more than a word", c, c.Word())
		}
		if timeout := strings.HasPrefix(string(c), "timeout-"); c.Timeout() != timeout || timeout != (c.Word() == "Timeout") {
			t.Errorf("%s: timeout %v, shown as %q", c, c.Timeout(), c.Word())
		}
	}
}

// TestEveryCauseHasASentence walks every cause with every detail, full of facts and without any.
func TestEveryCauseHasASentence(t *testing.T) {
	full := Facts{
		Host: "hooks.example.com", Port: "8443", Address: "192.0.2.7", Timeout: 10 * time.Second, Status: 500, StatusText: "Internal Server Error",
		RetryAfter: time.Minute, Location: "https://elsewhere.example.com/", CertExpires: noon, CertNames: []string{"a.example.com"},
	}
	for _, c := range causes {
		for _, detail := range details {
			for _, f := range []Facts{full, {Host: "hooks.example.com", Port: "443"}} {
				f.Detail = detail
				if c == CauseBlocked && detail != "" {
					f.Detail += " ends it." // the guard hands over a sentence of its own
				}
				s := Sentence(c, f)
				if len(s) < 30 || strings.Contains(s, "%!") || strings.Contains(s, "  ") || !strings.HasSuffix(s, ".") {
					t.Errorf("%s, %q: %q is no sentence", c, detail, s)
				}
				if c != CauseInternal && c != CauseInterrupted && !strings.Contains(s, f.Host) {
					t.Errorf("%s, %q: %q does not name the receiver", c, detail, s)
				}
			}
		}
	}
	if s := Sentence("", full); s != "" {
		t.Errorf("a success has the sentence %q", s)
	}
}

func TestSentencesSayWhatToDo(t *testing.T) {
	at := Facts{Host: "hooks.example.com", Port: "443", Timeout: 10 * time.Second}
	with := func(change func(*Facts)) Facts {
		f := at
		change(&f)
		return f
	}
	status := func(code int) Facts { return with(func(f *Facts) { f.Status = code }) }
	for _, c := range []struct {
		cause Cause
		facts Facts
		says  []string
	}{
		{CauseStatus, status(401), []string{"hooks.example.com answered 401.", "credentials"}},
		{CauseStatus, with(func(f *Facts) { f.Status, f.StatusText = 404, "Not Found" }), []string{"answered 404 Not Found.", "path of the service URI"}},
		{CauseStatus, status(410), []string{"webhook was disabled"}},
		{CauseStatus, status(418), []string{"refused the request"}},
		{CauseStatus, status(429), []string{"scope"}},
		{CauseStatus, with(func(f *Facts) { f.Status, f.RetryAfter = 429, 90*time.Second }), []string{"wait 90 seconds", "pauses"}},
		{CauseStatus, with(func(f *Facts) { f.Status, f.RetryAfter = 503, 10*time.Minute }), []string{"wait 10 minutes"}},
		{CauseStatus, with(func(f *Facts) { f.Status, f.RetryAfter = 503, 24*time.Hour }), []string{"wait 24 hours"}},
		{CauseStatus, with(func(f *Facts) { f.Status, f.RetryAfter = 503, time.Second }), []string{"wait 1 second,"}},
		{CauseStatus, status(503), []string{"redeliver"}},
		{CauseStatus, status(599), []string{"log"}},
		{CauseStatus, status(999), []string{"200 to 299"}},
		{CauseStatus, status(100), []string{"200 to 299"}},
		{CauseRedirect, with(func(f *Facts) { f.Status, f.Location = 302, "https://new.example.com/" }), []string{"not followed", "use https://new.example.com/"}},
		{CauseRedirect, status(304), []string{"without a redirect"}},
		{CauseDNS, with(func(f *Facts) { f.Detail = DetailNoName }), []string{"does not exist", "spelling"}},
		{CauseDNS, with(func(f *Facts) { f.Detail = DetailDNSTime }), []string{"within 10 seconds", "name servers"}},
		{CauseRefused, at, []string{"port 443", "running"}},
		{CauseUnreachable, with(func(f *Facts) { f.Address = "192.0.2.7" }), []string{"hooks.example.com:443 (192.0.2.7)"}},
		{CauseUnreachable, with(func(f *Facts) { f.Host, f.Address = "2001:db8::1", "2001:db8::1" }), []string{"[2001:db8::1]:443."}},
		{CauseReset, with(func(f *Facts) { f.Detail = DetailClosed }), []string{"EOF", "speaks https"}},
		{CauseReset, with(func(f *Facts) { f.Detail, f.Port = DetailClosed, "80" }), []string{"speaks HTTP"}},
		{CauseConnectTimeout, with(func(f *Facts) { f.Timeout = time.Second }), []string{"within 1 second.", "firewall"}},
		{CauseAnswerTimeout, with(func(f *Facts) { f.Timeout = 2500 * time.Millisecond }), []string{"within 2.5 seconds", "raise the webhook's timeout"}},
		{CauseTLSExpired, with(func(f *Facts) { f.CertExpires = noon }), []string{"24 November 2026", "Renew"}},
		{CauseTLSExpired, with(func(f *Facts) { f.Detail = DetailNotYet }), []string{"not valid yet", "clocks"}},
		{CauseTLSName, at, []string{"no name at all"}},
		{CauseTLSName, with(func(f *Facts) { f.CertNames = []string{"a", "b", "c", "d"} }), []string{"is for a, b, c and others"}},
		{CauseTLS, with(func(f *Facts) { f.Detail = DetailNotTLS }), []string{"http://"}},
		{CauseBlocked, with(func(f *Facts) { f.Address = "10.0.0.7" }), []string{"10.0.0.7", "Settings > Allowed networks"}},
		{CauseInternal, with(func(f *Facts) { f.Detail = DetailOwnHost }), []string{"signing secret", "Renew"}},
		{CauseInterrupted, at, []string{"Dockbell stopped", "sent again"}},
	} {
		s := Sentence(c.cause, c.facts)
		for _, part := range c.says {
			if !strings.Contains(s, part) {
				t.Errorf("%s %d: %q does not say %q", c.cause, c.facts.Status, s, part)
			}
		}
	}
}
