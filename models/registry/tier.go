package registry

import (
	"strings"

	"dockbell/models/fault"
)

// Tier is Azure's SKU of a registry; it sets the quotas.
type Tier string

// The tiers, smallest first.
const (
	Basic    Tier = "Basic"
	Standard Tier = "Standard"
	Premium  Tier = "Premium"
)

// Tiers in display order.
var Tiers = []Tier{Basic, Standard, Premium}

// ParseTier reads a tier without regard to case; a bad one is a fault at field "sku".
func ParseTier(s string) (Tier, error) {
	for _, t := range Tiers {
		if strings.EqualFold(s, string(t)) {
			return t, nil
		}
	}
	return "", fault.In("sku", "The tier is Basic, Standard or Premium.")
}

// WebhookQuota is how many webhooks a registry of this tier may have: Azure's 2, 10 and 500.
func (t Tier) WebhookQuota() int {
	switch t {
	case Basic:
		return 2
	case Standard:
		return 10
	default:
		return 500
	}
}

// StorageQuota is the included storage in bytes: Azure's 10, 100 and 500 GiB.
func (t Tier) StorageQuota() int64 {
	switch t {
	case Basic:
		return 10 << 30
	case Standard:
		return 100 << 30
	default:
		return 500 << 30
	}
}

// Replicates reports whether the tier allows replicas (Premium alone does).
func (t Tier) Replicates() bool { return t == Premium }
