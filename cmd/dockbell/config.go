package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"dockbell/models/blobs"
	"dockbell/models/registry"
	"dockbell/web/post"
)

// Config is the only list of settings. Each comes from the flag and the YAML key that its env name gives (DOCKBELL_PUBLIC_URL:
// --public-url, public_url), from the environment, or is the default. A field's type says how its text is read (settings.go).
type Config struct {
	Listen          string         `env:"DOCKBELL_LISTEN" default:"127.0.0.1:8080" help:"address of the portal, the registry and every other door, over plain HTTP"`
	ListenTLS       string         `env:"DOCKBELL_LISTEN_TLS" default:"" help:"the same doors over HTTPS, such as 127.0.0.1:8443; az and the Azure SDKs need it"`
	TLS             string         `env:"DOCKBELL_TLS" default:"self" help:"where the certificate comes from: self (an own CA, handed out at /ca.pem), files, or acme (Let's Encrypt, whose terms you accept with it)"`
	TLSCert         string         `env:"DOCKBELL_TLS_CERT" default:"" help:"file with the certificate and the chain behind it, in PEM, for files"`
	TLSKey          string         `env:"DOCKBELL_TLS_KEY" default:"" help:"file with the certificate's key, in PEM, for files; both are read again when they change"`
	ACMEDirectory   string         `env:"DOCKBELL_ACME_DIRECTORY" default:"" help:"where another CA than Let's Encrypt is asked by ACME, such as your own step-ca; the system has to trust it"`
	ListenMetrics   string         `env:"DOCKBELL_LISTEN_METRICS" default:"" help:"a listener of its own for /metrics without a token, such as 127.0.0.1:9090"`
	PublicURL       string         `env:"DOCKBELL_PUBLIC_URL" default:"" help:"base of every absolute link and of the login server; empty: from the listener"`
	Data            string         `env:"DOCKBELL_DATA" default:"./data" help:"folder of the database, the layers and the keys; made for its owner alone"`
	Database        DSN            `env:"DOCKBELL_DATABASE" default:"" help:"SQLite file, or postgres://... for several machines; empty: dockbell.db in the data folder"`
	Blobs           string         `env:"DOCKBELL_BLOBS" default:"" help:"bucket of the layers, for several machines: s3://..., azblob://... or gs://...; empty: files in the data folder"`
	AllowedNetworks []netip.Prefix `env:"DOCKBELL_ALLOWED_NETWORKS" default:"" help:"networks beyond public addresses to which webhooks may be sent, as a list of CIDRs"`
	Owner           string         `env:"DOCKBELL_OWNER" default:"" help:"name of the first owner, made at the start while there is none"`
	OwnerPassword   Secret         `env:"DOCKBELL_OWNER_PASSWORD" default:"" help:"password of the first owner"`
	Registries      []string       `env:"DOCKBELL_REGISTRIES" default:"mycontainerregistry" help:"names of the built-in registries made at the first start"`
	Location        string         `env:"DOCKBELL_LOCATION" default:"local" help:"name of the home location of registries made here"`
	Workers         int            `env:"DOCKBELL_WORKERS" default:"64" help:"deliveries in flight, 1 to 4096"`
	KeyFile         string         `env:"DOCKBELL_KEY_FILE" default:"" help:"file with the key that seals stored secrets; empty: key in the data folder"`
	TrustedProxies  []netip.Prefix `env:"DOCKBELL_TRUSTED_PROXIES" default:"" help:"CIDRs of the proxies whose X-Forwarded-* headers are believed"`
	KeepHistory     Days           `env:"DOCKBELL_KEEP_HISTORY" default:"" help:"days that events, deliveries, payloads and attempts are kept, 7 to 3650, 0: for ever; empty: as the portal says, 30 at first"`
	KeepCounters    Days           `env:"DOCKBELL_KEEP_COUNTERS" default:"" help:"days that the hourly figures behind the charts are kept; empty: as the portal says, 400 at first"`
	KeepAudit       Days           `env:"DOCKBELL_KEEP_AUDIT" default:"" help:"days that the audit log is kept; empty: as the portal says, 400 at first"`
	KeepInbox       Days           `env:"DOCKBELL_KEEP_INBOX" default:"" help:"days that requests to inboxes are kept; empty: as the portal says, 30 at first"`
	SMTPURL         DSN            `env:"DOCKBELL_SMTP_URL" default:"" help:"mail server for notices: smtp://user:password@mail.example.com (STARTTLS on port 587, or ?tls=off) or smtps://...; empty: nothing is mailed"`
	SMTPFrom        string         `env:"DOCKBELL_SMTP_FROM" default:"" help:"sender of those mails, such as Dockbell <dockbell@example.com>"`
	Log             slog.Level     `env:"DOCKBELL_LOG" default:"info" help:"debug, info, warn or error; JSON lines when stderr is not a terminal"`
}

// Secret is a setting that no output shows: it prints as three stars wherever it is printed.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides it from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides it from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides it from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Days is a number of days as text; empty leaves it to the portal.
type Days string

// DSN names a database or a mail server; the password in it is a secret, the rest is not.
type DSN string

// String gives the name with its password as three stars.
func (d DSN) String() string {
	u, err := url.Parse(string(d))
	if err != nil {
		return "***"
	}
	if query := u.Query(); query.Has("password") {
		query.Set("password", "***")
		u.RawQuery = query.Encode()
	}
	if _, has := u.User.Password(); has {
		return strings.Replace(u.Redacted(), ":xxxxx@", ":***@", 1)
	}
	if u.Scheme == "" {
		return string(d)
	}
	return u.String()
}

// GoString hides the password from %#v.
func (d DSN) GoString() string { return d.String() }

// LogValue hides the password from logs.
func (d DSN) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText hides the password from JSON and YAML.
func (d DSN) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Postgres reports whether the database is a PostgreSQL server and not a file.
func (d DSN) Postgres() bool {
	return strings.HasPrefix(string(d), "postgres://") || strings.HasPrefix(string(d), "postgresql://")
}

// badSetting is a setting with a value that cannot be used; it names the setting as the environment does.
type badSetting struct{ env, text, why string }

// Error names the setting and says what it takes.
func (b badSetting) Error() string {
	if b.text == "" {
		return fmt.Sprintf("%s %s", b.env, b.why)
	}
	return fmt.Sprintf("%s=%s %s", b.env, b.text, b.why)
}

// settle fills in what depends on other settings and checks what a field's type does not say.
func (c *Config) settle() error {
	if c.Data == "" {
		return badSetting{"DOCKBELL_DATA", "", "needs a folder"}
	}
	if c.Database == "" {
		c.Database = DSN(filepath.Join(c.Data, "dockbell.db"))
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "key")
	}
	if c.Workers < 1 || c.Workers > 4096 {
		return badSetting{"DOCKBELL_WORKERS", fmt.Sprint(c.Workers), "is not a number from 1 to 4096"}
	}
	if (c.Owner == "") != (c.OwnerPassword == "") {
		return badSetting{"DOCKBELL_OWNER", "", "and DOCKBELL_OWNER_PASSWORD belong together: set both or none"}
	}
	if c.OwnerPassword == "***" {
		return badSetting{"DOCKBELL_OWNER_PASSWORD", "", "is the three stars that dockbell config prints in place of a password"}
	}
	if strings.Contains(string(c.Database), "://") && !c.Database.Postgres() {
		return badSetting{"DOCKBELL_DATABASE", c.Database.String(), "is neither a file nor a postgres:// address"}
	}
	if c.Blobs != "" && !slices.ContainsFunc(blobs.Schemes, func(s string) bool { return strings.HasPrefix(c.Blobs, s+"://") }) {
		return badSetting{"DOCKBELL_BLOBS", c.Blobs, "is none of s3://..., azblob://... and gs://..."}
	}
	if _, err := c.mailServer(); err != nil {
		return err
	}
	return c.settleNames()
}

// mailServer is the one that the settings name; nil when they name none.
func (c *Config) mailServer() (*post.Server, error) {
	if c.SMTPURL == "" {
		return nil, nil
	}
	s, err := post.Parse(string(c.SMTPURL), c.SMTPFrom)
	switch {
	case err != nil:
		return nil, badSetting{"DOCKBELL_SMTP_URL", c.SMTPURL.String(), err.Error()}
	case s.Password == "***":
		return nil, badSetting{"DOCKBELL_SMTP_URL", "", "holds the three stars that dockbell config prints in place of a password"}
	}
	return s, nil
}

func (c *Config) settleNames() error {
	for env, addr := range map[string]string{"DOCKBELL_LISTEN": c.Listen, "DOCKBELL_LISTEN_TLS": c.ListenTLS, "DOCKBELL_LISTEN_METRICS": c.ListenMetrics} {
		if _, _, err := net.SplitHostPort(addr); err != nil && (addr != "" || env == "DOCKBELL_LISTEN") {
			return badSetting{env, addr, "is not an address such as 127.0.0.1:8080"}
		}
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			return badSetting{"DOCKBELL_PUBLIC_URL", c.PublicURL, "is not an address such as https://dockbell.example.com, without a path"}
		}
		c.PublicURL = u.Scheme + "://" + u.Host
	}
	if len(c.Registries) == 0 {
		return badSetting{"DOCKBELL_REGISTRIES", "", "needs at least one name"}
	}
	for _, name := range c.Registries {
		if _, err := registry.ParseName(name); err != nil {
			return badSetting{"DOCKBELL_REGISTRIES", name, "is refused: " + err.Error()}
		}
	}
	location, err := registry.ParseLocation(c.Location)
	if err != nil {
		return badSetting{"DOCKBELL_LOCATION", c.Location, "is refused: " + err.Error()}
	}
	c.Location = string(location)
	return c.settleTLS()
}

// setting is one line of Config as its tags describe it.
type setting struct{ env, key, flag, def, help string }

// settings lists the fields of Config in their order.
func settings() []setting {
	var all []setting
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		key := strings.ToLower(strings.TrimPrefix(tag.Get("env"), "DOCKBELL_"))
		all = append(all, setting{env: tag.Get("env"), key: key, flag: strings.ReplaceAll(key, "_", "-"), def: tag.Get("default"), help: tag.Get("help")})
	}
	return all
}

// publicURL is the setting as an address; nil when it is empty.
func (c Config) publicURL() *url.URL {
	if c.PublicURL == "" {
		return nil
	}
	u, _ := url.Parse(c.PublicURL) // checked by settle
	return u
}

// place says where the data lies, for people.
func (c Config) place() string {
	if c.Database.Postgres() {
		return c.Database.String()
	}
	if whole, err := filepath.Abs(c.Data); err == nil {
		return whole
	}
	return c.Data
}
