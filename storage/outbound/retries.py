"""When the next attempt is due, when the sender is told of a delay, and when it is given up (RFC 5321 §4.5.4.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits that double from `first_s` to `longest_s`, for `lifetime_s`; all in seconds."""

    first_s: float = 300
    longest_s: float = 4 * 3600
    lifetime_s: float = 5 * 86_400
    notice_s: float = 4 * 3600
    """A mail that waits so long is a delay worth telling."""

    def wait(self, attempts: int) -> float:
        """Seconds between attempt number `attempts`, counted from 1, and the next."""
        return min(self.longest_s, self.first_s * 2.0 ** min(max(attempts, 1) - 1, 32))

    def over(self, created: float, now: float) -> bool:
        """Whether a mail of that age has had its last attempt."""
        return now >= created + self.lifetime_s

    def due(self, created: float, now: float, attempts: int) -> float:
        """The time of the attempt after number `attempts`, which ended `now`; the last one is at the very end."""
        return max(now + 1, min(now + self.wait(attempts), created + self.lifetime_s))
