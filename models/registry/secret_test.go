package registry

import "testing"

// TestASecretIsNoFlag: of so many secrets one in 64 would begin with a dash by chance.
func TestASecretIsNoFlag(t *testing.T) {
	seen := map[string]bool{}
	for range 5000 {
		s := NewSecret()
		if len(s) != 43 || s[0] == '-' || seen[s] {
			t.Fatalf("the secret %q is short, looks like a flag, or came twice", s)
		}
		seen[s] = true
	}
}
