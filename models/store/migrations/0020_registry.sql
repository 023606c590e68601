-- What Azure's data API keeps of repositories, tags and manifests: locks and quarantine; and which manifest needs which blob.
-- +goose Up

-- What may not be done, as bits: 1 delete, 2 write, 4 read, 8 list.
alter table repositories add column locks bigint not null default 0;
alter table tags         add column locks bigint not null default 0;
alter table manifests    add column locks bigint not null default 0;

alter table manifests add column quarantine         text   not null default ''; -- Quarantined, Passed, Failed or '': never held
alter table manifests add column quarantine_details text   not null default '';
alter table manifests add column parts_known        bigint not null default 0;  -- 1: its parts stand in the table below

create index manifests_held on manifests (registry_key, repository, digest) where quarantine in ('Quarantined', 'Failed');
create index manifests_updated on manifests (registry_key, repository, updated, digest, size);
create index manifests_unknown on manifests (registry_key) where parts_known = 0;
create index tags_updated on tags (registry_key, repository, updated, name);

-- The blobs and the children of every manifest: what a clean-up must leave alone.
create table parts (
    registry_key text not null,
    repository   text not null,
    manifest     text not null,
    digest       text not null,
    primary key (registry_key, repository, manifest, digest),
    foreign key (registry_key, repository, manifest) references manifests (registry_key, repository, digest) on delete cascade
);
create index parts_digest on parts (registry_key, repository, digest);

-- Sizes are summed per registry, by digest.
drop index blob_links_digest;
create index blob_links_digest on blob_links (digest, registry_key, size);
create index manifests_digest on manifests (digest, registry_key, size);

-- How often a manifest was fetched; written in batches.
create table pulls (
    registry_key text   not null,
    repository   text   not null,
    digest       text   not null,
    pulls        bigint not null,
    last         bigint not null,
    primary key (registry_key, repository, digest),
    foreign key (registry_key, repository, digest) references manifests (registry_key, repository, digest) on delete cascade
);

-- What a token is limited to, as JSON lists; '' limits nothing.
alter table tokens add column rights       text not null default '';
alter table tokens add column repositories text not null default '';
