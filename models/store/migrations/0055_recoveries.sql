-- The last recovery of each webhook, and the deliveries that it sent again: so that its progress can be told.
-- +goose Up
create table recoveries (
    webhook_id text   not null primary key references webhooks (id) on delete cascade,
    since      bigint not null, -- what failed from then on; 0: ever
    started    bigint not null,
    started_by text   not null
);

create table recovered (
    webhook_id  text   not null references webhooks (id) on delete cascade,
    delivery_id bigint not null,
    primary key (webhook_id, delivery_id)
);
