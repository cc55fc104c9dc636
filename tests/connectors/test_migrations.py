"""Tests of connectors.migrations, with the real server."""

from datetime import timedelta

import psycopg
import pytest

from connectors import migrations
from connectors.database import DatabaseError
from connectors.migrations import migrate
from tests.property.database import Database

pytestmark = pytest.mark.stack


def test_what_is_applied_is_not_applied_again(database: Database) -> None:
    assert migrate(database.connection).applied == []


@pytest.mark.parametrize("offset", [timedelta(hours=6), timedelta(hours=4)])
def test_a_time_zone_of_another_age_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch, offset: timedelta
) -> None:
    monkeypatch.setattr(migrations, "_OFFSET", offset)
    with pytest.raises(DatabaseError, match="the database server has an old time zone database: in Asia/Almaty"):
        migrate(database.connection)
    assert database.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
