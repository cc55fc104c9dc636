"""A space made ready: its database, tables and topics."""

from collections.abc import Callable

from connectors import database, kafka
from connectors.live import delete_states
from connectors.migrations import migrate
from connectors.reader_role import allow_reader
from schemas.settings import Settings

Say = Callable[[str], object]


def prepare(settings: Settings, say: Say) -> str:
    """Make what is missing of the space; gives the address of its database.

    Raises DatabaseError or KafkaError with a sentence for the user.
    """
    url = database.space_url(settings.database, settings.space)
    if database.create_database(url):
        say(f"made the database {database.database_name(url)}")
    with database.connect(url) as connection:
        done = migrate(connection)
        problem = allow_reader(connection)
    if done.applied:
        say(f"brought the tables up to date ({len(done.applied)} migrations)")
        if problem:
            say(problem)
    kafka.ensure_topics(settings.kafka, settings.space, settings.partitions)
    return url


def remove(settings: Settings) -> None:
    """Remove the space: database, topics, live state."""
    database.drop_database(database.space_url(settings.database, settings.space))
    kafka.delete_topics(settings.kafka, settings.space)
    delete_states(settings.redis, settings.space)


def renew(settings: Settings, say: Say) -> str:
    """Make the space anew, empty; gives the address of its database."""
    remove(settings)
    return prepare(settings, say)
