-- What happened, what was sent because of it, and what came back.
-- +goose Up

create table events (
    seq            bigint not null primary key, -- grows with time: the order of lists and pages
    id             text   not null unique,
    registry       text   not null,
    registry_key   text   not null,
    location       text   not null,
    action         text   not null,
    at             bigint not null,
    repository     text   not null,
    tag            text   not null,
    digest         text   not null,
    media_type     text   not null,
    size           bigint not null,
    kind           text   not null,
    chart_name     text   not null,
    chart_version  text   not null,
    carried_tags   text   not null, -- JSON list
    request_id     text   not null,
    request_addr   text   not null,
    request_host   text   not null,
    request_method text   not null,
    user_agent     text   not null,
    actor          text   not null,
    source         text   not null,
    webhooks       bigint not null, -- how many it fired
    image_id       bigint not null, -- of images
    first_delivery bigint not null, -- its deliveries have IDs from this one
    last_delivery  bigint not null, -- to this one, among few others
    verdicts       text   not null  -- JSON list: why each webhook fired or did not; last, for lists do not read it
);
create index events_registry on events (registry_key, seq);
create index events_action on events (registry_key, action, seq) where action <> 'push';
create index events_all_action on events (action, seq) where action <> 'push';
create index events_image on events (image_id, seq);

-- Every repository and tag that something happened to, once: where a search begins.
create table images (
    id           bigint not null primary key, -- a hash of the other two
    registry_key text   not null,
    image        text   not null -- repository:tag in lower case
);
create index images_registry on images (registry_key, image, id); -- a search reads it and nothing else

-- Events of an hour, so that nobody counts rows. The shard lets several processes count without waiting for each other.
create table event_hours (
    registry     text   not null,
    registry_key text   not null,
    hour         bigint not null, -- its beginning
    action       text   not null,
    shard        bigint not null,
    events       bigint not null,
    primary key (registry_key, hour, action, shard)
);

-- What is sent; deliveries of an event that send the same bytes share them.
create table bodies (
    id   bigint not null primary key, -- of the first delivery that sends it
    body bytea  not null
);

create table deliveries (
    id               bigint not null primary key,
    event_id         text   not null,
    registry         text   not null,
    registry_key     text   not null,
    webhook_id       text   not null, -- of a webhook that may be gone
    webhook          text   not null,
    action           text   not null,
    repository       text   not null,
    tag              text   not null,
    digest           text   not null,
    image_id         bigint not null, -- of images
    body_id          bigint not null,
    state            text   not null,
    attempts         bigint not null, -- started so far
    retries          bigint not null, -- of the current round
    next             bigint not null, -- when it is due; while an attempt runs, when its lease ends; 0: never
    claimed          bigint not null, -- when the running attempt was claimed; 0: none runs
    created          bigint not null,
    class            text   not null, -- status class of the newest finished attempt: 2xx, 3xx, 4xx, 5xx, none, or '' before the first
    last_status      bigint not null,
    last_cause       text   not null,
    last_duration_us bigint not null,
    last_at          bigint not null
);
create index deliveries_webhook on deliveries (webhook_id, id);
create index deliveries_registry on deliveries (registry_key, id);
create index deliveries_image on deliveries (image_id, id);
-- The queue: what waits, per webhook; pings by themselves; what is in flight; what waits for a retry.
create index deliveries_waiting on deliveries (webhook_id, next, id) where state = 'pending' and claimed = 0 and action <> 'ping';
create index deliveries_pings on deliveries (next, id) where state = 'pending' and claimed = 0 and action = 'ping';
create index deliveries_claimed on deliveries (next, webhook_id) where claimed <> 0;
create index deliveries_retries on deliveries (registry_key, next) where state = 'pending' and claimed = 0 and attempts > 0;
-- The filters of a history: what is common is found by the indexes above, what is rare by these.
create index deliveries_class on deliveries (registry_key, class, id) where class <> '' and class <> '2xx';
create index deliveries_all_class on deliveries (class, id) where class <> '' and class <> '2xx';
create index deliveries_webhook_class on deliveries (webhook_id, class, id) where class <> '' and class <> '2xx';
create index deliveries_action on deliveries (registry_key, action, id) where action <> 'push';
create index deliveries_all_action on deliveries (action, id) where action <> 'push';
create index deliveries_webhook_action on deliveries (webhook_id, action, id) where action <> 'push';

create table attempts (
    delivery_id      bigint not null,
    number           bigint not null,
    started          bigint not null,
    duration_us      bigint not null,
    dns_us           bigint not null,
    connect_us       bigint not null,
    tls_us           bigint not null,
    first_byte_us    bigint not null,
    remote_addr      text   not null,
    request_uri      text   not null, -- masked
    request_headers  text   not null, -- JSON list, masked
    status           bigint not null, -- 0: no answer
    status_text      text   not null,
    proto            text   not null,
    response_headers text   not null, -- JSON list
    response_body    bytea  not null, -- its beginning
    truncated        bigint not null,
    cause            text   not null,
    sentence         text   not null,
    retry_after_us   bigint not null,
    cert_expires     bigint not null,
    primary key (delivery_id, number)
); -- without rowid

-- Attempts of a webhook in an hour, by how long they took: bucket n holds those from 2^(n/4) microseconds up to the next one.
create table webhook_hours (
    webhook_id text   not null,
    hour       bigint not null,
    bucket     bigint not null,
    shard      bigint not null,
    succeeded  bigint not null,
    failed     bigint not null,
    primary key (webhook_id, hour, bucket, shard)
);
