package registry

// Contents is how much a registry holds.
type Contents struct {
	Repositories int
	Tags         int
	Bytes        int64
}
