"""Writing into the quarantine: each refusal once, with a copy of its message."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from schemas.rules import Rule
from schemas.time import from_us


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused reading, or a whole message where `channel` is None; the texts are as they were written."""

    rule: Rule
    detail: str
    received_us: int | None
    message: bytes
    dctu: str | None = None
    channel: str | None = None
    start: str | None = None
    wh: str | None = None
    status: str | None = None
    sent_at: str | None = None
    seq: int | None = None

    @property
    def digest(self) -> bytes:
        """Which refusal this is: the same one, repeated in any frame, has the same digest."""
        if self.channel is None:
            return hashlib.blake2b(self.rule.encode() + b"\0" + self.message, digest_size=16).digest()
        key = [self.rule, self.dctu, self.channel, self.start, self.wh, self.status, self.sent_at, self.seq]
        return hashlib.blake2b(json.dumps(key).encode(), digest_size=16).digest()

    @property
    def message_digest(self) -> bytes:
        """Which message it came in."""
        return hashlib.blake2b(self.message, digest_size=16).digest()


async def write_refusals(cursor: psycopg.AsyncCursor, refusals: Sequence[Refusal]) -> None:
    """Put refusals into the quarantine; those that stand there already are marked as not yet replayed."""
    once = {refusal.digest: refusal for refusal in reversed(refusals)}
    if not once:
        return
    known = {
        digest
        for (digest,) in await (
            await cursor.execute(
                "update quarantine set replayed_at = null where digest = any (%s) returning digest", [list(once)]
            )
        ).fetchall()
    }
    fresh = [refusal for digest, refusal in once.items() if digest not in known]
    if not fresh:
        return
    messages = {refusal.message_digest: refusal.message for refusal in fresh}
    await cursor.executemany(
        "insert into quarantine_frame (digest, message) values (%s, %s) on conflict do nothing", list(messages.items())
    )
    await cursor.executemany(
        "insert into quarantine (received_at, rule, detail, dctu, channel, start, wh, status, sent_at, seq, digest,"
        " frame_digest) values (coalesce(%s, now()), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (
                from_us(r.received_us) if r.received_us is not None else None, r.rule.value, r.detail, r.dctu, r.channel, r.start, r.wh, r.status, r.sent_at,
                r.seq, r.digest, r.message_digest,
            )
            for r in fresh
        ],
    )  # fmt: skip
