-- How much of what a source sends may be kept, and how much is.
-- +goose Up

-- MiB; 0: no limit, so that an update refuses nothing that was taken before it
alter table sources add column space bigint not null default 0;

alter table source_counts add column kept bigint not null default 0; -- bytes of the arrivals that are there, with their events
alter table source_counts add column upto bigint not null default 0; -- the newest arrival that is counted

update source_counts set
    kept = (select coalesce(sum(octet_length(body) + octet_length(verdicts) + 256 + 1024 * accepted), 0) from arrivals where arrivals.source_id = source_counts.source_id),
    upto = (select coalesce(max(id), 0) from arrivals where arrivals.source_id = source_counts.source_id);
