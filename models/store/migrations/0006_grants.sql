-- +goose Up

-- Sign-ins to the Azure doors. Tokens are signed, not stored: they name their grant.
create table grants (
    id         text   not null primary key,
    kind       text   not null,
    subject    text   not null, -- user id or client id
    name       text   not null,
    method     text   not null,
    client     text   not null,
    agent      text   not null,
    addr       text   not null,
    stamp      text   not null,
    generation bigint not null,
    rotated    bigint not null,
    created    bigint not null,
    used       bigint not null,
    expires    bigint not null
);
create index grants_subject on grants (subject, created);
create index grants_expires on grants (expires);

-- Requests for tokens that wait for a person's yes.
create table codes (
    id         text   not null primary key, -- SHA-256 of what the client holds
    method     text   not null,
    user_code  text   not null, -- '' for those that nobody types
    client     text   not null,
    agent      text   not null,
    addr       text   not null,
    redirect   text   not null,
    state      text   not null,
    challenge  text   not null,
    nonce      text   not null,
    status     text   not null,
    user_id    text   not null,
    grant_id   text   not null,
    polled     bigint not null,
    poll_every bigint not null, -- microseconds
    created    bigint not null,
    expires    bigint not null
);
create unique index codes_user_code on codes (user_code) where user_code <> '';
create index codes_addr on codes (addr);
create index codes_expires on codes (expires);
