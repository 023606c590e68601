-- What the built-in registries hold. The bytes of blobs lie elsewhere; here stands which repository may give them out.
-- +goose Up

-- A repository is here while it holds a manifest.
create table repositories (
    registry_key text   not null references registries (name_key) on delete cascade,
    name         text   not null,
    created      bigint not null,
    updated      bigint not null, -- the last push
    primary key (registry_key, name)
);

create table manifests (
    registry_key  text   not null,
    repository    text   not null,
    digest        text   not null,
    media_type    text   not null,
    kind          text   not null,
    artifact_type text   not null,
    size          bigint not null,
    subject       text   not null, -- digest of the manifest it refers to, or ''
    annotations   text   not null, -- JSON map
    chart_name    text   not null, -- of a Helm chart
    chart_version text   not null,
    created       bigint not null,
    updated       bigint not null,
    raw           bytea  not null, -- the exact bytes
    primary key (registry_key, repository, digest),
    foreign key (registry_key, repository) references repositories (registry_key, name) on delete cascade
);
create index manifests_subject on manifests (registry_key, repository, subject, created) where subject <> '';

create table tags (
    registry_key text   not null,
    repository   text   not null,
    name         text   not null,
    digest       text   not null,
    created      bigint not null,
    updated      bigint not null, -- when it was last set
    primary key (registry_key, repository, name),
    foreign key (registry_key, repository, digest) references manifests (registry_key, repository, digest) on delete cascade
);
create index tags_digest on tags (registry_key, repository, digest);

-- A blob may come before the first manifest, so its repository need not be here.
create table blob_links (
    registry_key text   not null references registries (name_key) on delete cascade,
    repository   text   not null,
    digest       text   not null,
    size         bigint not null,
    created      bigint not null,
    primary key (registry_key, repository, digest)
);
create index blob_links_digest on blob_links (digest);
