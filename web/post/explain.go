package post

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strings"
	"syscall"

	gomail "github.com/wneessen/go-mail"

	"dockbell/models/notice"
)

// explain gives an error its words for people, and marks what the server will never take.
func (s *Server) explain(err error) error {
	if err == nil {
		return nil
	}
	var sent *gomail.SendError
	if errors.As(err, &sent) {
		return s.explainSend(sent)
	}
	return &notice.Sentence{Words: s.words(err), Cause: err}
}

// explainSend explains a mail that a server which took the sign-in did not take.
func (s *Server) explainSend(err *gomail.SendError) error {
	code := err.ErrorCode()
	said := fmt.Sprintf("The mail server %s did not take the mail", s.Host)
	if code != 0 {
		said += fmt.Sprintf(" (%d)", code)
	}
	if code < 500 {
		return &notice.Sentence{Words: said + ". Look at its log if it stays so.", Cause: err}
	}
	switch err.Reason { //nolint:exhaustive // the others have no words of their own
	case gomail.ErrSMTPRcptTo:
		return &notice.Sentence{Words: said + ": it refuses this recipient. Check the address.", Cause: errors.Join(notice.ErrRefused, err)}
	case gomail.ErrSMTPMailFrom:
		return &notice.Sentence{Words: said + ": it refuses the sender " + s.From.Address + ". Check DOCKBELL_SMTP_FROM and what this account may send as.", Cause: err}
	default:
		return &notice.Sentence{Words: said + ". Look at its log.", Cause: err}
	}
}

// words explain an error before anything was sent.
func (s *Server) words(err error) string {
	var dns *net.DNSError
	var answer *textproto.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var slow net.Error
	where := net.JoinHostPort(s.Host, fmt.Sprint(s.Port))
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("The name of the mail server, %s, could not be looked up. Check DOCKBELL_SMTP_URL and the name servers of this machine.", s.Host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("The mail server refused the connection at %s. Check that it runs and listens there.", where)
	case errors.As(err, &certificate):
		return fmt.Sprintf("The certificate of the mail server %s is not valid here: %v.", s.Host, certificate.Err)
	case errors.As(err, &record):
		return fmt.Sprintf("The mail server does not speak TLS at %s. Use smtp:// for STARTTLS, or the port of smtps.", where)
	case errors.As(err, &answer):
		return s.answerWords(answer)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return fmt.Sprintf("The mail server at %s did not answer in time. Check the address, and that no firewall drops the packets.", where)
	case strings.Contains(err.Error(), "does not support STARTTLS"):
		return fmt.Sprintf("The mail server at %s offers no STARTTLS, so nothing was sent. Use smtps://, or add ?tls=off where the network in between is your own.", where)
	case errors.Is(err, gomail.ErrNoSupportedAuthDiscovered), strings.Contains(err.Error(), "SMTP AUTH"):
		return fmt.Sprintf("The mail server at %s offers no way to sign in that keeps the password secret. Leave user and password out, or use TLS.", where)
	default:
		return fmt.Sprintf("The mail server at %s could not be spoken with. Dockbell’s log says more.", where)
	}
}

func (s *Server) answerWords(answer *textproto.Error) string {
	switch answer.Code {
	case 530, 534, 535, 538:
		return fmt.Sprintf("The mail server %s refused the sign-in (%d). Check user and password in DOCKBELL_SMTP_URL.", s.Host, answer.Code)
	default:
		return fmt.Sprintf("The mail server %s answered %d before anything was sent. Look at its log.", s.Host, answer.Code)
	}
}
