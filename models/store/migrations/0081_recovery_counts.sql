-- How far the last recovery of each webhook is, in numbers: those of a large one are counted now and then, and not for every page.
-- +goose Up
alter table recoveries add column total     bigint not null default 0;
alter table recoveries add column delivered bigint not null default 0;
alter table recoveries add column failed    bigint not null default 0;
alter table recoveries add column waiting   bigint not null default 0; -- not tried yet
alter table recoveries add column pending   bigint not null default 0; -- those, and those that are tried again: as long as there are any, the numbers change
alter table recoveries add column counted   bigint not null default 0; -- when; 0: not yet

update recoveries set total = (select count(*) from recovered where recovered.webhook_id = recoveries.webhook_id);
