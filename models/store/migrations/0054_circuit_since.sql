-- Since when an endpoint is probed: shown while it is, and read only then.
-- +goose Up
alter table webhook_states add column probe_since bigint not null default 0;
