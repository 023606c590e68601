-- What failed of a webhook is found without reading its history.
-- +goose Up
create index deliveries_failed on deliveries (webhook_id, last_at, id) where state = 'failed';
