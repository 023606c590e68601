-- Where events of other registries come in, and what came.
-- +goose Up

create table sources (
    id            text   not null primary key,
    name          text   not null,
    name_key      text   not null unique,
    registry      text   not null,
    registry_key  text   not null references registries (name_key) on delete cascade,
    location      text   not null,
    kind          text   not null,
    rate          bigint not null, -- events per second; 0: no limit
    networks      text   not null, -- JSON list
    token_hash    bytea  not null unique,
    secret_sealed bytea  not null, -- the token, where a kind signs with it; empty for all others
    version       bigint not null,
    created_by    text   not null,
    created       bigint not null,
    rotated       bigint not null
);
create index sources_registry on sources (registry_key, name_key);

-- How much came; written in batches.
create table source_counts (
    source_id  text   not null primary key references sources (id) on delete cascade,
    accepted   bigint not null,
    duplicates bigint not null,
    ignored    bigint not null,
    rejected   bigint not null,
    last       bigint not null
);

-- Every request that was taken, as it came. It outlives its source.
create table arrivals (
    id         bigint not null primary key, -- grows with time
    source_id  text   not null,
    at         bigint not null,
    type       text   not null,
    addr       text   not null,
    body       bytea  not null,
    accepted   bigint not null,
    duplicates bigint not null,
    ignored    bigint not null,
    rejected   bigint not null,
    verdicts   text   not null -- JSON list
);
create index arrivals_source on arrivals (source_id, id);
create index arrivals_rejected on arrivals (source_id, id) where rejected > 0;

-- What is remembered of a registry's images beside the events of their pushes: manifests that raised none, and tags that
-- were taken away (without a digest).
create table source_images (
    registry_key  text   not null references registries (name_key) on delete cascade,
    repository    text   not null,
    tag           text   not null,
    digest        text   not null,
    seq           bigint not null, -- in the order of events
    media_type    text   not null,
    kind          text   not null,
    chart_name    text   not null,
    chart_version text   not null,
    primary key (registry_key, repository, tag, digest)
);
create index source_images_digest on source_images (registry_key, repository, digest) where digest <> '';
