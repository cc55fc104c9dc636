"""A day that waits in Kafka: frames of one DCTU and one interval each, and the ticks between them."""

from datetime import timedelta

from connectors.producer import Producer
from schemas.settings import Settings
from schemas.time import INTERVAL, slot_start
from tests.bench.grid import Grid


def send(settings: Settings, grid: Grid, slots: range) -> int:
    """Send everything of these slots, and a last tick that passes the last deadline; gives the number of messages."""
    sent = 0
    with Producer(settings.kafka, settings.space) as producer:
        for slot in slots:
            producer.send_tick(slot_start(slot) + INTERVAL)
            for dctu in range(grid.dctus):
                producer.send_frame(grid.frame(dctu, slot))
            sent += settings.partitions + grid.dctus
        producer.send_tick(slot_start(slots.stop) + settings.grace + timedelta(seconds=1))
    return sent + settings.partitions
