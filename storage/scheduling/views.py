"""What attendees get of a meeting: the same for all who are invited to the same instances, so it is made once."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from storage import calendar
from storage.errors import LimitReached
from storage.formats import calendar_views, itip
from storage.formats.contentline import Component, render
from storage.kinds import Prepared

MOST_LINES: Final = 2_000_000
"""Properties of a meeting times its forms, each of which is a pass over all of them: a thousand forms of two thousand
lines, as of fifty people in forty instances each (SYS-17)."""
_BEGIN: Final = b"BEGIN:VCALENDAR\r\n"


class View:
    """One form of a meeting, with all that is written of it."""

    def __init__(self, found: Component, base: Prepared | None = None) -> None:
        self.calendar = found
        self._base = base
        self.uid = itip.parts(found)[0].value("UID").strip()

    @cached_property
    def prepared(self) -> Prepared:
        """Ready to be stored."""
        body = render(self.calendar)
        return calendar.prepare(body) if self._base is None else calendar.restated(self._base, body)

    @cached_property
    def plain(self) -> bool:
        """Whether others see of it what they see of any event: then many copies can be written together."""
        return not self.prepared.private and self.prepared.index["stub"] is not None

    @cached_property
    def request(self) -> bytes:
        """As a message; METHOD is all that it has beside the copy."""
        return self.prepared.body.replace(_BEGIN, _BEGIN + b"METHOD:REQUEST\r\n", 1)

    @cached_property
    def comparable(self) -> bytes:
        """A form that tells whether anything in it differs."""
        return calendar_views.comparable(self.prepared.common)


class Views:
    """The views of one form of a meeting."""

    def __init__(self, meeting: Component, base: Prepared | None = None) -> None:
        """`base` is the meeting made ready to be stored, where nothing of it is its viewer's alone."""
        self.meeting = meeting
        self._base = base
        self._count = 0
        self._lines = 0
        self._invited: dict[str, list[int]] = {}
        for self._count, each in enumerate(itip.parts(meeting), 1):
            self._lines += len(each.properties)
            for address in dict.fromkeys(itip.address(prop.value) for prop in each.all("ATTENDEE")):
                self._invited.setdefault(address, []).append(self._count)
        self._made: dict[tuple[int, ...], View | None] = {}

    def demand_few(self) -> None:
        """Let a meeting have as many forms as can be made while others wait.

        Raises:
            LimitReached: its attendees are invited to too many different sets of its instances.
        """
        if len({tuple(instances) for instances in self._invited.values()}) * self._lines > MOST_LINES:
            raise LimitReached("meeting_lines", MOST_LINES)

    def of(self, address: str) -> View | None:
        """What one attendee gets; None if he is invited to nothing."""
        key = tuple(self._invited.get(address, ()))
        if key not in self._made:
            found = itip.copy_for(self.meeting, frozenset({address}))
            # Who is not invited to an instance has an exception there.
            whole = self._base if len(key) == self._count else None
            self._made[key] = None if found is None else View(found, whole)
        return self._made[key]
