package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dockbell/models/account"
	"dockbell/web"
)

// grace is how long requests and attempts in flight may go on after the first signal; with what the results need to be
// written the program ends within 30 seconds.
const grace = 25 * time.Second

func serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the portal, the registry and the delivery of webhooks",
		Long: "Serves until SIGTERM or Ctrl-C: then no new requests are taken, deliveries in flight get 25 seconds, and the rest waits for the next start. A second signal ends it at once.\n\n" +
			"The first start prints a link with which the first owner is made.",
		Example: "  dockbell serve\n" +
			"  dockbell serve --listen 0.0.0.0:8080 --public-url https://dockbell.example.com --data /var/lib/dockbell\n" +
			"  DOCKBELL_OWNER=ada DOCKBELL_OWNER_PASSWORD='a few unusual words' dockbell serve",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := loadConfig(c)
			if err != nil {
				return err
			}
			return serve(c.Context(), cfg, c.OutOrStdout(), newLog(c.ErrOrStderr(), cfg.Log))
		},
	}
	addSettings(c)
	return c
}

// serve runs the server until ctx ends.
func serve(ctx context.Context, cfg Config, out io.Writer, log *slog.Logger) error {
	unlock, err := takeFolder(cfg)
	if err != nil {
		return err
	}
	defer unlock()
	doors, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	defer doors.close()
	key, err := loadKey(cfg)
	if err != nil {
		return err
	}
	h, err := build(ctx, cfg, key, doors.site(cfg), log)
	if err != nil {
		return err
	}
	err = h.db.Alone(ctx, "start", func(ctx context.Context) error { return h.prepare(ctx, cfg) })
	if err == nil {
		err = h.join(ctx, cfg, doors.main)
	}
	if err == nil {
		err = h.greet(ctx, out)
	}
	if err == nil {
		if !cfg.Database.Postgres() {
			addProcessor()
		}
		err = h.run(ctx, doors, log)
	}
	return errors.Join(err, h.close())
}

// listeners are the addresses that are served.
type listeners struct{ main, secure, metrics net.Listener } // the last two may be nil

func listen(ctx context.Context, cfg Config) (listeners, error) {
	var l listeners
	var err error
	for _, one := range []struct {
		on               *net.Listener
		setting, address string
	}{
		{&l.main, "DOCKBELL_LISTEN", cfg.Listen}, {&l.secure, "DOCKBELL_LISTEN_TLS", cfg.ListenTLS}, {&l.metrics, "DOCKBELL_LISTEN_METRICS", cfg.ListenMetrics},
	} {
		if one.address == "" {
			continue
		}
		if *one.on, err = listenAt(ctx, one.setting, one.address); err != nil {
			l.close()
			return listeners{}, err
		}
	}
	return l, nil
}

func listenAt(ctx context.Context, setting, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is taken: stop what listens there, or choose another address with %s", address, setting)
	case err != nil:
		return nil, fmt.Errorf("%s=%s cannot be listened on: %w", setting, address, err)
	}
	return l, nil
}

func (l listeners) close() {
	for _, on := range []net.Listener{l.main, l.secure, l.metrics} {
		if on != nil {
			on.Close()
		}
	}
}

// site says where the listeners are reached from outside and from this machine.
func (l listeners) site(cfg Config) site {
	s := site{public: cfg.PublicURL, own: ownAddress(l.main), secure: secureURL(cfg, l.secure)}
	if s.public == "" {
		s.public = "http://" + s.own
	}
	return s
}

// prepare does what a start does once, one process after the other: frees what a process before left claimed, makes the first registries and the owner.
func (h *house) prepare(ctx context.Context, cfg Config) error {
	if !cfg.Database.Postgres() { // a server of a shared database may not take the others' work
		if err := h.db.TakeOver(ctx); err != nil {
			return err
		}
		if _, err := h.db.KeepTime(ctx); err != nil {
			return err
		}
	}
	if err := h.registries.Ensure(ctx, cfg.Registries); err != nil {
		return err
	}
	if err := h.db.PutSetting(ctx, servedKey, h.site.public); err != nil { // for commands that print addresses
		return err
	}
	if cfg.Owner == "" {
		return nil
	}
	needed, err := h.accounts.NeedsSetup(ctx)
	if err != nil || !needed {
		return err
	}
	_, err = h.accounts.CreateUser(ctx, account.UserDraft{Name: cfg.Owner, Password: string(cfg.OwnerPassword), Role: string(account.Owner)})
	if err != nil {
		return fmt.Errorf("the owner of DOCKBELL_OWNER cannot be made: %w", err)
	}
	return nil
}

// greet prints where the portal is and, while nobody has an account, the link that makes the first one.
func (h *house) greet(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "Dockbell %s serves %s\n", version, h.site.public)
	if h.site.secure != "" && h.site.secure != h.site.public {
		fmt.Fprintf(out, "and the same over HTTPS at %s\n", h.site.secure)
	}
	needed, err := h.accounts.NeedsSetup(ctx)
	if err != nil || !needed {
		return err
	}
	code, err := h.accounts.NewSetupCode(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  Open this link to make the owner's account. It works once, within 24 hours:\n\n  %s/setup?code=%s\n\n", h.site.public, code)
	return nil
}

// run serves until ctx ends and stops in order: HTTP takes no new requests, the dispatcher lets its workers finish.
// A second signal ends whatever still runs.
func (h *house) run(ctx context.Context, l listeners, log *slog.Logger) error {
	servers := map[*http.Server]net.Listener{web.Server(h.handler): l.main}
	if l.secure != nil {
		s := web.Server(h.handler)
		s.TLSConfig = h.certs.Config()
		servers[s] = l.secure
	}
	if l.metrics != nil {
		servers[web.Server(h.metrics.handler())] = l.metrics
	}
	failed := make(chan error, len(servers))
	for s, on := range servers {
		s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug) // of connections that came to nothing
		go func() {
			if err := serveOn(s, on); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("the listener on %s ended: %w", on.Addr(), err)
			}
		}()
	}
	dispatching, stopDispatching := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDispatching()
	sent := make(chan error, 1)
	go func() { sent <- h.dispatcher.Run(dispatching) }()
	stopChores := h.doChores(ctx, log)
	log.Info("serving", "url", h.site.public, "https", h.site.secure, "version", version)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	log.Info("stopping: no new requests, deliveries in flight may finish", "grace", grace.String())
	impatient := h.cutOnSignal(servers)
	defer impatient()
	close(h.stopping)
	var http sync.WaitGroup
	for s := range servers {
		http.Go(func() { shutDown(s) })
	}
	stopDispatching()
	err = errors.Join(err, <-sent)
	http.Wait()
	stopChores()
	log.Info("stopped")
	return err
}

// serveOn serves over HTTPS where the server has certificates.
func serveOn(s *http.Server, on net.Listener) error {
	if s.TLSConfig != nil {
		return s.ServeTLS(on, "", "")
	}
	return s.Serve(on)
}

// shutDown lets requests finish, and cuts those that do not.
func shutDown(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		s.Close()
	}
}

// cutOnSignal ends requests and deliveries in flight with the next signal.
func (h *house) cutOnSignal(servers map[*http.Server]net.Listener) (stop func()) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-again:
			h.dispatcher.Cut()
			for s := range servers {
				s.Close()
			}
		case <-done:
		}
	}()
	return func() { signal.Stop(again); close(done) }
}
