package post

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"dockbell/models/notice"
)

// office is a mail server that keeps what it is given.
type office struct {
	mu    sync.Mutex
	mails []parcel
	busy  bool // answers 451 to a mail
}

type parcel struct {
	user, from, to string
	encrypted      bool
	text           string
}

func (o *office) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &visit{o, parcel{encrypted: encrypted}}, nil
}

func (o *office) got() []parcel {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mails
}

type visit struct {
	*office
	parcel
}

func (v *visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "dock@bell" || password != "s3cret/words" {
			return smtp.ErrAuthFailed
		}
		v.user = user
		return nil
	}), nil
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	if from == "nobody@example.com" {
		return &smtp.SMTPError{Code: 553, Message: "not your address"}
	}
	v.from = from
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == "gone@example.com" {
		return &smtp.SMTPError{Code: 550, Message: "no such user"}
	}
	v.to = to
	return nil
}

func (v *visit) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.office.mu.Lock()
	defer v.office.mu.Unlock()
	if v.busy {
		return &smtp.SMTPError{Code: 451, Message: "try later"}
	}
	v.text = string(text)
	v.mails = append(v.mails, v.parcel)
	return nil
}

func (v *visit) Reset()        {}
func (v *visit) Logout() error { return nil }

// open starts the office, and gives the address and the certificate that it proves itself with.
func open(t *testing.T, o *office, how string) (address string, roots *x509.CertPool) {
	t.Helper()
	issuer := httptest.NewTLSServer(nil) // for a certificate of 127.0.0.1
	issuer.Close()
	roots = x509.NewCertPool()
	roots.AddCert(issuer.Certificate())
	s := smtp.NewServer(o)
	s.Domain, s.ReadTimeout, s.WriteTimeout = "mail.test", 10*time.Second, 10*time.Second
	config := &tls.Config{Certificates: issuer.TLS.Certificates}
	if how == "starttls" {
		s.TLSConfig = config
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	if how == "tls" {
		l = tls.NewListener(l, config)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return address, roots
}

func serverAt(t *testing.T, address string, roots *x509.CertPool) *Server {
	t.Helper()
	s, err := Parse(address, "Dockbell <dockbell@example.com>")
	if err != nil {
		t.Fatal(err)
	}
	s.Roots = roots
	s.Page = func(n notice.Notice) string { return "https://dock.example.com/" + string(n.Webhook) }
	s.Choice = func(n notice.Notice) string { return "https://dock.example.com/" + string(n.Registry) + "/notices" }
	return s
}

func aMail(to string) notice.Mail {
	return notice.Mail{ID: 7, To: to, Notice: notice.Notice{
		ID: 42, Registry: "acmereg", Webhook: "deployprod", Kind: notice.Failing, At: time.Date(2026, 11, 20, 9, 14, 7, 0, time.UTC), Sentence: "The receiver – ünwell – answered 503.\r\nBcc: evil@example.com",
	}}
}

// TestAMailArrives with TLS from the first byte, with STARTTLS and, where somebody says so, without; signed in where there is a password.
func TestAMailArrives(t *testing.T) {
	for how, address := range map[string]string{"tls": "smtps://dock%40bell:s3cret%2Fwords@", "starttls": "smtp://dock%40bell:s3cret%2Fwords@", "plain": "smtp://"} {
		t.Run(how, func(t *testing.T) {
			o := &office{}
			at, roots := open(t, o, how)
			if how == "plain" {
				at += "?tls=off"
			}
			s := serverAt(t, address+at, roots)
			for range 2 {
				if err := s.Send(t.Context(), aMail("ada@example.com")); err != nil {
					t.Fatal(err, errors.Unwrap(err))
				}
			}
			mails := o.got()
			if len(mails) != 2 {
				t.Fatalf("%d mails", len(mails))
			}
			p := mails[0]
			if p.from != "dockbell@example.com" || p.to != "ada@example.com" || p.encrypted != (how != "plain") || (p.user != "") != (how != "plain") {
				t.Errorf("the envelope: %+v", p)
			}
			reads(t, p.text)
			if id := messageOf(t, mails[1].text).Header.Get("Message-ID"); id != "<42.7.notice@example.com>" {
				t.Errorf("sent again it is %s", id)
			}
		})
	}
}

func messageOf(t *testing.T, text string) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// reads holds a mail to its headers and words.
func reads(t *testing.T, text string) {
	t.Helper()
	m := messageOf(t, text)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "[acmereg] The webhook deployprod began to fail" {
		t.Errorf("subject %q (%v)", subject, err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<42.7.notice@example.com>", "Auto-Submitted": "auto-generated", "From": `"Dockbell" <dockbell@example.com>`, "To": "<ada@example.com>", "Bcc": "",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The webhook deployprod began to fail.", "answered 503.", "https://dock.example.com/deployprod", "https://dock.example.com/acmereg/notices", "20 November 2026 09:14:07 UTC"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the text lacks %q:\n%s", want, body)
		}
	}
}

// TestWhyAMailWasNotTaken says so in words, and tells what may be tried again from what may not.
func TestWhyAMailWasNotTaken(t *testing.T) {
	o := &office{}
	encrypted, roots := open(t, o, "starttls")
	bare, _ := open(t, o, "plain")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct {
		address, from, to string
		roots             *x509.CertPool
		want              string
		final             bool
	}{
		"no such person":    {"smtp://" + encrypted, "a@example.com", "gone@example.com", roots, "refuses this recipient", true},
		"not its sender":    {"smtp://" + encrypted, "nobody@example.com", "ada@example.com", roots, "refuses the sender nobody@example.com", false},
		"a wrong password":  {"smtp://dock%40bell:wrong@" + encrypted, "a@example.com", "ada@example.com", roots, "refused the sign-in (535)", false},
		"unknown issuer":    {"smtp://" + encrypted, "a@example.com", "ada@example.com", x509.NewCertPool(), "certificate of the mail server 127.0.0.1 is not valid", false},
		"no STARTTLS":       {"smtp://" + bare, "a@example.com", "ada@example.com", roots, "offers no STARTTLS", false},
		"no TLS":            {"smtps://" + bare, "a@example.com", "ada@example.com", roots, "does not speak TLS", false},
		"password in clear": {"smtp://dock%40bell:s3cret%2Fwords@" + bare + "?tls=off", "a@example.com", "ada@example.com", roots, "offers no way to sign in", false},
		"nobody listens":    {"smtp://" + closed.Addr().String(), "a@example.com", "ada@example.com", roots, "refused the connection", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serverAt(t, c.address, c.roots)
			s.From.Address = c.from
			err := s.Send(t.Context(), aMail(c.to))
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, notice.ErrRefused) != c.final {
				t.Errorf("%v (final %t), want %q", err, errors.Is(err, notice.ErrRefused), c.want)
			}
			if err != nil && strings.Contains(err.Error(), "wrong") {
				t.Errorf("%v tells the password", err)
			}
		})
	}
	o.mu.Lock()
	o.busy = true
	o.mu.Unlock()
	err = serverAt(t, "smtp://"+encrypted, roots).Send(t.Context(), aMail("ada@example.com"))
	if err == nil || !strings.Contains(err.Error(), "(451)") || errors.Is(err, notice.ErrRefused) || len(o.got()) != 0 {
		t.Errorf("a busy server: %v, %d mails", err, len(o.got()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := serverAt(t, "smtp://"+encrypted, roots).Send(ctx, aMail("ada@example.com")); err == nil {
		t.Error("sent although nobody waits any more")
	}
}

func TestParse(t *testing.T) {
	for address, want := range map[string]Server{
		"smtp://mail.example.com":           {Host: "mail.example.com", Port: 587},
		"smtps://u:p%40ss@mail.example.com": {Host: "mail.example.com", Port: 465, Implicit: true, User: "u", Password: "p@ss"},
		"smtp://[::1]:25?tls=off":           {Host: "::1", Port: 25, Plain: true},
	} {
		s, err := Parse(address, "Dockbell <a@b.example>")
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		want.From = mail.Address{Name: "Dockbell", Address: "a@b.example"}
		s.Page, s.Choice = nil, nil
		if s.Host != want.Host || s.Port != want.Port || s.Implicit != want.Implicit || s.Plain != want.Plain || s.User != want.User || s.Password != want.Password || s.From != want.From {
			t.Errorf("%s: %+v", address, s)
		}
	}
	for _, bad := range [][2]string{
		{"mail.example.com:25", "a@b.example"}, {"http://mail.example.com", "a@b.example"}, {"smtp://", "a@b.example"}, {"smtp://m:0", "a@b.example"}, {"smtp://m:99999", "a@b.example"},
		{"smtp://m?tls=maybe", "a@b.example"}, {"smtps://m?tls=off", "a@b.example"}, {"smtp://m/path", "a@b.example"}, {"smtp://m", ""}, {"smtp://m", "nobody"},
	} {
		if s, err := Parse(bad[0], bad[1]); err == nil {
			t.Errorf("%q is read as %+v", bad, s)
		}
	}
}
