-- A webhook whose endpoint looks dead is probed, with growing gaps, until it answers.
-- +goose Up
alter table webhook_states add column dead bigint not null default 0;      -- attempts in a row that found no receiver
alter table webhook_states add column probe_gap bigint not null default 0; -- microseconds between probes; 0: it is not probed
alter table webhook_states add column probe_at bigint not null default 0;  -- when the next probe may go
