-- What people are told of a webhook: that it began to fail, was disabled, works again.
-- +goose Up
alter table webhook_states add column failed_row bigint not null default 0; -- attempts in a row that failed, without pings
alter table webhook_states add column given_up bigint not null default 0;   -- deliveries among them that failed for good
alter table webhook_states add column told bigint not null default 0;       -- when a notice said that it fails or was disabled; 0: it works as far as anybody was told
alter table webhook_states add column recovered bigint not null default 0;  -- when a notice last said that it works again

create table notices (
    id           bigint not null primary key, -- grows with time
    event_id     text   not null unique,      -- of the event that another webhook gets of it
    registry     text   not null,
    registry_key text   not null references registries (name_key) on delete cascade,
    webhook_id   text   not null, -- of a webhook that may be gone
    webhook      text   not null,
    kind         text   not null, -- failing, disabled, recovered
    at           bigint not null,
    since        bigint not null, -- when it began to fail; 0: unknown
    delivery_id  bigint not null, -- whose attempt decided it
    status       bigint not null, -- of that attempt; 0: no answer
    cause        text   not null,
    sentence     text   not null,
    passed_on    bigint not null  -- 1: mails and the delivery to another webhook are made
);
create index notices_registry on notices (registry_key, id);
create index notices_waiting on notices (id) where passed_on = 0;

-- Who is told of the webhooks of a registry.
create table notice_settings (
    registry_key text not null primary key references registries (name_key) on delete cascade,
    recipients   text not null, -- JSON list of mail addresses
    webhook_id   text not null  -- '': no webhook gets them
);

-- Up to which notice somebody has seen them.
create table notice_marks (
    reader text   not null primary key, -- user id
    seen   bigint not null
);

-- Mails on their way; a mail that was taken by the mail server stays until its notice goes.
create table mails (
    id        bigint not null primary key,
    notice_id bigint not null references notices (id) on delete cascade,
    recipient text   not null,
    attempts  bigint not null,
    next      bigint not null, -- when it is due; while it is being sent, when the lease ends; 0: never again
    sent      bigint not null, -- when the mail server took it; 0: not yet
    problem   text   not null  -- what the last attempt came to
);
create unique index mails_notice on mails (notice_id, recipient);
create index mails_waiting on mails (next) where next <> 0;
