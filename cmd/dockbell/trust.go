package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// settleTrust sees to it that the server's certificate is trusted. An unknown authority is shown once, on a terminal, with its
// fingerprint; a yes keeps it in the profile.
func (a *client) settleTrust(c *cobra.Command) error {
	err := a.reach(c.Context())
	var unknown x509.UnknownAuthorityError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &unknown) || !isTerminal(c.InOrStdin()):
		return unreachable(a.base, err)
	}
	text, ca, err := a.fetchCA(c.Context())
	if err != nil {
		return unreachable(a.base, unknown)
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s is certified by an authority that is not known here:\n\n  name     %s\n  until    %s\n  SHA-256  %s\n\n"+
		"Compare it with ca.pem in the server's data folder: openssl x509 -noout -fingerprint -sha256 -in ca.pem\n",
		a.base, printable(ca.Subject.String()), ca.NotAfter.Format("2006-01-02"), fingerprint(ca))
	if !confirm(c, "Trust it for this server?") {
		return errors.New("nothing was kept: the authority is not trusted")
	}
	p := a.session.profile
	p.CA = text
	roots, err := p.roots()
	if err != nil {
		return err
	}
	a.session.profile, a.http = p, newHTTP(roots)
	return unreachableIf(a.base.String(), a.reach(c.Context()))
}

func unreachableIf(base string, err error) error {
	if err != nil {
		return fmt.Errorf("the authority that %s offers at /ca.pem did not sign its certificate: %w", base, err)
	}
	return nil
}

// fetchCA reads the authority that the server offers. Nothing is believed yet: the user compares, and then the server's own
// certificate must be signed by it.
func (a *client) fetchCA(ctx context.Context) (text string, ca *x509.Certificate, err error) {
	blind := newHTTP(nil)
	if t, ok := blind.Transport.(*http.Transport); ok {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // only to show what is offered
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base.String()+"/ca.pem", nil)
	if err != nil {
		return "", nil, err
	}
	resp, err := blind.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return "", nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return "", nil, errors.New("there is no ca.pem")
	}
	ca, err = firstCertificate(body)
	if err != nil {
		return "", nil, err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})), ca, nil
}

// firstCertificate reads the first certificate of a PEM file.
func firstCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// fingerprint is written as openssl does, so that two can be compared by eye.
func fingerprint(ca *x509.Certificate) string {
	sum := sha256.Sum256(ca.Raw)
	var pairs []string
	for _, b := range sum {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return strings.Join(pairs, ":")
}

// confirm asks a question on the terminal; anything but a yes is a no.
func confirm(c *cobra.Command, question string) bool {
	fmt.Fprintf(c.ErrOrStderr(), "%s [y/N] ", question)
	answer, err := interruptible(c.Context(), func() (string, error) { return bufio.NewReader(c.InOrStdin()).ReadString('\n') })
	if err != nil {
		fmt.Fprintln(c.ErrOrStderr())
		return false
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// interruptible reads what a person types, until Ctrl-C: the signal ends ctx, but not a read.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type typed struct {
		what T
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		what, err := read()
		done <- typed{what, err}
	}()
	select {
	case got := <-done:
		return got.what, got.err
	case <-ctx.Done():
		var nothing T
		return nothing, ctx.Err()
	}
}
