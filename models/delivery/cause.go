package delivery

// Cause says why an attempt failed: a closed list, stored and shown.
type Cause string

// The causes.
const (
	CauseStatus         Cause = "status"   // an answer other than 2xx
	CauseRedirect       Cause = "redirect" // 3xx: never followed
	CauseDNS            Cause = "dns"
	CauseRefused        Cause = "refused"
	CauseUnreachable    Cause = "unreachable"
	CauseReset          Cause = "reset"
	CauseConnectTimeout Cause = "timeout-connect"
	CauseTLSTimeout     Cause = "timeout-tls"
	CauseAnswerTimeout  Cause = "timeout-answer"
	CauseTLS            Cause = "tls" // handshake failed for another reason than those below
	CauseTLSExpired     Cause = "tls-certificate-expired"
	CauseTLSName        Cause = "tls-name"
	CauseTLSAuthority   Cause = "tls-unknown-authority"
	CauseBadAnswer      Cause = "bad-answer" // not HTTP
	CauseTooLarge       Cause = "too-large"  // headers over the limit
	CauseBlocked        Cause = "blocked-address"
	CauseInterrupted    Cause = "interrupted" // the process ended while the attempt was in flight
	CauseInternal       Cause = "internal"
)

var causeWords = map[Cause]string{
	CauseDNS: "DNS", CauseRefused: "Refused", CauseUnreachable: "Unreachable", CauseReset: "Reset",
	CauseConnectTimeout: "Timeout", CauseTLSTimeout: "Timeout", CauseAnswerTimeout: "Timeout",
	CauseTLS: "TLS", CauseTLSExpired: "TLS", CauseTLSName: "TLS", CauseTLSAuthority: "TLS",
	CauseBadAnswer: "Bad answer", CauseTooLarge: "Too large", CauseBlocked: "Blocked",
	CauseInterrupted: "Interrupted", CauseInternal: "Error",
}

// Word is the one word shown in the HTTP STATUS column when there was no answer.
func (c Cause) Word() string { return causeWords[c] }

// Dead reports whether no receiver was found: the name, the connection or the answer did not come.
func (c Cause) Dead() bool {
	switch c {
	case CauseDNS, CauseRefused, CauseUnreachable, CauseReset, CauseConnectTimeout, CauseTLSTimeout, CauseAnswerTimeout,
		CauseTLS, CauseTLSExpired, CauseTLSName, CauseTLSAuthority:
		return true
	}
	return false
}

// Timeout reports whether the attempt ran out of time; the Azure API lists it as 504.
func (c Cause) Timeout() bool {
	return c == CauseConnectTimeout || c == CauseTLSTimeout || c == CauseAnswerTimeout
}
