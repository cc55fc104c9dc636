"""Tests of dashboards.api.archive: what a client gets, from a real database."""

import csv
import io

import httpx
import pyarrow as pa
import pyarrow.parquet
import pytest

from connectors.archive import VIEWS

pytestmark = pytest.mark.stack
API = "/api/v1"
DAYS = "2026-03-01T00:00Z/2026-03-04T00:00Z"
# Every address of rows, and the view behind it.
ADDRESSES = {
    "nodes": "node", "balances?kind=system": "balance_15m", "balances?step=1h&kind=system": "balance_1h", "readings": "reading",
    "revisions": "revision", "gaps": "gap", "completeness": "completeness", "schedules": "schedule",
    "quarantine": "quarantine", "alarm-events": "alarm_event",
    "audit": "audit",
}  # fmt: skip


def address(path: str, **query: object) -> str:
    words = [f"{name}={value}" for name, value in query.items()]
    return f"{API}/{path}{'&' if '?' in path else '?'}{'&'.join(words)}"


def test_readings_of_a_channel_come_as_json(client: httpx.Client) -> None:
    answer = client.get(address("readings", period="2026-03-02T00:00Z/PT1H", emc="M2"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "data": [
            {"emc": "M2", "code": "01", "ts": "2026-03-02T00:00:00Z", "wh": 8, "quality": 4, "revision": 1,
             "received_at": "2026-03-03T02:00:01Z"},
        ],
        "next": None,
    }  # fmt: skip


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_address_gives_the_same_rows_in_every_form(client: httpx.Client, path: str) -> None:
    rows = client.get(address(path, period=DAYS)).json()["data"]
    assert rows
    columns = list(rows[0])
    as_csv = list(csv.reader(io.StringIO(client.get(address(path, period=DAYS, format="csv")).text)))
    assert as_csv[0] == columns
    assert len(as_csv) == len(rows) + 1
    parquet = pa.parquet.read_table(io.BytesIO(client.get(address(path, period=DAYS, format="parquet")).content))
    with pa.ipc.open_stream(client.get(address(path, period=DAYS, format="arrow")).content) as found:
        arrow = found.read_all()
    assert parquet.column_names == arrow.column_names == columns
    assert parquet.to_pylist() == arrow.to_pylist()
    assert len(parquet) == len(rows)


@pytest.mark.parametrize("path", ADDRESSES)
def test_pages_follow_each_other_by_their_links(client: httpx.Client, path: str) -> None:
    whole = client.get(address(path, period=DAYS)).json()["data"]
    found, answer = [], client.get(address(path, period=DAYS, limit=2))
    while True:
        page = answer.json()
        found += page["data"]
        if page["next"] is None:
            break
        assert len(page["data"]) == 2
        answer = client.get(answer.links["next"]["url"])
    assert found == whole
    assert "link" not in answer.headers


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/csv", "text/csv"), ("application/json;q=0.1, text/csv", "text/csv"), ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("image/png, application/vnd.apache.arrow.stream;q=0.5", "application/vnd.apache.arrow.stream"),
        ("application/json;q=0, text/*", "text/csv"),
        # A superscript two, which is a digit and no number.
        ("text/csv;q=\xb2, application/json;q=0.1", "application/json"),
    ],
)  # fmt: skip
def test_the_form_is_what_the_client_likes_best(client: httpx.Client, accept: str, media: str) -> None:
    answer = client.get(address("gaps", period=DAYS), headers={b"Accept": accept.encode("latin-1")})
    assert answer.headers["content-type"].startswith(media)


def test_a_form_that_there_is_not_is_refused_with_those_there_are(client: httpx.Client) -> None:
    answer = client.get(address("gaps", period=DAYS), headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert "text/csv" in answer.json()["detail"]


def test_a_file_is_named_by_what_is_in_it(client: httpx.Client) -> None:
    answer = client.get(address("nodes/facility/F/balances", period="2026-03-02", format="csv"))
    assert answer.headers["content-disposition"] == 'attachment; filename="balance_15m-facility-F-2026-03-02.csv"'


def test_it_answers_with_what_was_known_then(client: httpx.Client) -> None:
    now = client.get(address("readings", period="2026-03-02T00:00Z/PT15M", emc="M2")).json()["data"]
    then = client.get(address("readings", period="2026-03-02T00:00Z/PT15M", emc="M2", as_of="2026-03-03T01:30Z"))
    assert ([row["wh"] for row in now], [row["wh"] for row in then.json()["data"]]) == ([8], [7])


def test_the_plan_of_a_node_is_by_the_hour_and_says_the_period(client: httpx.Client) -> None:
    found = client.get(address("nodes/facility/F/plan", period="2026-03-02T00:00Z/PT2H")).json()
    assert (found["begin"], found["end"]) == ("2026-03-02T00:00:00Z", "2026-03-02T02:00:00Z")
    assert found["data"] == [
        {"ts": "2026-03-02T00:00:00Z", "gen_plan_wh": 1000, "cons_plan_wh": None, "exch_plan_wh": None,
         "schedule_version": 1, "gen_limit_wh": 14_000_000, "cons_limit_wh": None, "imbalance_limit_wh": None},
    ]  # fmt: skip


def test_a_unit_has_the_limits_of_its_facility(client: httpx.Client) -> None:
    found = client.get(address("nodes/unit/UG/plan", period="2026-03-02T00:00Z/PT1H")).json()
    assert [hour["gen_limit_wh"] for hour in found["data"]] == [14_000_000]


def test_a_zone_has_limits_of_its_imbalance_alone(client: httpx.Client) -> None:
    found = client.get(address("nodes/zone/NS/plan", period="2026-03-02T00:00Z/PT1H")).json()
    assert [(hour["gen_limit_wh"], hour["imbalance_limit_wh"]) for hour in found["data"]] == [(None, 150_000_000)]


def test_what_a_client_has_already_is_not_sent_again(client: httpx.Client) -> None:
    asked = address("readings", period="2026-03-02T00:00Z/PT15M", emc="M2")
    first = client.get(asked)
    assert first.headers["cache-control"] == "private, no-cache"
    again = client.get(asked, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])


def test_another_answer_has_another_tag(client: httpx.Client) -> None:
    asked = address("readings", period="2026-03-02T00:00Z/PT15M", emc="M2")
    tag = client.get(asked).headers["etag"]
    then = client.get(f"{asked}&as_of=2026-03-03T01:30Z", headers={"If-None-Match": tag})
    assert (then.status_code, then.headers["etag"] != tag) == (200, True)


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize(
    ("as_of", "caching"),
    # The stream has come to 2026-03-03T02:00.
    [("2026-03-03T01:30Z", "private, max-age=86400, immutable"), ("2026-03-03T03:00Z", "private, no-cache")],
)
def test_what_was_known_then_need_not_be_asked_for_again(
    client: httpx.Client, form: str, as_of: str, caching: str
) -> None:
    answer = client.get(address("readings", period="2026-03-02", as_of=as_of, format=form))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, caching)


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        ("readings", {}, 422, "period: say which, as 2026-01-20"),
        ("readings", {"period": "x"}, 422, "'x' is not a period"),
        ("readings", {"period": "2020-01-01/2026-01-01"}, 422, "is longer than 366 days"),
        ("readings", {"period": "2010-01-01/2026-01-01", "emc": "M1"}, 422, "is longer than 3660 days"),
        ("readings", {"period": "2026-03-02", "as_of": "then"}, 422, "'then' is not an instant"),
        ("readings", {"period": "2026-03-02", "cursor": "x"}, 422, "cursor: take it from `next`"),
        ("readings", {"period": "2026-03-02", "cursor": "WyJhIl0"}, 422, "cursor: take it from `next`"),
        ("readings", {"period": "2026-03-02", "limit": 0}, 422, "limit"),
        ("readings", {"period": "2026-03-02", "format": "xml"}, 422, "format"),
        ("completeness", {"period": "2026-03-02", "as_of": "2026-03-02"}, 422, "is kept for now only"),
        ("balances", {"period": "2026-03-02", "kind": "city"}, 422, "kind"),
        ("nodes/facility/NONE/balances", {"period": "2026-03-02"}, 404, "there is no facility 'NONE'"),
        ("nodes/facility/NONE/plan", {"period": "2026-03-02"}, 404, "there is no facility 'NONE'"),
        ("nodes/city/F/balances", {"period": "2026-03-02"}, 422, "kind"),
        ("readings", {"period": "2026-03-02", "as_of": ""}, 422, "'' is not an instant"),
        ("nodes/facility/F/balances", {"period": "2026-03-02", "as_of": ""}, 422, "'' is not an instant"),
        ("nodes/facility/F/balances", {"period": "2026-03-02", "cursor": ""}, 422, "cursor: take it from `next`"),
        ("nodes", {"zone": "%00"}, 422, "zone: a text must not hold a NUL"),
        ("readings", {"period": "2026-03-02", "emc": "M%001"}, 422, "emc: a text must not hold a NUL"),
        ("alarms", {"zone": "%00"}, 422, "zone: a text must not hold a NUL"),
        ("nodes/facility/%00/balances", {"period": "2026-03-02"}, 422, "node: a text must not hold a NUL"),
        ("nodes/facility/%00/plan", {"period": "2026-03-02"}, 422, "node: a text must not hold a NUL"),
        ("nowhere", {}, 404, "there is nothing at /api/v1/nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_a_problem_in_words(
    client: httpx.Client, path: str, query: dict[str, object], status: int, says: str
) -> None:
    answer = client.get(address(path, **query))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert says in problem["detail"]


def test_nothing_but_asking_is_for_these_addresses(client: httpx.Client) -> None:
    answer = client.post(address("readings"))
    assert (answer.status_code, answer.json()["detail"]) == (405, "POST is not for this address")


def test_every_view_with_a_moment_can_be_asked_for_one() -> None:
    assert {view for view in VIEWS if VIEWS[view].as_of} <= set(ADDRESSES.values())
