"""Delegation: an attendee sends somebody in his stead, not beside himself (RFC 5546 §3.2.2.3)."""

from __future__ import annotations

from storage.formats import itip
from storage.formats.contentline import Component, Property


def complete(part: Component, me: frozenset[str]) -> str:
    """Give the delegate of an attendee's copy a line of his own, if it has none; gives his address, "" without one."""
    mine = itip.attendee(part, me)
    to = itip.delegate(mine)
    if mine is None or not to or to in me:
        return ""
    _place(part, mine, to, None)
    return to


def settle(part: Component, mine: Property, given: Property, answer: Component) -> None:
    """Bring an answer's delegation into the organizer's object: the delegate comes, or a former one goes.

    `mine` is the attendee's line in `part`, `given` what he answers.
    """
    to, former = itip.delegate(given), itip.address(mine.param("DELEGATED-TO") or "")
    if former and former != to:
        sent = itip.attendee(part, {former})
        if sent is not None and itip.address(sent.param("DELEGATED-FROM") or "") == itip.address(mine.value):
            part.properties.remove(sent)
        itip.set_param(mine, "DELEGATED-TO", "")
    if to and to != itip.address(mine.value):
        itip.set_param(mine, "DELEGATED-TO", f"mailto:{to}")
        if to != itip.address(part.value("ORGANIZER")):
            _place(part, mine, to, itip.attendee(answer, {to}))


def _place(part: Component, mine: Property, to: str, given: Property | None) -> None:
    line = itip.attendee(part, {to})
    if line is not None:
        if line.param("DELEGATED-FROM") is None:
            itip.set_param(line, "DELEGATED-FROM", mine.value.strip())
        return
    line = Property("ATTENDEE", f"mailto:{to}")
    name = given.param("CN") if given is not None else None
    for key, value in (("CN", name or ""), ("ROLE", mine.param("ROLE") or ""), ("PARTSTAT", itip.NEEDS_ACTION)):
        itip.set_param(line, key, value)
    itip.set_param(line, "RSVP", "TRUE")
    itip.set_param(line, "DELEGATED-FROM", mine.value.strip())
    part.properties.insert(part.properties.index(mine) + 1, line)
