-- What Azure's management API knows of a registry beyond what the registry itself needs.
-- +goose Up

alter table registries add column resource_group  text   not null default 'dockbell';
alter table registries add column admin_user      bigint not null default 0; -- may its access keys sign in?
alter table registries add column version         bigint not null default 1;
alter table registries add column created_by_kind text   not null default ''; -- User, Application or '' for Dockbell itself
alter table registries add column updated_by      text   not null default '';
alter table registries add column updated_by_kind text   not null default '';

alter table webhooks add column created_by_kind text not null default '';
alter table webhooks add column updated_by_kind text not null default '';

create table resource_groups (
    name_key text   not null primary key,
    name     text   not null,
    location text   not null, -- '' is the home of new registries
    tags     text   not null, -- JSON map
    created  bigint not null
);
insert into resource_groups (name_key, name, location, tags, created) values ('dockbell', 'dockbell', '', '{}', 0);

-- The two passwords of a registry's admin user; made when they are first asked for.
create table access_keys (
    registry_id     text   not null primary key references registries (id) on delete cascade,
    password_sealed bytea  not null,
    password2_sealed bytea not null,
    renewed         bigint not null
);
