package dispatch

import (
	"context"
	"crypto/tls"
	"net/http"
	"testing"
	"time"
)

// TestControls breaks the sender on purpose, one defence at a time: the cases must notice each.
func TestControls(t *testing.T) {
	ca := newAuthority(t)
	zero, kept := 0, maxBody
	noDeadline := func(s *HTTP, _ *tls.Config) {
		send := s.exchange
		s.exchange = func(req *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // more than the second that the cases give
			t.Cleanup(cancel)
			return send(req.WithContext(ctx))
		}
	}
	for name, control := range map[string]struct {
		receiver behaviour
		expect   expectation
		breakIt  func(*HTTP, *tls.Config)
	}{
		"redirects followed": {
			behaviour{Status: 307, Headers: map[string]string{"Location": "http://127.0.0.1:{other}/x"}},
			expectation{Class: "retry", OtherRequests: &zero},
			func(s *HTTP, _ *tls.Config) { s.exchange = (&http.Client{Transport: s.outside}).Do },
		},
		"no deadline": {
			brief(behaviour{AcceptThen: "hang"}), expectation{Class: "retry", Error: "timeout", MaxSeconds: 1}, noDeadline,
		},
		"no deadline for the connection": {
			brief(behaviour{BacklogFull: true}), expectation{Class: "retry", Error: "connect timeout", MaxSeconds: 1}, noDeadline,
		},
		"no limit for the body": {
			behaviour{Status: 500, BodyBytes: 1 << 20}, expectation{Class: "retry", StoredBodyMax: &kept, Truncated: true},
			func(s *HTTP, _ *tls.Config) { s.keep = 1 << 40 },
		},
		"answers unzipped": {
			behaviour{Status: 200, Body: "gzip_zeros_64MiB"}, expectation{Class: "success", RSSGrowthMax: 8},
			func(s *HTTP, _ *tls.Config) { s.outside.DisableCompression, s.keep = false, 1<<40 },
		},
		"certificates not checked": {
			behaviour{TLS: "wrong_host", Status: 200}, expectation{Class: "retry", Error: "tls"},
			func(_ *HTTP, config *tls.Config) { config.InsecureSkipVerify = true },
		},
		"a connection for every request": {
			behaviour{Status: 200, Requests: 20}, expectation{Class: "success", ConnectionsMax: 8},
			func(s *HTTP, _ *tls.Config) { s.outside.DisableKeepAlives = true },
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := endpointCase{Receiver: control.receiver, Expect: control.expect}
			whole := bench{ca: ca, build: func(g Guard, config *tls.Config) *HTTP { return newHTTP(g, "1.2.3", config) }}
			if deviations := whole.run(t, c); len(deviations) != 0 {
				t.Fatalf("the sender as it is: %q", deviations)
			}
			broken := bench{ca: ca, build: func(g Guard, config *tls.Config) *HTTP {
				s := newHTTP(g, "1.2.3", config)
				control.breakIt(s, config)
				return s
			}}
			if deviations := broken.run(t, c); len(deviations) == 0 {
				t.Error("nobody noticed")
			}
		})
	}
}

// brief gives the webhook of a case one second.
func brief(b behaviour) behaviour {
	b.Webhook.TimeoutS = 1
	return b
}
