"""Words for people."""


def many(count: int, noun: str) -> str:
    """`1 frame`, `2,000 frames`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
