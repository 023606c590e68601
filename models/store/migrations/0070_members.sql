-- The processes that serve this database.
-- +goose Up

create table members (
    id         text   not null primary key,
    node       bigint not null unique, -- is part of every ID that the process makes
    host       text   not null,        -- of the machine
    address    text   not null,        -- where it listens
    public_url text   not null,
    version    text   not null,
    blobs      text   not null,        -- where it keeps layers
    workers    bigint not null,
    flying     bigint not null,        -- attempts in flight
    skew       bigint not null,        -- microseconds that its clock is ahead of the database's
    free       bigint not null,        -- bytes that its disk has left; -1: unknown
    size       bigint not null,        -- bytes of that disk
    started    bigint not null,
    seen       bigint not null
);
