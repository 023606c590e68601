package notice

import (
	"testing"
	"time"
)

func TestWhenAWebhookBeginsToFail(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for name, c := range map[string]struct {
		t    Trouble
		want bool
	}{
		"nothing failed":                        {Trouble{}, false},
		"one retried failure":                   {Trouble{Failed: 1, Since: ago(time.Hour)}, false},
		"two failures":                          {Trouble{Failed: 2, Since: ago(time.Hour)}, false},
		"sixteen at once":                       {Trouble{Failed: 16, Since: ago(time.Second)}, false},
		"three over a minute":                   {Trouble{Failed: 3, Since: ago(time.Minute)}, true},
		"a delivery given up":                   {Trouble{Failed: 1, GivenUp: 1, Since: now}, true},
		"told already":                          {Trouble{Failed: 9, GivenUp: 3, Since: ago(time.Hour), Told: ago(time.Minute)}, false},
		"given up soon after it recovered":      {Trouble{Failed: 1, GivenUp: 1, Since: now, Recovered: ago(Quiet - time.Second)}, false},
		"given up long after it recovered":      {Trouble{Failed: 1, GivenUp: 1, Since: now, Recovered: ago(Quiet)}, true},
		"it recovered in a future that is gone": {Trouble{Failed: 1, GivenUp: 1, Since: now, Recovered: now.Add(time.Hour)}, true},
	} {
		if got := c.t.Begins(now); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}
