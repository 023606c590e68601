-- How a webhook's deliveries are held back: pause, most in flight, rate, order.
-- +goose Up
alter table webhooks add column paused bigint not null default 0;        -- since when events are kept and not sent; 0: not paused
alter table webhooks add column max_in_flight bigint not null default 0; -- 0: Dockbell adapts it
alter table webhooks add column rate bigint not null default 0;          -- deliveries per minute; 0: as many as come
alter table webhooks add column ordered bigint not null default 0;       -- since when the deliveries of a repository keep their order; 0: they do not
-- What a claim asks of every webhook for which something waits; it holds only those that say more than the default.
create index webhooks_controls on webhooks (id, paused, max_in_flight, rate, ordered)
    where paused <> 0 or max_in_flight <> 0 or rate <> 0 or ordered <> 0;

alter table webhook_states add column rate_whole bigint not null default 0; -- when the rate's allowance is whole again
alter table webhook_states add column drain_rate bigint not null default 0; -- deliveries per minute of what waited when the pause ended; 0: all at once
alter table webhook_states add column drain_last bigint not null default 0; -- the last delivery that waited then; 0: nothing drains
