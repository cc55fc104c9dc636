"""How much one user may ask: requests a minute, and what lasts (files, listening) at a time."""

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from dashboards.api.access.user import User
from dashboards.api.problems import ProblemError

AGAIN_S = 10


class Rate:
    """Requests a minute of each user, and of each address where nobody is known."""

    def __init__(self, per_minute: int) -> None:
        """`per_minute`: of each."""
        self._limit = RateLimitItemPerMinute(per_minute)
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())

    def count(self, who: str) -> None:
        """One more. Raises ProblemError where that is too many."""
        if self._counts.hit(self._limit, who):
            return
        wait_s = max(1, math.ceil(self._counts.get_window_stats(self._limit, who).reset_time - time.time()))
        raise ProblemError(
            429, f"more than {self._limit.amount} requests a minute; ask again in {wait_s} s",
            {"Retry-After": str(wait_s)},
        )  # fmt: skip


class Bound:
    """What lasts: at most so many at a time of all, and of each user who is known."""

    def __init__(self, what: str, of_all: int, of_one: int) -> None:
        """`what`: a plural, for people."""
        self._what, self._of_all, self._of_one = what, of_all, of_one
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def check(self, user: User) -> None:
        """Raise ProblemError where there is no room for one more."""
        with self._lock:
            if user.subject and self._counts[user.subject] >= self._of_one:
                raise self._full(
                    429, f"you have {self._of_one} {self._what} at a time, the most that one user may have"
                )
            if self._counts.total() >= self._of_all:
                raise self._full(503, f"there are {self._of_all} {self._what} at a time, the most there may be")

    @contextmanager
    def counted(self, user: User) -> Iterator[None]:
        """One more while the block lasts."""
        with self._lock:
            self._counts[user.subject] += 1
        try:
            yield
        finally:
            with self._lock:
                self._counts[user.subject] -= 1
                if not self._counts[user.subject]:
                    del self._counts[user.subject]

    def _full(self, status: int, why: str) -> ProblemError:
        return ProblemError(status, f"{why}; ask again in {AGAIN_S} s", {"Retry-After": str(AGAIN_S)})
