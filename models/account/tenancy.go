package account

import "context"

// Tenancy is this installation in Azure's words: the tenant that people and programs sign in to, and its one subscription.
type Tenancy struct {
	Tenant       string // GUID
	Subscription string // GUID
}

// The settings that keep the tenancy.
const (
	tenantKey       = "azure.tenant"
	subscriptionKey = "azure.subscription"
)

// Tenancy gives the installation's GUIDs and makes them the first time. They never change: every script holds them.
func (s *Service) Tenancy(ctx context.Context) (Tenancy, error) {
	tenant, err := s.Settings.KeepSetting(ctx, tenantKey, s.NewID())
	if err != nil {
		return Tenancy{}, err
	}
	subscription, err := s.Settings.KeepSetting(ctx, subscriptionKey, s.NewID())
	return Tenancy{Tenant: tenant, Subscription: subscription}, err
}
