-- What clean-ups go by.
-- +goose Up

alter table manifests add column untagged bigint not null default 0; -- when a tag was last taken from it

-- Rules of a registry: what is deleted by itself.
create table retention (
    registry_key  text   not null primary key references registries (name_key) on delete cascade,
    keep_tags     bigint not null, -- newest tags of a repository that stay; 0: all
    untagged_days bigint not null, -- days until what has no tag goes; 0: never
    keep_patterns text   not null, -- JSON list of what never goes
    updated_by    text   not null,
    updated       bigint not null
);
