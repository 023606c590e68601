-- Sending again what a webhook missed, or what was sent in a time: the work is done in steps and goes on after a restart.
-- +goose Up
create table replays (
    id         text   not null primary key,
    webhook_id text   not null references webhooks (id) on delete cascade,
    kind       text   not null, -- missed or again
    position   bigint not null, -- what is done ends here: the seq of an event, or the ID of a delivery
    until      bigint not null, -- what comes from here on is not in the range
    total      bigint not null, -- counted at the start
    made       bigint not null, -- deliveries so far
    state      text   not null, -- running, done or stopped
    started_by text   not null,
    started    bigint not null,
    changed    bigint not null
);
create index replays_webhook on replays (webhook_id, started);
create index replays_running on replays (started) where state = 'running';

-- Deliveries that were made after their event was stored: they are not among the IDs that the event names.
create table replayed (
    event_id    text   not null references events (id) on delete cascade,
    webhook_id  text   not null,
    delivery_id bigint not null,
    primary key (event_id, webhook_id)
);
