package main

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// The environment of scripts, which need no profile.
const (
	envURL   = "DOCKBELL_URL"
	envToken = "DOCKBELL_TOKEN"
)

// profile is what dockbell login keeps in the user's configuration folder, readable by that user alone: the server and how to
// sign in there. Either a token, or a client id with its secret, or what a sign-in by code gave.
type profile struct {
	URL          string    `json:"url"`
	CA           string    `json:"ca,omitempty"` // PEM of the authorities to trust; empty: the system's
	AllowHTTP    bool      `json:"allowHttp,omitempty"`
	Subscription string    `json:"subscription,omitempty"`
	Token        string    `json:"token,omitempty"`
	ClientID     string    `json:"clientId,omitempty"`
	ClientSecret string    `json:"clientSecret,omitempty"`
	RefreshToken string    `json:"refreshToken,omitempty"`
	AccessToken  string    `json:"accessToken,omitempty"`
	Expires      time.Time `json:"expires,omitzero"` // of the access token
}

// profilePath is where the profile lies.
func profilePath() (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for the profile: set HOME or XDG_CONFIG_HOME, or %s and %s instead of signing in", envURL, envToken)
	}
	return filepath.Join(folder, "dockbell", "profile.json"), nil
}

// loadProfile reads the profile; fs.ErrNotExist when nobody signed in. One that others can read is refused: it holds secrets.
func loadProfile() (profile, error) {
	path, err := profilePath()
	if err != nil {
		return profile{}, err
	}
	if err := refuseReadable(path); err != nil {
		return profile{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return profile{}, err
	}
	var p profile
	if err := json.Unmarshal(text, &p); err != nil {
		return profile{}, fmt.Errorf("%s cannot be read: sign in again with dockbell login", path)
	}
	return p, nil
}

// save writes the profile in one step, so that another command reads the old or the new one whole.
func (p profile) save() error {
	path, err := profilePath()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ") //nolint:gosec // the profile is where the secret is kept
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return writePrivate(path, append(text, '\n'))
}

// writePrivate replaces a file with one that only its owner reads.
func writePrivate(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".dockbell-*") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) //nolint:errcheck // the first error tells more
	}
	return err
}

// lockProfile lets one command at a time renew the tokens.
func lockProfile() (unlock func(), err error) {
	path, err := profilePath()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// forgetProfile removes the profile and reports whether there was one.
func forgetProfile() (bool, error) {
	path, err := profilePath()
	if err != nil {
		return false, err
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// parseServer reads the address of a server as people type it.
func parseServer(text string, allowHTTP bool) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, usage("%q is not the address of a server, such as https://dockbell.example.com", text)
	}
	if u.Scheme == "http" && !allowHTTP && !loopback(u.Hostname()) {
		return nil, usage("%s would carry secrets in clear: use https://, or sign in with dockbell login --allow-http where the network is trusted", text)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

// roots are the authorities that the profile trusts; nil is the system's list.
func (p profile) roots() (*x509.CertPool, error) {
	if p.CA == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(p.CA)) {
		return nil, errors.New("there is no certificate in the file of --ca, or it is not PEM")
	}
	return pool, nil
}

// effectiveProfile is the environment where it is set, else the profile of dockbell login.
func effectiveProfile() (p profile, kept bool, err error) {
	address, token := os.Getenv(envURL), os.Getenv(envToken)
	stored, err := loadProfile()
	switch {
	case address == "" && token == "":
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("nobody is signed in: run dockbell login https://dockbell.example.com, or set %s and %s", envURL, envToken)
		}
		return stored, true, err
	case token == "":
		return p, false, usage("%s needs %s beside it", envURL, envToken)
	case address == "" && err != nil:
		return p, false, usage("%s needs %s beside it", envToken, envURL)
	case address == "":
		address = stored.URL
	}
	p = profile{URL: address, Token: token}
	if err == nil && strings.TrimRight(address, "/") == stored.URL { // the same server: what is known about it holds
		p.CA, p.AllowHTTP = stored.CA, stored.AllowHTTP
	}
	return p, false, nil
}

// connect makes the client of one command.
func connect(c *cobra.Command) (*client, error) {
	p, kept, err := effectiveProfile()
	if err != nil {
		return nil, err
	}
	return p.client(c, kept)
}

// client speaks to the profile's server; kept says that new tokens are written back.
func (p profile) client(c *cobra.Command, kept bool) (*client, error) {
	base, err := parseServer(p.URL, p.AllowHTTP)
	if err != nil {
		return nil, err
	}
	roots, err := p.roots()
	if err != nil {
		return nil, err
	}
	return &client{
		base: base, http: newHTTP(roots), session: &session{base: base, profile: p, kept: kept, now: time.Now},
		command: strings.TrimPrefix(c.CommandPath(), "dockbell "), subscription: p.Subscription, progress: newProgress(c), pause: sleep,
	}, nil
}
