-- What happened to a manifest is found by its digest.
-- +goose Up

create index events_digest on events (digest, seq) where digest <> '';
