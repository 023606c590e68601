package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dockbell/models/account"
)

// loginFlags are the ways to sign in.
type loginFlags struct {
	clientID, clientSecret, token, ca string
	allowHTTP                         bool
}

func loginCommand() *cobra.Command {
	var flags loginFlags
	c := &cobra.Command{
		Use:   "login [URL] [--client-id ID | --token TOKEN]",
		Short: "Sign in to a server and keep the profile",
		Long: "Signs in to the server at URL and keeps the profile in the user's configuration folder, for that user alone.\n\n" +
			"Without further flags a code is shown, to be entered on a page of the server: nothing secret is typed here. Programs sign in with a client id and its secret, or with a token, as `dockbell token create` prints them; a secret given as - is read from stdin.\n\n" +
			"Scripts need no profile: they set " + envURL + " and " + envToken + ".",
		Example: "  dockbell login https://dockbell.example.com\n" +
			"  dockbell login https://localhost:8443 --ca ca.pem\n" +
			"  dockbell login https://dockbell.example.com --client-id 5f0c6d1e-8a0f-4b52-9a53-0f0f6f6f6f6f\n" +
			"  pass show dockbell/token | dockbell login https://dockbell.example.com --token -",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return login(c, flags, args) },
	}
	f := c.Flags()
	f.StringVar(&flags.clientID, "client-id", "", "client id of a token (a service principal)")
	f.StringVar(&flags.clientSecret, "client-secret", "", "its secret; - reads it from stdin, left out it is asked for")
	f.StringVar(&flags.token, "token", "", "a token as Bearer; - reads it from stdin")
	f.StringVar(&flags.ca, "ca", "", "PEM file of the authority that signed the server's certificate")
	f.BoolVar(&flags.allowHTTP, "allow-http", false, "let secrets travel in clear over http://, on a network you trust")
	c.MarkFlagsMutuallyExclusive("client-id", "token")
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}

func login(c *cobra.Command, flags loginFlags, args []string) error {
	p, err := newProfile(c, flags, args)
	if err != nil {
		return err
	}
	api, err := p.client(c, false)
	if err != nil {
		return err
	}
	if p.CA == "" && api.base.Scheme == "https" {
		if err := api.settleTrust(c); err != nil {
			return err
		}
	}
	if p.Token == "" && p.ClientID == "" {
		if err := api.signInByCode(c); err != nil {
			return err
		}
	}
	root, err := api.subscriptionPath(c.Context())
	if err != nil {
		return err
	}
	p = api.session.profile
	p.URL, p.Subscription = api.base.String(), strings.TrimPrefix(root, "/subscriptions/")
	if err := p.save(); err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "Signed in to %s.\n", p.URL)
	return nil
}

// newProfile puts together what the flags say and asks for what they leave out.
func newProfile(c *cobra.Command, flags loginFlags, args []string) (profile, error) {
	p := profile{ClientID: flags.clientID, ClientSecret: flags.clientSecret, Token: flags.token, AllowHTTP: flags.allowHTTP}
	switch {
	case flags.clientSecret != "" && flags.clientID == "":
		return p, usage("--client-secret needs --client-id beside it")
	case len(args) == 1:
		p.URL = args[0]
	case os.Getenv(envURL) != "":
		p.URL = os.Getenv(envURL)
	default:
		stored, err := loadProfile()
		if err != nil {
			return p, usage("name the server: dockbell login https://dockbell.example.com")
		}
		p.URL, p.CA, p.AllowHTTP = stored.URL, stored.CA, p.AllowHTTP || stored.AllowHTTP
	}
	if flags.ca != "" {
		text, err := os.ReadFile(flags.ca)
		if err != nil {
			return p, err
		}
		p.CA = string(text)
	}
	var err error
	if p.ClientID != "" && (p.ClientSecret == "" || p.ClientSecret == "-") {
		p.ClientSecret, err = readSecret(c, "Client secret: ")
	}
	if p.Token == "-" {
		p.Token, err = readSecret(c, "Token: ")
	}
	return p, err
}

// readSecret asks on a terminal without showing what is typed; otherwise the first line of stdin is the secret.
func readSecret(c *cobra.Command, question string) (string, error) {
	in := c.InOrStdin()
	if f, ok := in.(*os.File); ok && isTerminal(f) {
		return ask(c, f, question)
	}
	line, err := bufio.NewReader(io.LimitReader(in, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", usage("there is no secret on stdin")
	}
	return line, nil
}

// signInByCode lets a person sign in on a page of the server (RFC 8628).
func (a *client) signInByCode(c *cobra.Command) error {
	start, err := postForm(c.Context(), a.http, a.base, "/adfs/oauth2/devicecode", url.Values{"client_id": {account.CommandLine}, "scope": {a.base.String() + "//.default"}})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "Open %s and enter the code %s to sign in.\n", printable(pick(start, "verification_uri")), printable(pick(start, "user_code")))
	wait, err := time.ParseDuration(pick(start, "interval") + "s")
	if err != nil || wait <= 0 {
		wait = 5 * time.Second
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {account.CommandLine}, "device_code": {pick(start, "device_code")}}
	return a.awaitCode(c.Context(), form, wait)
}

// awaitCode asks until the code was entered, refused or forgotten.
func (a *client) awaitCode(ctx context.Context, form url.Values, wait time.Duration) error {
	defer a.progress.done()
	for {
		a.progress.say("Waiting for the code")
		if err := a.pause(ctx, wait); err != nil {
			return err
		}
		answer, err := postForm(ctx, a.http, a.base, "/adfs/oauth2/token", form)
		var pending *signInError
		switch {
		case err == nil:
			a.session.profile.take(answer, a.session.now())
			return nil
		case errors.As(err, &pending) && pending.code == "slow_down":
			wait += 5 * time.Second
		case errors.As(err, &pending) && pending.code == "authorization_pending":
		default:
			return err
		}
	}
}

func logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "logout",
		Short:   "Forget the profile of dockbell login",
		Long:    "Removes the profile with its secrets from this machine. A token goes on being valid for others who hold it: revoke it with `dockbell token revoke`, or in the portal.",
		Example: "  dockbell logout",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			had, err := forgetProfile()
			if err == nil && !had {
				fmt.Fprintln(c.ErrOrStderr(), "Nobody was signed in.")
			}
			return err
		},
	}
}

// reach asks for nothing but an answer, to see whether the server's certificate is trusted.
func (a *client) reach(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base.String()+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
