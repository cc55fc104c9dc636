"""Writing into the quarantine: each refusal once, with a copy of its message."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from schemas.rules import Rule
from schemas.time import from_us

TEXT_LENGTH = 300


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
    # Many refusals share a message, and that may be large.
    messages = {message: hashlib.blake2b(message, digest_size=16).digest() for message in {r.message for r in fresh}}
    await cursor.executemany(
        "insert into quarantine_frame (message, digest) values (%s, %s) on conflict do nothing", list(messages.items())
    )
    await cursor.executemany(
        "insert into quarantine (received_at, rule, detail, dctu, channel, start, wh, status, sent_at, seq, digest,"
        " frame_digest) values (coalesce(%s, now()), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (
                from_us(r.received_us) if r.received_us is not None else None, r.rule.value, _text(r.detail),
                _text(r.dctu), _text(r.channel), r.start, r.wh, r.status, r.sent_at, r.seq, r.digest,
                messages[r.message],
            )
            for r in fresh
        ],
    )  # fmt: skip


def _text(written: str | None) -> str | None:
    # PostgreSQL's text has no NUL, and nothing longer is of use to a reader; the bytes that came are kept anyway.
    if written is None:
        return None
    shown = written if len(written) <= TEXT_LENGTH else f"{written[:TEXT_LENGTH]}…"
    return shown.replace("\0", "\ufffd")
