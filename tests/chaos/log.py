"""The log itself, read by a plain consumer: the truth about what there was to process."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition


def read_log(address: str, topic: str, begin: dict[int, int]) -> dict[int, list[bytes]]:
    """The messages of partitions, of each from an offset on, in order, none missing."""
    return asyncio.run(_read(address, topic, begin))


async def _read(address: str, topic: str, begin: dict[int, int]) -> dict[int, list[bytes]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        places = {TopicPartition(topic, partition): offset for partition, offset in begin.items()}
        consumer.assign(list(places))
        for place, offset in places.items():
            consumer.seek(place, offset)
        ends = await consumer.end_offsets(list(places))
        found: dict[int, list[bytes]] = {partition: [] for partition in begin}
        while any(places[place] < ends[place] for place in places):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                assert [record.offset for record in records] == list(range(places[place], places[place] + len(records)))
                found[place.partition] += [record.value for record in records]
                places[place] += len(records)
        return found
    finally:
        await consumer.stop()
