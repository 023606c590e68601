package delivery

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// Facts are what a sentence about a failed attempt can name. None of them is a secret.
type Facts struct {
	Host        string // of the service URI, without port
	Port        string
	Address     string        // the address that was dialled or refused
	Timeout     time.Duration // the webhook's limit for one attempt
	Status      int
	StatusText  string
	RetryAfter  time.Duration // of a 429 or 503
	Location    string        // of a redirect
	CertExpires time.Time     // of the receiver's certificate
	CertNames   []string      // the names it is for
	Detail      string        // our own short word for a case inside a cause, such as "EOF"
}

// Details that change the sentence of a cause.
const (
	DetailClosed  = "EOF"           // the connection was closed before an answer
	DetailNotTLS  = "no TLS"        // the port answers, but does not speak TLS
	DetailNoName  = "no such name"  // the name does not exist
	DetailDNSTime = "DNS timeout"   // no answer from the name servers in time
	DetailNotYet  = "not yet valid" // the certificate begins in the future
	DetailOwnHost = "own secret"    // the signing secret cannot be read
)

// Sentence says in plain words why an attempt failed and what to do next; "" for no cause.
func Sentence(c Cause, f Facts) string {
	switch c {
	case "":
		return ""
	case CauseStatus, CauseRedirect:
		return answerSentence(c, f)
	case CauseTLS, CauseTLSExpired, CauseTLSName, CauseTLSAuthority, CauseTLSTimeout:
		return tlsSentence(c, f)
	case CauseDNS:
		return dnsSentence(f)
	case CauseInterrupted:
		return "Dockbell stopped while the request was under way, so its answer is not known. It is sent again as soon as Dockbell runs."
	case CauseInternal:
		return internalSentence(f)
	default:
		return networkSentence(c, f)
	}
}

func internalSentence(f Facts) string {
	if f.Detail == DetailOwnHost {
		return "The signing secret of this webhook cannot be used, so nothing was sent. Renew the secret on the webhook's page."
	}
	return "Something went wrong on our side, so nothing is known of the answer. It is tried again; if it stays, look into the server's log."
}

func networkSentence(c Cause, f Facts) string {
	where := place(f)
	switch c {
	case CauseRefused:
		return fmt.Sprintf("%s refused the connection on port %s. Check that the receiver is running and listens there.", f.Host, f.Port)
	case CauseUnreachable:
		return fmt.Sprintf("There is no route to %s. Check the address and the network or firewall between here and there.", where)
	case CauseReset:
		if f.Detail == DetailClosed {
			return fmt.Sprintf("%s closed the connection without an answer (EOF). Check the receiver's log for a crash, and that the port speaks %s.", f.Host, scheme(f))
		}
		return fmt.Sprintf("%s broke the connection off before it answered. Check the receiver's log and any proxy in front of it.", f.Host)
	case CauseConnectTimeout:
		return fmt.Sprintf("%s did not take the connection on port %s within %s. Check that the receiver is up and that no firewall drops the packets.", f.Host, f.Port, seconds(f.Timeout))
	case CauseAnswerTimeout:
		return fmt.Sprintf("%s took the request but did not answer within %s. Answer first and work afterwards, or raise the webhook's timeout.", f.Host, seconds(f.Timeout))
	case CauseBadAnswer:
		return fmt.Sprintf("%s answered something that is not HTTP. Check that port %s belongs to a web server and that http or https fits it.", f.Host, f.Port)
	case CauseTooLarge:
		return fmt.Sprintf("%s answered with more than 64 KiB of headers. Make the receiver send fewer or smaller headers.", f.Host)
	default: // CauseBlocked
		return blockedSentence(f)
	}
}

func blockedSentence(f Facts) string {
	if f.Detail != "" {
		return fmt.Sprintf("%s was not called. %s", f.Host, f.Detail)
	}
	return fmt.Sprintf("%s leads to %s, an address that may not be called. If it is meant, an owner can list its network under Settings > Allowed networks.", f.Host, f.Address)
}

func dnsSentence(f Facts) string {
	switch f.Detail {
	case DetailNoName:
		return fmt.Sprintf("The name %s does not exist. Check the spelling of the service URI and the name's DNS record.", f.Host)
	case DetailDNSTime:
		return fmt.Sprintf("The name %s could not be looked up within %s. Check that the name servers of this machine answer.", f.Host, seconds(f.Timeout))
	default:
		return fmt.Sprintf("The name %s could not be looked up. Check the name servers of this machine and the name's DNS record.", f.Host)
	}
}

func tlsSentence(c Cause, f Facts) string {
	switch {
	case c == CauseTLSTimeout:
		return fmt.Sprintf("%s did not finish the TLS handshake on port %s within %s. Check that the port speaks TLS and the receiver is not overloaded.", f.Host, f.Port, seconds(f.Timeout))
	case c == CauseTLSExpired && f.Detail == DetailNotYet:
		return fmt.Sprintf("The certificate of %s is not valid yet. Check the clocks of both machines, or install a certificate that is valid now.", f.Host)
	case c == CauseTLSExpired:
		return fmt.Sprintf("The certificate of %s expired on %s. Renew it.", f.Host, f.CertExpires.UTC().Format("2 January 2006"))
	case c == CauseTLSName:
		return fmt.Sprintf("The certificate of %s is for %s. Use that name in the service URI, or install a certificate for %s.", f.Host, names(f.CertNames), f.Host)
	case c == CauseTLSAuthority:
		return fmt.Sprintf("The certificate of %s is signed by an authority this machine does not know. Install the whole chain at the receiver, or add its authority to this machine.", f.Host)
	case f.Detail == DetailNotTLS:
		return fmt.Sprintf("%s does not speak TLS on port %s. Use http:// in the service URI, or the port of the https server.", f.Host, f.Port)
	default:
		return fmt.Sprintf("The TLS handshake with %s failed. Check that the receiver offers TLS 1.2 or later and sends a complete, valid certificate.", f.Host)
	}
}

// statusAdvice is the next step for answers with a meaning of their own.
var statusAdvice = map[int]string{
	400: "The receiver did not understand the body: check that it expects this payload format.",
	401: "The receiver wants other credentials: check the Authorization header or the user in the service URI.",
	403: "The receiver knows us but does not let us in: check its allow list and the rights of the credentials.",
	404: "Nothing is at this path: check the path of the service URI.",
	405: "This path does not take POST: check the path of the service URI.",
	406: "The receiver cannot answer in a way we would accept: check that it expects webhooks at this path.",
	408: "The receiver did not get the request in time: check its load and the network between.",
	409: "The receiver is in conflict with itself: look into its log.",
	411: "The receiver wants a length that a proxy took away: check the proxy in front of it.",
	413: "The body is too large for the receiver: raise its limit to at least 256 KiB.",
	415: "The receiver does not take this content type: choose another payload format or set a Content-Type header.",
	422: "The receiver refused the content: check that it expects this payload format, and read its answer below.",
	425: "The receiver is not ready yet: redeliver once it is.",
	431: "The receiver finds the headers too large: use fewer or shorter custom headers.",
	500: "The receiver failed inside: look into its log.",
	501: "The receiver does not know this kind of request: check the path of the service URI.",
	502: "A proxy in front of the receiver got no good answer from it: check that the receiver behind the proxy is running.",
	503: "The receiver is overloaded or down for maintenance: redeliver once it is back.",
	504: "A proxy in front of the receiver waited too long for it: check that the receiver answers quickly.",
	505: "The receiver does not speak HTTP/1.1: check the server or proxy at this address.",
	507: "The receiver has no space left: free some there.",
	511: "A network in between wants a sign-in first: check how this machine reaches the receiver.",
}

func answerSentence(c Cause, f Facts) string {
	answered := fmt.Sprintf("%s answered %s.", f.Host, strings.TrimSpace(fmt.Sprintf("%d %s", f.Status, f.StatusText)))
	switch {
	case c == CauseRedirect && f.Location != "":
		return fmt.Sprintf("%s Redirects are not followed: if it is right, use %s as the service URI.", answered, f.Location)
	case c == CauseRedirect:
		return answered + " Only an answer from 200 to 299 counts as delivered: make the receiver answer itself, without a redirect."
	case f.Status == statusGone:
		return answered + " It asks us to stop, so the webhook was disabled. Check the service URI, then enable it again."
	case pauseAfter(Attempt{Status: f.Status, RetryAfter: f.RetryAfter}) > 0:
		return fmt.Sprintf("%s It asks us to wait %s, so the whole webhook pauses that long. If that is too often, raise the receiver's limit.", answered, spell(f.RetryAfter))
	case f.Status == statusTooManyRequests:
		return answered + " We sent too much for it: raise the receiver's limit, or narrow the webhook's scope."
	case statusAdvice[f.Status] != "":
		return answered + " " + statusAdvice[f.Status]
	case f.Status >= 500 && f.Status <= 599:
		return answered + " The receiver failed inside: look into its log."
	case f.Status >= 400 && f.Status <= 499:
		return answered + " The receiver refused the request: read its answer below and check the service URI and the headers."
	default:
		return answered + " Only an answer from 200 to 299 counts as delivered: check what listens at this address."
	}
}

// place is where the connection went: the host with its port, and the address when it differs.
func place(f Facts) string {
	where := net.JoinHostPort(f.Host, f.Port)
	if f.Address == "" || f.Address == f.Host {
		return where
	}
	return where + " (" + f.Address + ")"
}

func scheme(f Facts) string {
	if f.Port == "443" || f.Port == "8443" {
		return "https"
	}
	return "HTTP"
}

func names(all []string) string {
	switch {
	case len(all) == 0:
		return "no name at all"
	case len(all) > 3:
		return strings.Join(all[:3], ", ") + " and others"
	default:
		return strings.Join(all, ", ")
	}
}

// seconds writes a limit as people say it.
func seconds(d time.Duration) string {
	if d == time.Second {
		return "1 second"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3g", d.Seconds()), ".0") + " seconds"
}

// spell writes a pause in its largest fitting unit.
func spell(d time.Duration) string {
	switch {
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	default:
		return seconds(d)
	}
}
