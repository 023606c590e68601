package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dockbell/models/delivery"
	"dockbell/models/doctor"
	"dockbell/models/keeping"
	"dockbell/models/notice"
	"dockbell/models/registry"
	"dockbell/models/source"
	"dockbell/web"
	"dockbell/web/ingest"
)

// metrics count what the rooms tell through their hooks. No label holds a name that somebody outside chooses.
type metrics struct {
	gatherer *prometheus.Registry
	attempts *prometheus.CounterVec
	sending  prometheus.Histogram
	requests *prometheus.CounterVec
	serving  *prometheus.HistogramVec
	forgets  prometheus.Histogram
	taken    *prometheus.CounterVec
	refusals *prometheus.CounterVec
	mails    *prometheus.CounterVec
	held     atomic.Int64 // the longest that forgetting held the writer, in nanoseconds
}

func newMetrics(queues queues) *metrics {
	m := &metrics{
		gatherer: prometheus.NewRegistry(),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dockbell_attempts_total", Help: "Attempts by what came of them: the class of the HTTP status, or why there was no answer.",
		}, []string{"result"}),
		sending: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dockbell_attempt_seconds", Help: "How long attempts took.", Buckets: prometheus.ExponentialBuckets(0.002, 2.5, 11),
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dockbell_http_requests_total", Help: "Requests by method, route and status.",
		}, []string{"method", "route", "status"}),
		serving: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "dockbell_http_request_seconds", Help: "How long requests took, by route.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"route"}),
	}
	m.forgets = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "dockbell_retention_step_seconds", Help: "How long a step of forgetting old history held the writer of the database.", Buckets: prometheus.ExponentialBuckets(0.00025, 2, 10),
	})
	m.taken = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dockbell_source_events_total", Help: "Events that sources sent, by the verdict on them.",
	}, []string{"verdict"})
	m.took(source.Counts{})
	m.refusals = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dockbell_source_refusals_total", Help: "Requests of sources that were answered 429, by the limit that refused them.",
	}, []string{"limit"})
	for _, limit := range []ingest.Limit{ingest.Rate, ingest.Space} {
		m.refusals.WithLabelValues(string(limit))
	}
	m.mails = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dockbell_mails_total", Help: "Attempts to mail notices, by what the mail server said: taken, failed (it is tried again) or refused (for good).",
	}, []string{"result"})
	for _, result := range []string{mailTaken, mailFailed, mailRefused} {
		m.mails.WithLabelValues(result)
	}
	longest := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "dockbell_retention_longest_step_seconds", Help: "The longest of these steps since the start.",
	}, func() float64 { return time.Duration(m.held.Load()).Seconds() })
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "dockbell_info", Help: "1, with the version as a label.", ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
	m.gatherer.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.attempts, m.sending, m.requests, m.serving, m.forgets, m.taken, m.refusals, m.mails, longest, info, waiting{queues},
	)
	return m
}

// attempted is the dispatcher's hook.
func (m *metrics) attempted(d delivery.Done) {
	result := string(d.Attempt.Cause)
	if d.Attempt.Status != 0 {
		result = strconv.Itoa(d.Attempt.Status/100) + "xx"
	}
	m.attempts.WithLabelValues(result).Inc()
	m.sending.Observe(d.Attempt.Duration.Seconds())
}

// forgot is the hook of what forgets old history; it does one step at a time.
func (m *metrics) forgot(s keeping.Step) {
	m.forgets.Observe(s.Held.Seconds())
	m.held.Store(max(m.held.Load(), int64(s.Held)))
}

// took is the hook of what takes events from sources.
func (m *metrics) took(n source.Counts) {
	for verdict, events := range map[source.Outcome]int64{
		source.Accepted: n.Accepted, source.Duplicate: n.Duplicates, source.Ignored: n.Ignored, source.Rejected: n.Rejected,
	} {
		m.taken.WithLabelValues(string(verdict)).Add(float64(events))
	}
}

// refused is the hook of what holds sources to their limits.
func (m *metrics) refused(by ingest.Limit) { m.refusals.WithLabelValues(string(by)).Inc() }

// What becomes of a mail.
const (
	mailTaken   = "taken"
	mailFailed  = "failed"
	mailRefused = "refused"
)

// mailed is the hook of what sends mails.
func (m *metrics) mailed(err error) {
	result := mailTaken
	switch {
	case errors.Is(err, notice.ErrRefused):
		result = mailRefused
	case err != nil:
		result = mailFailed
	}
	m.mails.WithLabelValues(result).Inc()
}

// served is the hook of every listener.
func (m *metrics) served(s web.Served) {
	m.requests.WithLabelValues(s.Method, s.Route, strconv.Itoa(s.Status)).Inc()
	if !s.Stream {
		m.serving.WithLabelValues(s.Route).Observe(s.Took.Seconds())
	}
}

// handler is the page that Prometheus reads.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.gatherer, promhttp.HandlerOpts{Timeout: 10 * time.Second})
}

// queues are what waits in the database.
type queues interface {
	Backlog(ctx context.Context, name registry.Name) (delivery.Backlog, error)
	Mails(ctx context.Context) (doctor.Mails, error)
}

// waiting reads the queues when somebody asks for them.
type waiting struct{ queues }

var (
	retryWaiting = prometheus.NewDesc("dockbell_deliveries_waiting_for_retry", "Deliveries that failed and will be tried again.", nil, nil)
	mailsWaiting = prometheus.NewDesc("dockbell_mails_waiting", "Mails that no mail server took yet.", nil, nil)
)

// Describe names the metrics.
func (waiting) Describe(to chan<- *prometheus.Desc) {
	to <- retryWaiting
	to <- mailsWaiting
}

// Collect asks the database; while it does not answer the metrics are absent.
func (w waiting) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if b, err := w.Backlog(ctx, ""); err == nil {
		to <- prometheus.MustNewConstMetric(retryWaiting, prometheus.GaugeValue, float64(b.Waiting))
	}
	if m, err := w.Mails(ctx); err == nil {
		to <- prometheus.MustNewConstMetric(mailsWaiting, prometheus.GaugeValue, float64(m.Waiting))
	}
}
