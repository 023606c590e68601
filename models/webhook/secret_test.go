package webhook

import (
	"testing"
	"time"
)

// TestRotated: the new secret signs first, those before it for another day and never longer, and not more than a few sign together.
func TestRotated(t *testing.T) {
	now := time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)
	all := []Secret{{Value: "first"}}
	for i := range 5 {
		before := all
		all = rotated(all, now.Add(time.Duration(i)*time.Hour))
		if all[0].Value == before[0].Value || !all[0].Expires.IsZero() || len(all) != min(i+2, mostSecrets) {
			t.Fatalf("rotation %d: %+v", i, all)
		}
		if all[1].Value != before[0].Value || !all[1].Expires.Equal(now.Add(time.Duration(i)*time.Hour+SecretOverlap)) {
			t.Errorf("rotation %d: the one before is %+v", i, all[1])
		}
	}
	kept := all[1].Expires
	all = rotated(all, now.Add(5*time.Hour))
	if !all[2].Expires.Equal(kept) {
		t.Errorf("an older secret signs until %v, want %v as before", all[2].Expires, kept)
	}
	if all = rotated(all, now.Add(72*time.Hour)); len(all) != 2 {
		t.Errorf("expired secrets sign on: %+v", all)
	}
}
