package store

import (
	"context"

	"dockbell/models/delivery"
	"dockbell/models/registry"
)

// DeliveriesOf gives the newest deliveries that were made because of one manifest, without bodies.
func (db *DB) DeliveriesOf(ctx context.Context, name registry.Name, repository, digest string, n int) ([]delivery.Delivery, error) {
	var rows []deliveryRow
	err := db.read(ctx).Raw(`select d.* from events e join deliveries d on d.id between e.first_delivery and e.last_delivery and d.event_id = e.id
		where e.digest = ? and e.digest <> '' and e.registry_key = ? and e.repository = ? order by e.seq desc, d.id desc limit ?`, digest, name.Key(), repository, n).Scan(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	all := make([]delivery.Delivery, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.delivery())
	}
	return all, nil
}
