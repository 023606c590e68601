// Package post hands mails to a mail server: the way out to people who are told of notices.
package post

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"dockbell/models/notice"
)

// step bounds each step of speaking with a mail server.
const step = 15 * time.Second

// Server is a mail server, and what stands in its mails. It is named by whoever runs Dockbell, so that it may be anywhere: the allowed
// networks are about webhooks.
type Server struct {
	Host     string
	Port     int
	Implicit bool // TLS from the first byte; else the server must offer STARTTLS
	Plain    bool // no TLS at all
	User     string
	Password string
	From     mail.Address
	Roots    *x509.CertPool             // whom its certificate is to be signed by; nil: as the system says
	Page     func(notice.Notice) string // the page of the webhook that a notice is about
	Choice   func(notice.Notice) string // the page where the recipients are chosen
}

var _ notice.Post = (*Server)(nil)

// Parse reads the address of a mail server, smtp:// with STARTTLS or smtps://, and the sender of its mails. Errors complete the
// sentence "The setting ...".
func Parse(address, from string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return nil, errors.New("is not an address such as smtp://user:password@mail.example.com:587 or smtps://mail.example.com")
	}
	s := &Server{Host: u.Hostname(), Port: 587, Implicit: u.Scheme == "smtps"}
	if s.Implicit {
		s.Port = 465
	}
	if text := u.Port(); text != "" {
		if s.Port, err = strconv.Atoi(text); err != nil || s.Port < 1 || s.Port > 65535 {
			return nil, errors.New("has a port outside 1 to 65535")
		}
	}
	if u.User != nil {
		s.User = u.User.Username()
		s.Password, _ = u.User.Password()
	}
	switch u.RawQuery {
	case "":
	case "tls=off":
		s.Plain = true
		if s.Implicit {
			return nil, errors.New("says smtps and tls=off, which exclude each other")
		}
	default:
		return nil, errors.New("has something behind ? that is not tls=off")
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, errors.New("needs a sender: set DOCKBELL_SMTP_FROM to an address such as Dockbell <dockbell@example.com>")
	}
	s.From = *sender
	return s, nil
}

// Send hands a mail over. Its error has words for people.
func (s *Server) Send(ctx context.Context, m notice.Mail) error {
	msg, err := s.message(m)
	if err != nil {
		return &notice.Sentence{Words: "The address " + m.To + " cannot be written to.", Cause: errors.Join(notice.ErrRefused, err)}
	}
	client, err := gomail.NewClient(s.Host, s.options()...)
	if err != nil {
		return s.explain(err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return s.explain(err)
	}
	err = client.Send(msg)
	_ = client.Close() // the mail is with the server, or it is not: how they part changes nothing
	return s.explain(err)
}

func (s *Server) options() []gomail.Option {
	all := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(step), gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}),
	}
	switch {
	case s.Implicit:
		all = append(all, gomail.WithSSL())
	case s.Plain:
		all = append(all, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.User != "" {
		all = append(all, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	return all
}

// message writes the mail. A mail that is sent twice, because nobody knew whether it had arrived, has the same Message-ID: mail programs
// show it once.
func (s *Server) message(m notice.Mail) (*gomail.Msg, error) {
	msg, n := gomail.NewMsg(), m.Notice
	if err := errors.Join(msg.FromFormat(s.From.Name, s.From.Address), msg.To(m.To)); err != nil {
		return nil, err
	}
	msg.Subject("[" + string(n.Registry) + "] " + n.Title())
	msg.SetDate()
	if n.Kind == notice.Test {
		msg.SetMessageID()
	} else {
		_, domain, _ := strings.Cut(s.From.Address, "@")
		msg.SetMessageIDWithValue(fmt.Sprintf("%d.%d.notice@%s", n.ID, m.ID, domain))
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, s.text(n))
	return msg, nil
}

func (s *Server) text(n notice.Notice) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n\n%s\n\n", n.Title(), n.Text())
	fmt.Fprintf(&b, "Registry: %s\nTime: %s\n", n.Registry, notice.Written(n.At))
	if n.Kind != notice.Test && s.Page != nil {
		fmt.Fprintf(&b, "%s\n", s.Page(n))
	}
	if s.Choice != nil {
		fmt.Fprintf(&b, "\n-- \nSent by Dockbell, once per change. Who gets these mails is chosen at\n%s\n", s.Choice(n))
	}
	return b.String()
}
