package store_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"gorm.io/gorm"

	"dockbell/models/keeping"
)

// BenchmarkForget forgets a long history and says for how long its steps held the writer: inside the write, until its commit, and as
// a control as many commits of one row. DOCKBELL_BENCH_ROWS says how long.
func BenchmarkForget(b *testing.B) {
	rows := 1_000_000
	if text := os.Getenv("DOCKBELL_BENCH_ROWS"); text != "" {
		rows, _ = strconv.Atoi(text) // 0 fails below
	}
	for b.Loop() {
		b.StopTimer()
		db := filledHistory(b, rows)
		for _, fill := range []string{
			"insert into bodies (id, body) select distinct body_id, zeroblob(450) from deliveries",
			`insert into attempts (delivery_id, number, started, duration_us, dns_us, connect_us, tls_us, first_byte_us, remote_addr, request_uri, request_headers, status, status_text,
				proto, response_headers, response_body, truncated, cause, sentence, retry_after_us, cert_expires)
				select id, 1, 1, 5000, 0, 0, 0, 4000, '127.0.0.1:1', 'http://127.0.0.1:1/hook', '[["Content-Type","application/json"]]', 200, '200 OK',
				'HTTP/1.1', '[["Date","Wed, 25 Nov 2026 12:00:00 GMT"],["Content-Length","0"]]', zeroblob(0), 0, '', '', 0, 0 from deliveries`,
		} {
			if err := db.Write(b.Context(), func(tx *gorm.DB) error { return tx.Exec(fill).Error }); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		var worked, held, single []time.Duration
		k := &keeping.Keeper{
			Store: db, Now: time.Now, Rest: func(context.Context, time.Duration) {}, Log: slog.New(slog.DiscardHandler),
			Periods: func(context.Context) (keeping.Periods, error) { return keeping.Periods{keeping.History: 30}, nil },
			Stepped: func(s keeping.Step) { worked, held = append(worked, s.Worked), append(held, s.Held) },
		}
		gone, err := k.Forget(b.Context())
		if err != nil || gone[keeping.Deliveries] != rows {
			b.Fatal(gone, err)
		}
		b.StopTimer()
		for range len(held) { // the control: commits of one row, which hold the writer too
			began := time.Now()
			if err := db.PutSetting(b.Context(), "bench", began.String()); err != nil {
				b.Fatal(err)
			}
			single = append(single, time.Since(began))
		}
		b.StartTimer()
		for name, all := range map[string][]time.Duration{"worked": worked, "held": held, "one-row": single} {
			slices.Sort(all)
			for of, at := range map[string]int{"p50": len(all) / 2, "p99": len(all) * 99 / 100, "p99.9": len(all) * 999 / 1000, "max": len(all) - 1} {
				b.ReportMetric(all[at].Seconds()*1000, "ms-"+name+"-"+of)
			}
		}
		b.ReportMetric(float64(len(held)), "steps")
	}
}
