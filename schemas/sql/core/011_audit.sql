-- Who did what, from where. Nothing here is ever changed or taken away.

create table audit (
    audit_id bigint generated always as identity primary key,
    at       timestamptz not null default clock_timestamp(),
    actor    text not null,
    subject  text not null,
    address  text not null,
    action   text not null,
    target   text not null,
    outcome  text not null check (outcome in ('given', 'done', 'refused')),
    detail   jsonb not null
);
create index audit_time on audit (at, audit_id);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the table % is only added to', tg_table_name;
end
$$;
create trigger audit_only_grows before update or delete or truncate on audit
    for each statement execute function refuse_change();

create view v_audit as
select audit_id, at, actor, subject, address, action, target, outcome, detail from audit;
comment on view v_audit is 'Who did what over HTTP, from where: orders, logins, files, and what was refused to whom. Only added to.';
comment on column v_audit.audit_id is 'Running number.';
comment on column v_audit.at is 'When, by the database''s clock.';
comment on column v_audit.actor is 'Name; where nobody is asked, whatever name the order was given under.';
comment on column v_audit.subject is 'What the issuer knows them by; empty: nobody was asked.';
comment on column v_audit.address is 'The address that it came from, as far as proxies that are trusted tell.';
comment on column v_audit.action is 'An order, as acknowledge or shelve; login, logout, export, token, access.';
comment on column v_audit.target is 'What it was done to: alarm 7, a file, an address of the API.';
comment on column v_audit.outcome is 'given: an order on its way; done; refused.';
comment on column v_audit.detail is 'What else there is to know: the reason, the number of the command, why it was refused.';
