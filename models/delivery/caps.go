package delivery

// Caps bound how many deliveries of one webhook a claim may hold in flight; what is in flight already counts.
type Caps struct {
	Default int
	Of      map[string]int // by webhook ID, where it differs; 0 holds the webhook back altogether
}
