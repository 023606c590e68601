package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/google/uuid"

	"dockbell/models/account"
	"dockbell/models/cleanup"
	"dockbell/models/delivery"
	"dockbell/models/doctor"
	"dockbell/models/event"
	"dockbell/models/failpoint"
	"dockbell/models/keeping"
	"dockbell/models/notice"
	"dockbell/models/payload"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/models/store"
	"dockbell/models/webhook"
	"dockbell/web"
	"dockbell/web/auth"
	"dockbell/web/azure"
	"dockbell/web/certs"
	"dockbell/web/dispatch"
	"dockbell/web/inbox"
	"dockbell/web/ingest"
	"dockbell/web/oci"
	"dockbell/web/portal"
)

// site is where this process is reached.
type site struct {
	public string // base of absolute links, without a slash at its end
	own    string // address of the plain listener as this machine reaches it
	secure string // base of the same doors over HTTPS; empty without an HTTPS listener
}

// house is everything that lives as long as the server, wired.
type house struct {
	site       site
	db         *store.DB
	blobs      layers
	accounts   *account.Service
	signIns    *account.SignIns
	registries *registry.Service
	certs      certs.Source // nil without an HTTPS listener
	webhooks   *webhook.Service
	sources    *source.Service
	replays    *delivery.Replays
	teller     *notice.Teller
	cleaner    *cleanup.Cleaner
	policy     *keeping.Policy
	keeper     *keeping.Keeper
	dispatcher *dispatch.Dispatcher
	sender     *dispatch.HTTP
	ids        *delivery.IDs // of deliveries
	member     doctor.Member // what does not change of it
	dataFolder string
	relay      *delivery.Relay // nil with SQLite, where no other process serves
	metrics    *metrics
	handler    http.Handler
	stopping   chan struct{} // closed when the server begins to stop
}

func newID() string { return uuid.NewString() }

// build wires the house from the cellar up. What was opened before something failed is closed again.
func build(ctx context.Context, cfg Config, key []byte, at site, log *slog.Logger) (*house, error) {
	h := &house{site: at, stopping: make(chan struct{})}
	err := h.open(ctx, cfg, key, log)
	if err == nil {
		err = h.wire(ctx, cfg, key, log)
	}
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// open opens what lies on the disk or in a database.
func (h *house) open(ctx context.Context, cfg Config, key []byte, log *slog.Logger) (err error) {
	if h.db, err = openStore(ctx, cfg, key, log); err != nil {
		return err
	}
	if err = h.db.RecountSources(ctx); err != nil {
		return fmt.Errorf("what came from sources cannot be counted: %w", err)
	}
	if h.blobs, err = openLayers(ctx, cfg, h.db.Hold); err != nil {
		return err
	}
	h.certs, err = openCerts(cfg, h.site, h.registryKnown, log)
	return err
}

// wire makes the services and the doors.
func (h *house) wire(ctx context.Context, cfg Config, key []byte, log *slog.Logger) error {
	h.metrics = newMetrics(h.db)
	h.accounts = newAccounts(h.db)
	tenancy, err := h.accounts.Tenancy(ctx)
	if err != nil {
		return fmt.Errorf("the ids of the tenant and the subscription cannot be read: %w", err)
	}
	h.signIns = &account.SignIns{Service: h.accounts, Grants: h.db, Codes: h.db, Key: key, Tenant: tenancy.Tenant}
	h.registries = &registry.Service{
		Store: h.db, Groups: h.db, Keys: h.db, Host: hostOf(h.site.public), Now: h.db.Now, NewID: newID, Region: registry.Location(cfg.Location),
	}
	feed := &delivery.Feed{}
	networks := webhook.NewAllowList(cfg.AllowedNetworks, h.db, resolve, h.db.Now)
	h.webhooks = &webhook.Service{
		Store: h.db, Networks: networks.Networks, OwnInbox: webhook.OwnInbox(h.site.public), Formats: payload.Names(), Now: h.db.Now, NewID: newID,
	}
	h.buildDispatcher(cfg, networks, feed, log)
	if cfg.Database.Postgres() {
		h.share(feed, log)
	}
	h.db.OnWebhooks(h.changed)
	h.ids = delivery.NewIDs(h.db.Now)
	outbox := &delivery.Outbox{
		Store: h.db, Now: h.db.Now, NewID: func() event.ID { return event.ID(newID()) }, NewDeliveryID: h.ids.Next,
		Wake: h.wake, Starter: h.dispatcher, Feed: feed,
	}
	h.sources = newSources(h.db, h.registries, h.site.public)
	controls := &delivery.Controls{Store: h.db, Now: h.db.Now, Wake: h.wake, Feed: feed}
	h.replays = &delivery.Replays{Store: h.db, Outbox: outbox, NewID: newID, Log: log, Kick: make(chan struct{}, 1)}
	h.cleaner = h.newCleaner(outbox, log)
	h.policy = h.newPolicy(cfg)
	h.keeper = h.newKeeper(h.policy, log)
	mails, err := h.newPost(cfg)
	if err != nil {
		return err
	}
	h.teller = h.newTeller(outbox, mails, log)
	limits := &auth.Limits{Now: h.db.Now}
	credentials := auth.Credentials{Prover: h.signIns, Limits: limits}
	h.handler = web.New(web.Options{
		Log: log, TrustedProxies: cfg.TrustedProxies, Ready: h.db.Ping, Metrics: h.metrics.handler(), Credentials: credentials,
		Served: h.metrics.served, NewID: newID, Now: h.db.Now,
	}, web.Doors{
		h.portal(cfg, networks, portal.Hooks{Outbox: outbox, Webhooks: h.webhooks, Controls: controls, Replays: h.replays}, limits, log),
		certs.DoorOf(h.certs),
		&oci.Door{Metadata: h.db, Blobs: h.blobs, Recorder: outbox, Credentials: credentials, Key: key, Public: cfg.publicURL(), Now: h.db.Now, NewID: newID},
		&azure.Door{
			Reads: h.db, History: h.db, Figures: h.db, Registries: h.registries, Webhooks: h.webhooks, Outbox: outbox, Controls: controls, Replays: h.replays,
			Credentials: credentials, Tenancy: tenancy, Region: h.registries.Region, Now: h.db.Now, Base: h.base(cfg),
		},
		&azure.SignIn{SignIns: h.signIns, Credentials: credentials, Base: h.base(cfg), Pages: h.pages(cfg)},
		&ingest.Door{
			Sources: h.db, Intake: &source.Intake{Outbox: outbox, Memory: h.db}, Room: h.db, Log: log, Now: h.db.Now, Took: h.metrics.took, Refused: h.metrics.refused,
		},
		&inbox.Inbox{Store: h.db, Feed: feed, Stopping: h.stopping, Now: h.db.Now},
	})
	return nil
}

func openStore(ctx context.Context, cfg Config, key []byte, log *slog.Logger) (*store.DB, error) {
	db, err := store.Open(ctx, store.Options{DSN: string(cfg.Database), Key: key, Log: log, Own: failpoint.Now})
	if err != nil && cfg.Database.Postgres() && errors.Is(err, store.ErrOtherKey) {
		return nil, fmt.Errorf("%w; machines that share a database share its key: copy the key file of the one that was there first to %s on this machine", err, cfg.KeyFile)
	}
	return db, err
}

func newAccounts(db *store.DB) *account.Service {
	return &account.Service{Users: db, Tokens: db, Settings: db, Admins: db, Turns: db, Hasher: account.NewHasher(), Now: db.Now, NewID: newID}
}

func newSources(db *store.DB, registries *registry.Service, public string) *source.Service {
	return &source.Service{Store: db, Registries: registries, Public: public, Now: db.Now, NewID: newID}
}

func (h *house) buildDispatcher(cfg Config, networks *webhook.AllowList, feed *delivery.Feed, log *slog.Logger) {
	h.sender = dispatch.NewHTTP(dispatch.Guard{
		Networks: networks.Networks, Own: webhook.OwnInbox(h.site.public), OwnAddr: h.site.own,
	}, version).At(h.db.Now)
	h.dispatcher = &dispatch.Dispatcher{
		Queue: h.db, Sender: h.sender, Feed: feed, Log: log, Attempted: h.metrics.attempted, Workers: cfg.Workers, Alone: !cfg.Database.Postgres(),
		Now: h.db.Now, Lease: linked(linkedLease, 0),
	}
}

func (h *house) portal(cfg Config, networks *webhook.AllowList, hooks portal.Hooks, limits *auth.Limits, log *slog.Logger) *portal.Portal {
	return &portal.Portal{
		Hooks:      hooks,
		Registries: h.db, Figures: h.db, Contents: h.db, Blobs: h.blobs, History: h.db, Record: h.db, Notices: h.db, Told: &notice.Service{Store: h.db, Formats: payload.Telling()}, Post: h.teller.Post, Members: h.db, Inboxes: h.db, Arrivals: h.db, Sources: h.sources, Networks: networks,
		Feed: hooks.Outbox.Feed, Stopping: h.stopping, Accounts: h.accounts, SignIns: h.signIns, Reach: h.reach(cfg), RegistryService: h.registries,
		Sessions: auth.NewSessions(h.db, h.db, log, h.db.Now), Limits: limits,
		Cleaner: h.cleaner, Keeping: h.policy, PublicURL: h.site.public, Host: hostOf(h.site.public), DataPlace: cfg.place(), Version: version, Log: log, Now: h.db.Now,
	}
}

// close gives back whatever was opened, the store last: what ends before may still write.
func (h *house) close() error {
	var errs []error
	if h.sender != nil {
		h.sender.Close()
	}
	if h.blobs != nil {
		errs = append(errs, h.blobs.Close())
	}
	if h.db != nil {
		errs = append(errs, h.db.Close())
	}
	return errors.Join(errs...)
}

// resolve asks the name servers.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

func hostOf(public string) string {
	u, err := url.Parse(public)
	if err != nil {
		return ""
	}
	return u.Host
}
