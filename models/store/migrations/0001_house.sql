-- One file for SQLite and PostgreSQL: text, bigint and bytea alone. Times are microseconds since 1970 (UTC), 0 is "never";
-- lists and maps are JSON text; *_key columns hold the form in which names are compared.
-- +goose Up

create table registries (
    id                text   not null primary key,
    name              text   not null,
    name_key          text   not null unique,
    login_server      text   not null,
    home              text   not null,
    replicas          text   not null, -- JSON list in the order in which they were added
    tier              text   not null,
    kind              text   not null,
    announce_untagged bigint not null,
    announce_untag    bigint not null,
    quarantine        bigint not null,
    anonymous_pull    bigint not null,
    tags              text   not null, -- JSON map
    created_by        text   not null,
    created           bigint not null,
    updated           bigint not null
);

-- Columns named *_sealed are encrypted and bound to their row (seal.go).
create table webhooks (
    id              text   not null primary key,
    registry        text   not null,
    registry_key    text   not null references registries (name_key) on delete cascade,
    name            text   not null,
    name_key        text   not null,
    location        text   not null,
    uri_sealed      bytea  not null,
    headers_sealed  bytea  not null,
    actions         text   not null, -- JSON list
    status          text   not null,
    scope           text   not null,
    tags            text   not null, -- JSON map
    format          text   not null,
    retry           text   not null, -- as people write it: default, none or a list of waits
    timeout         bigint not null, -- microseconds
    secrets_sealed  bytea  not null,
    version         bigint not null,
    disabled_reason text   not null,
    created_by      text   not null,
    created         bigint not null,
    updated_by      text   not null,
    updated         bigint not null,
    unique (registry_key, name_key)
);

-- What the deliveries of a webhook did to it; written with every result, and made with the webhook.
create table webhook_states (
    webhook_id       text   not null primary key references webhooks (id) on delete cascade,
    last_status      bigint not null default 0,
    last_cause       text   not null default '',
    last_duration_us bigint not null default 0,
    last_at          bigint not null default 0, -- 0: not attempted yet
    failing_since    bigint not null default 0, -- 0: the last attempt succeeded, or there was none
    paused_until     bigint not null default 0
);

create table users (
    id       text   not null primary key,
    name     text   not null,
    name_key text   not null unique,
    role     text   not null,
    phc      text   not null,
    created  bigint not null,
    updated  bigint not null
);

create table tokens (
    client_id    text   not null primary key, -- in lower case
    name         text   not null,
    role         text   not null,
    registry     text   not null, -- '' is every registry
    registry_key text   not null,
    secret_hash  bytea  not null,
    bearer_hash  bytea  not null unique,
    created      bigint not null,
    created_by   text   not null,
    last_used    bigint not null
);

create table settings (
    key   text not null primary key,
    value text not null
);

create table sessions (
    token   text   not null primary key, -- a hash
    data    bytea  not null,
    expires bigint not null
);
create index sessions_expires on sessions (expires);

create table inboxes (
    token         text   not null primary key,
    registry      text   not null,
    registry_key  text   not null references registries (name_key) on delete cascade,
    created       bigint not null,
    answer_status bigint not null,
    answer_delay  bigint not null -- microseconds
);
create index inboxes_registry on inboxes (registry_key);

create table received (
    token   text   not null references inboxes (token) on delete cascade,
    id      bigint not null,
    at      bigint not null,
    method  text   not null,
    query   text   not null,
    addr    text   not null,
    headers text   not null, -- JSON list
    body    bytea  not null,
    status  bigint not null,
    primary key (token, id)
);
