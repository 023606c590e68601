package portal

import (
	"context"
	"strings"
	"testing"

	"dockbell/models/delivery"
	"dockbell/models/registry"
)

// others are the other methods, which no bell asks.
type others = Notices

// unseenOnes counts as a test says.
type unseenOnes struct {
	others
	n int
}

func (u *unseenOnes) Unseen(context.Context, string, registry.Name) (int, error) { return u.n, nil }

// TestTheBellFollowsTheFeed: a notice changes the bell of an open page and nothing else of it; what else changes leaves the bell.
func TestTheBellFollowsTheFeed(t *testing.T) {
	page, count := &counter{}, &unseenOnes{}
	b := belled{page, &Portal{Notices: count}, "u"}
	on := newBoard(t.Context())
	step := func(changed []string) string {
		t.Helper()
		if err := b.renew(t.Context(), on, changed); err != nil {
			t.Fatal(err)
		}
		_, text, err := on.take()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if text := step(nil); !strings.Contains(text, `aria-label="Notices"`) || page.drawn != 1 {
		t.Errorf("at the beginning: %d, %s", page.drawn, text)
	}
	count.n = 3
	if text := step([]string{"hook1"}); strings.Contains(text, "bell") || page.drawn != 2 {
		t.Errorf("of a webhook: %d, %s", page.drawn, text)
	}
	rung := b.key(delivery.Update{WebhookID: "hook1", Notice: true})
	if text := step([]string{rung}); !strings.Contains(text, `aria-label="Notices, 3 new"`) || page.drawn != 2 {
		t.Errorf("of a notice: %d, %s", page.drawn, text)
	}
	if text := step([]string{rung, "hook1"}); strings.Contains(text, "bell") || page.drawn != 3 || len(page.asked[2]) != 1 {
		t.Errorf("of both, with the same count: %d, %s, %q", page.drawn, text, page.asked)
	}
}
