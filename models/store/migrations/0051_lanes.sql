-- Deliveries that keep the order of their repository stand in its lane; only the first of a lane may be sent.
-- +goose Up
alter table deliveries add column lane text not null default ''; -- the repository; '' stands in none
create index deliveries_lanes on deliveries (webhook_id, lane, id) where state = 'pending' and lane <> '';
