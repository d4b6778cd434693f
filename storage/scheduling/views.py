"""What attendees get of a meeting: the same for all who are invited to the same instances, so it is made once."""

from __future__ import annotations

from functools import cached_property

from storage import calendar
from storage.formats import calendar_views, itip
from storage.formats.contentline import Component, render
from storage.kinds import Prepared


class View:
    """One form of a meeting, with all that is written of it."""

    def __init__(self, found: Component) -> None:
        self.calendar = found
        self.uid = itip.parts(found)[0].value("UID").strip()

    @cached_property
    def prepared(self) -> Prepared:
        """Ready to be stored."""
        return calendar.prepare(render(self.calendar))

    @cached_property
    def request(self) -> bytes:
        """As a message."""
        return itip.message(self.calendar, "REQUEST")

    @cached_property
    def comparable(self) -> bytes:
        """A form that tells whether anything in it differs."""
        return calendar_views.comparable(self.prepared.common)


class Views:
    """The views of one form of a meeting."""

    def __init__(self, meeting: Component) -> None:
        self._meeting = meeting
        self._invited = [{itip.address(prop.value) for prop in each.all("ATTENDEE")} for each in itip.parts(meeting)]
        self._made: dict[tuple[bool, ...], View | None] = {}

    def of(self, address: str) -> View | None:
        """What one attendee gets; None if he is invited to nothing."""
        key = tuple(address in people for people in self._invited)
        if key not in self._made:
            found = itip.copy_for(self._meeting, frozenset({address}))
            self._made[key] = None if found is None else View(found)
        return self._made[key]
