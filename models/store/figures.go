package store

import (
	"context"
	"slices"
	"time"

	"dockbell/models/delivery"
	"dockbell/models/event"
	"dockbell/models/registry"
)

// EventHours counts the events of each hour and action since the beginning of an hour; an empty name means all registries.
// Pings are not counted: nothing happened in the registry.
func (db *DB) EventHours(ctx context.Context, name registry.Name, since time.Time) ([]event.HourCount, error) {
	query := db.read(ctx).Model(&eventHourRow{}).Select("registry, hour, action, sum(events) as events").
		Where("hour >= ? and action <> ?", micros(hour(since)), string(event.Ping))
	if name != "" {
		query = query.Where("registry_key = ?", name.Key())
	}
	var rows []eventHourRow
	if err := query.Group("registry, hour, action").Order("hour, registry, action").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]event.HourCount, 0, len(rows))
	for _, row := range rows {
		all = append(all, event.HourCount{
			Registry: registry.Name(row.Registry), Hour: moment(row.Hour), Action: event.Action(row.Action), Events: int(row.Events),
		})
	}
	return all, nil
}

// Arrivals gives the newest n events with how many webhooks each fired; an empty name means all registries.
func (db *DB) Arrivals(ctx context.Context, name registry.Name, n int) ([]event.Arrival, error) {
	var rows []eventRow
	query, _, err := db.events(ctx, event.Filter{Registry: name})
	if err != nil {
		return nil, err
	}
	if err := query().Order("seq desc").Limit(n).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	all := make([]event.Arrival, 0, len(rows))
	for _, row := range rows {
		ev, err := row.event()
		if err != nil {
			return nil, err
		}
		all = append(all, event.Arrival{Event: ev, Webhooks: int(row.Webhooks)})
	}
	return all, nil
}

// Backlog says what waits for a retry; an empty name means all registries.
func (db *DB) Backlog(ctx context.Context, name registry.Name) (delivery.Backlog, error) {
	query := db.read(ctx).Model(&deliveryRow{}).Select("count(*) as waiting, coalesce(min(next), 0) as next").
		Where("state = 'pending' and attempts > 0 and claimed = 0")
	if name != "" {
		query = query.Where("registry_key = ?", name.Key())
	}
	var found struct {
		Waiting int
		Next    int64
	}
	if err := query.Scan(&found).Error; err != nil {
		return delivery.Backlog{}, translate(err)
	}
	return delivery.Backlog{Waiting: found.Waiting, Next: moment(found.Next)}, nil
}

// Health gives for each webhook its last result, since when it fails, and its attempts of the 24 hours that end with the
// running one.
func (db *DB) Health(ctx context.Context, webhookIDs []string, now time.Time) (map[string]delivery.Health, error) {
	all := map[string]delivery.Health{}
	first := hour(now).Add(-23 * time.Hour)
	for chunk := range slices.Chunk(webhookIDs, manyDigests) {
		var states []webhookStateRow
		if err := db.read(ctx).Where("webhook_id in ?", chunk).Find(&states).Error; err != nil {
			return nil, translate(err)
		}
		var rows []webhookHourRow
		err := db.read(ctx).Select("webhook_id, hour, bucket, sum(succeeded) as succeeded, sum(failed) as failed").
			Where("webhook_id in ? and hour >= ?", chunk, micros(first)).
			Group("webhook_id, hour, bucket").Order("webhook_id, hour, bucket").Find(&rows).Error
		if err != nil {
			return nil, translate(err)
		}
		for _, s := range states {
			all[s.WebhookID] = healthOf(s, rows, first)
		}
	}
	return all, nil
}

// healthOf puts a webhook's state and its counted hours together.
func healthOf(s webhookStateRow, rows []webhookHourRow, first time.Time) delivery.Health {
	h := delivery.Health{Last: resultOf(s.LastStatus, s.LastCause, s.LastDurationUS, s.LastAt), FailingSince: moment(s.FailingSince), Circuit: s.circuit()}
	if s.DrainLast != 0 {
		h.Drain = delivery.Rate(s.DrainRate)
	}
	byHour := map[int64][]webhookHourRow{}
	for _, row := range rows {
		if row.WebhookID == s.WebhookID {
			byHour[row.Hour] = append(byHour[row.Hour], row)
		}
	}
	for i := range h.Hours {
		start := first.Add(time.Duration(i) * time.Hour)
		h.Hours[i] = hourOf(start, byHour[micros(start)])
	}
	return h
}

// hourOf sums up an hour's buckets, which come in order.
func hourOf(start time.Time, buckets []webhookHourRow) delivery.Hour {
	h := delivery.Hour{Start: start}
	for _, b := range buckets {
		h.Succeeded += int(b.Succeeded)
		h.Failed += int(b.Failed)
	}
	h.P50, h.P95 = quantile(buckets, h.Succeeded+h.Failed, 50), quantile(buckets, h.Succeeded+h.Failed, 95)
	return h
}

// quantile is the upper end of the bucket in which the given percentage of n attempts is reached.
func quantile(buckets []webhookHourRow, n, percent int) time.Duration {
	reached := 0
	for _, b := range buckets {
		reached += int(b.Succeeded + b.Failed)
		if reached*100 >= n*percent {
			return bucketTop(b.Bucket)
		}
	}
	return 0
}
