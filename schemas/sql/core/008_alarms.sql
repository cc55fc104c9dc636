-- Alarms: what stands now, everything that ever happened to them, and who is to be told.

create table alarm_version (
    only_row boolean primary key default true check (only_row),
    version  bigint not null
);
insert into alarm_version (version) values (0);
comment on table alarm_version is 'Raised by every transaction that changes alarms: whoever holds another version in memory reads them anew.';

create table alarm (
    alarm_id         integer generated always as identity primary key,
    type             text not null,
    object_kind      text not null,
    object           text not null,
    state            text not null,
    life             text not null,
    condition        boolean not null,
    latched          boolean not null,
    priority         text not null,
    raised_at        timestamptz,
    acked_at         timestamptz,
    acked_by         text not null,
    escalated        boolean not null,
    shelved_until    timestamptz,
    rule_reason      text not null,
    order_reason     text not null,
    out_of_service   text not null,
    level            smallint not null,
    since_ts         timestamptz,
    below_ts         timestamptz,
    seen_ts          timestamptz,
    doubtful         boolean not null,
    value            bigint,
    limit_value      bigint,
    unit             text not null,
    interval_start   timestamptz,
    completeness     double precision,
    schedule_version integer,
    detail           jsonb not null,
    changed_at       timestamptz not null,
    unique (type, object_kind, object)
);
comment on table alarm is 'One row an object and type that ever came near its limit: where it stands in its life, and what that rests on.';
comment on column alarm.state is 'The state that is shown (ISA-18.2); life is the one beneath any suppression.';
comment on column alarm.level is 'The level of the limit that the condition has reached; 0: false.';
comment on column alarm.since_ts is 'First interval of the run beyond the limit; below_ts: of the run below it; seen_ts: the last one looked at.';

create table alarm_event (
    at               timestamptz not null,
    event_id         bigint generated always as identity,
    alarm_id         integer,
    type             text not null,
    object_kind      text not null,
    object           text not null,
    event            text not null,
    state_before     text not null,
    state            text not null,
    annunciated      boolean not null,
    priority         text not null,
    value            bigint,
    limit_value      bigint,
    unit             text not null,
    interval_start   timestamptz,
    completeness     double precision,
    schedule_version integer,
    rules            text not null,
    actor            text not null,
    reason           text not null,
    command_id       uuid,
    detail           jsonb not null,
    recorded_at      timestamptz not null default now()
);
comment on table alarm_event is 'The journal: every transition, command, suppression and notification, with what it rests on.';
select create_hypertable('alarm_event', by_range('at', interval '30 days'), create_default_indexes => false);
create index alarm_event_time on alarm_event (at desc, event_id desc);
create index alarm_event_alarm on alarm_event (alarm_id, at desc);

create table alarm_command (
    command_id  uuid primary key,
    at          timestamptz not null,
    sent_at     timestamptz not null,
    actor       text not null,
    command     text not null,
    alarm_id    integer,
    done        boolean not null,
    answer      text not null,
    recorded_at timestamptz not null default now()
);
comment on table alarm_command is 'What came of every command; a command that comes twice is answered once.';

create table alarm_rules (
    digest    text primary key,
    text      text not null,
    loaded_at timestamptz not null default now()
);
comment on table alarm_rules is 'Every master alarm database that was ever in force.';

create table notification (
    notification_id bigint generated always as identity primary key,
    alarm_id        integer not null references alarm,
    escalation      boolean not null,
    labels          jsonb not null,
    annotations     jsonb not null,
    ended           boolean not null default false,
    created_at      timestamptz not null default clock_timestamp(),
    changed_at      timestamptz not null default clock_timestamp(),
    delivered_at    timestamptz,
    attempts        integer not null default 0,
    error           text not null default ''
);
create unique index notification_standing on notification (alarm_id, escalation) where not ended;
comment on table notification is 'What Alertmanager is to be told, written with the transition it tells of; removed once its end has been delivered.';

create view v_alarm_now as
select alarm_id, type, object_kind, object, state, priority, condition, raised_at, acked_at, nullif(acked_by, '') as acked_by,
       escalated, shelved_until,
       nullif(concat_ws('; ', nullif(rule_reason, ''), nullif(order_reason, '')), '') as suppressed_by,
       nullif(out_of_service, '') as out_of_service,
       since_ts as since, value, limit_value, unit, interval_start, completeness, schedule_version, detail, changed_at
from alarm where state <> 'NORM';
comment on view v_alarm_now is 'Every alarm that is not normal: what stands, what waits to be acknowledged, and what is suppressed.';
comment on column v_alarm_now.alarm_id is 'Number of the alarm: of this object and type, for ever.';
comment on column v_alarm_now.type is 'Type, as in the master alarm database.';
comment on column v_alarm_now.object_kind is 'Kind of the object: of a node as in v_node, else dctu or emc.';
comment on column v_alarm_now.object is 'Code of the object within its kind.';
comment on column v_alarm_now.state is 'UNACK, ACKED, RTNUN, LUNACK, LACK; or suppressed: SHLVD, DSUPR, OOSRV (ISA-18.2).';
comment on column v_alarm_now.priority is 'low, medium or high: the highest that this occurrence has reached.';
comment on column v_alarm_now.condition is 'Whether what it is about is so now.';
comment on column v_alarm_now.raised_at is 'The stream''s time when it last asked for somebody.';
comment on column v_alarm_now.acked_at is 'When it was acknowledged; NULL: it was not.';
comment on column v_alarm_now.acked_by is 'By whom.';
comment on column v_alarm_now.escalated is 'Whether nobody acknowledged it within its time to respond.';
comment on column v_alarm_now.shelved_until is 'Until when an operator has shelved it.';
comment on column v_alarm_now.suppressed_by is 'Why it is suppressed by design: a rule''s reason, a person''s, or both.';
comment on column v_alarm_now.out_of_service is 'Why it is out of service.';
comment on column v_alarm_now.since is 'First interval in which its condition held; NULL: it does not hold.';
comment on column v_alarm_now.value is 'The value that was compared, in unit.';
comment on column v_alarm_now.limit_value is 'The limit that it was compared with, in unit.';
comment on column v_alarm_now.unit is 'W, Wh, points, DCTUs, units or s.';
comment on column v_alarm_now.interval_start is 'The interval that value is of.';
comment on column v_alarm_now.completeness is 'Share of the expected readings that the value rests on, 0 to 1.';
comment on column v_alarm_now.schedule_version is 'Version of the daily schedule that the value rests on.';
comment on column v_alarm_now.detail is 'What else there is to know: contributors, counts, causes.';
comment on column v_alarm_now.changed_at is 'The stream''s time of its last transition.';

create view v_alarm_event as
select at, event_id, alarm_id, type, object_kind, object, event, state_before, state, annunciated, priority, value, limit_value,
       unit, interval_start, completeness, schedule_version, rules, nullif(actor, '') as actor, nullif(reason, '') as reason,
       command_id, detail, recorded_at
from alarm_event;
comment on view v_alarm_event is 'The journal: every transition, command, suppression and notification, with what it rests on.';
comment on column v_alarm_event.at is 'The stream''s time.';
comment on column v_alarm_event.event_id is 'Running number, the order of what has the same time.';
comment on column v_alarm_event.alarm_id is 'Number of the alarm.';
comment on column v_alarm_event.type is 'Type, as in the master alarm database.';
comment on column v_alarm_event.object_kind is 'Kind of the object.';
comment on column v_alarm_event.object is 'Code of the object.';
comment on column v_alarm_event.event is 'What happened: raise, rise, clear, escalate, acknowledge, shelve …, refused, would have alarmed, notified, not notified.';
comment on column v_alarm_event.state_before is 'State before.';
comment on column v_alarm_event.state is 'State after.';
comment on column v_alarm_event.annunciated is 'Whether it called the operator.';
comment on column v_alarm_event.priority is 'Priority after.';
comment on column v_alarm_event.value is 'The value that was compared, in unit.';
comment on column v_alarm_event.limit_value is 'The limit that it was compared with, in unit.';
comment on column v_alarm_event.unit is 'W, Wh, points, DCTUs, units or s.';
comment on column v_alarm_event.interval_start is 'The interval that value is of.';
comment on column v_alarm_event.completeness is 'Share of the expected readings that the value rests on, 0 to 1.';
comment on column v_alarm_event.schedule_version is 'Version of the daily schedule that the value rests on.';
comment on column v_alarm_event.rules is 'Digest of the master alarm database in force (table alarm_rules).';
comment on column v_alarm_event.actor is 'Who did it; NULL: a rule or time.';
comment on column v_alarm_event.reason is 'Why.';
comment on column v_alarm_event.command_id is 'The command that did it.';
comment on column v_alarm_event.detail is 'What else there is to know.';
comment on column v_alarm_event.recorded_at is 'When it was written, by the database''s clock.';

create view v_alarm_kpi as
with day as (
    select (at at time zone 'Asia/Almaty')::date as day, count(*) as annunciated,
           count(*) filter (where priority = 'low') as low, count(*) filter (where priority = 'medium') as medium,
           count(*) filter (where priority = 'high') as high, count(distinct alarm_id) as alarms
    from alarm_event where annunciated group by 1
),
ten as (
    select (at at time zone 'Asia/Almaty')::date as day, time_bucket('10 minutes', at) as bucket, count(*) as n
    from alarm_event where annunciated group by 1, 2
),
hourly as (
    select (at at time zone 'Asia/Almaty')::date as day, time_bucket('1 hour', at) as bucket, count(*) as n
    from alarm_event where annunciated group by 1, 2
)
select day, annunciated, low, medium, high, alarms,
       (select max(n) from hourly where hourly.day = day.day) as most_per_hour,
       (select max(n) from ten where ten.day = day.day) as most_per_10_min,
       (select count(*) from ten where ten.day = day.day and n > 10) as floods_10_min
from day;
comment on view v_alarm_kpi is 'How much operators are asked of, by operating day. `tengerim alarms kpi` compares it with the targets.';
comment on column v_alarm_kpi.day is 'Operating day, local time; days without an alarm have no row.';
comment on column v_alarm_kpi.annunciated is 'How often an operator was called.';
comment on column v_alarm_kpi.low is 'Of these with low priority.';
comment on column v_alarm_kpi.medium is 'Of these with medium priority.';
comment on column v_alarm_kpi.high is 'Of these with high priority.';
comment on column v_alarm_kpi.alarms is 'How many different alarms called.';
comment on column v_alarm_kpi.most_per_hour is 'The most calls in one clock hour.';
comment on column v_alarm_kpi.most_per_10_min is 'The most calls in 10 minutes by the clock.';
comment on column v_alarm_kpi.floods_10_min is 'Periods of 10 minutes with more than 10 calls: a flood.';
