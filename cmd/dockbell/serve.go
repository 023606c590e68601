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
	if err := prepareFolder(cfg); err != nil {
		return err
	}
	unlock, err := lockDatabase(cfg)
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
	err = h.prepare(ctx, cfg)
	if err == nil {
		err = h.greet(ctx, out)
	}
	if err == nil {
		err = h.run(ctx, doors, log)
	}
	return errors.Join(err, h.close())
}

// listeners are the addresses that are served.
type listeners struct{ main, metrics net.Listener }

func listen(ctx context.Context, cfg Config) (listeners, error) {
	var l listeners
	var err error
	if l.main, err = listenAt(ctx, "DOCKBELL_LISTEN", cfg.Listen); err != nil {
		return l, err
	}
	if cfg.ListenMetrics != "" {
		if l.metrics, err = listenAt(ctx, "DOCKBELL_LISTEN_METRICS", cfg.ListenMetrics); err != nil {
			l.main.Close()
		}
	}
	return l, err
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
	l.main.Close()
	if l.metrics != nil {
		l.metrics.Close()
	}
}

// site says where the listener is reached from outside and from this machine.
func (l listeners) site(cfg Config) site {
	addr, _ := l.main.Addr().(*net.TCPAddr)
	s := site{public: cfg.PublicURL, own: addr.String()}
	if addr.IP.IsUnspecified() {
		s.own = net.JoinHostPort("localhost", fmt.Sprint(addr.Port))
	}
	if s.public == "" {
		s.public = "http://" + s.own
	}
	return s
}

// prepare does what a start does once: frees what a process before left claimed, makes the first registries and the owner.
func (h *house) prepare(ctx context.Context, cfg Config) error {
	if !cfg.Database.Postgres() { // a server of a shared database may not take the others' work
		if err := h.db.TakeOver(ctx); err != nil {
			return err
		}
	}
	if err := h.registries.Ensure(ctx, cfg.Registries); err != nil {
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
	main, figures := web.Server(h.handler), web.Server(h.metrics.handler())
	failed := make(chan error, 2)
	serveOn := func(s *http.Server, on net.Listener) {
		if err := s.Serve(on); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("the listener on %s ended: %w", on.Addr(), err)
		}
	}
	go serveOn(main, l.main)
	if l.metrics != nil {
		go serveOn(figures, l.metrics)
	}
	dispatching, stopDispatching := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDispatching()
	sent := make(chan error, 1)
	go func() { sent <- h.dispatcher.Run(dispatching) }()
	log.Info("serving", "url", h.site.public, "version", version)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	log.Info("stopping: no new requests, deliveries in flight may finish", "grace", grace.String())
	impatient := h.cutOnSignal(main)
	defer impatient()
	close(h.stopping)
	var http sync.WaitGroup
	http.Go(func() { shutDown(main) })
	http.Go(func() { shutDown(figures) })
	stopDispatching()
	err = errors.Join(err, <-sent)
	http.Wait()
	log.Info("stopped")
	return err
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
func (h *house) cutOnSignal(s *http.Server) (stop func()) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-again:
			h.dispatcher.Cut()
			s.Close()
		case <-done:
		}
	}()
	return func() { signal.Stop(again); close(done) }
}
