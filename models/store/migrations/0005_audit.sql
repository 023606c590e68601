-- The record of changes. It has no reference to what was changed: it outlives it.
-- +goose Up

create table audit (
    id       bigint not null primary key, -- grows with time
    at       bigint not null,
    kind     text   not null, -- User, Application or '' for Dockbell itself
    actor_id text   not null,
    actor    text   not null,
    client   text   not null,
    addr     text   not null,
    action   text   not null,
    registry text   not null, -- '' for what belongs to none
    object   text   not null,
    changes  text   not null  -- JSON list
);
