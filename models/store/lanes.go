package store

import (
	"database/sql"
	"time"
)

// A webhook that is ordered has a lane for every repository: its deliveries go one after the other, in the order of their IDs, also
// through their retries. Lanes do not wait for each other.

// lanesOf jumps from lane to lane of a webhook, whose ID is its two arguments: its cost grows with the repositories and not with what
// waits. h is the first delivery of each.
const lanesOf = `with recursive lanes (lane) as (
		select (select min(lane) from deliveries where state = 'pending' and lane <> '' and webhook_id = ?)
		union all
		select (select min(d.lane) from deliveries as d where d.state = 'pending' and d.lane <> '' and d.webhook_id = ? and d.lane > lanes.lane)
		from lanes where lanes.lane is not null
	)`

// headsQuery reads what may be sent of the lanes of a webhook, oldest first.
const headsQuery = lanesOf + ` select h.id, h.webhook_id from lanes join deliveries as h
		on h.id = (select min(d.id) from deliveries as d where d.state = 'pending' and d.lane <> '' and d.webhook_id = ? and d.lane = lanes.lane)
	where lanes.lane is not null and h.state = 'pending' and h.claimed = 0 and h.next <= ? order by h.next, h.id limit ?`

// headsDue says when the first of them may be sent.
const headsDue = lanesOf + ` select min(h.next) from lanes join deliveries as h
		on h.id = (select min(d.id) from deliveries as d where d.state = 'pending' and d.lane <> '' and d.webhook_id = ? and d.lane = lanes.lane)
	where lanes.lane is not null and h.claimed = 0`

// inLane is the lane of a delivery that is sent again.
const inLane = "case when exists (select 1 from webhooks where webhooks.id = deliveries.webhook_id and webhooks.ordered <> 0) then repository else lane end"

// dueIn reads what is due in a line.
func (c claim) dueIn(l line, n int) (found []candidate, err error) {
	if l.ordered == 0 {
		return c.due("action <> 'ping' and webhook_id = ?", n, l.webhookID)
	}
	if err := c.adopt(l); err != nil {
		return nil, err
	}
	skip := ""
	if c.sql.postgres {
		skip = " for update of h skip locked"
	}
	err = c.sql.query(func(row *sql.Rows) error {
		var d candidate
		err := row.Scan(&d.id, &d.webhookID)
		found = append(found, d)
		return err
	}, headsQuery+skip, l.webhookID, l.webhookID, l.webhookID, c.now, n)
	return found, err
}

// How often a claim looks for deliveries outside the lanes.
const (
	adoptSoon   = 10 * time.Second // while the switch is new: an event may have been matched before and stored after
	switchIsNew = 10 * time.Minute
	adoptLater  = time.Hour
)

// adopt puts what waits outside the lanes into them: it was made before the webhook was ordered.
func (c claim) adopt(l line) error {
	every := adoptLater
	if c.now-l.ordered < switchIsNew.Microseconds() {
		every = adoptSoon
	}
	last, known := c.db.adopted.Load(l.webhookID)
	if at, _ := last.(int64); known && at > l.ordered && c.now-at < every.Microseconds() {
		return nil
	}
	c.db.adopted.Store(l.webhookID, c.now)
	return c.sql.exec("update deliveries set lane = repository where "+waiting+" and action <> 'ping' and webhook_id = ? and lane = ''", l.webhookID)
}

// dueLane is when a line of lanes may be taken from; 0 is when something that is under way has ended.
func dueLane(s sqlTx, l line) (at int64, err error) {
	err = s.query(func(row *sql.Rows) error {
		var first *int64
		err := row.Scan(&first)
		if first != nil {
			at = *first
		}
		return err
	}, headsDue, l.webhookID, l.webhookID, l.webhookID)
	return at, err
}
