"""An answer is written into the organizer's object, for the instances that it speaks of (RFC 5546 §3.2.3, MTG-11)."""

from __future__ import annotations

from typing import Final

from storage.errors import LimitReached
from storage.formats import delegation, instances, itip
from storage.formats.contentline import Component
from storage.scheduling.asking import Asked

MOST_LINES: Final = 40_000
"""Properties of an object to which answers may add instances, each of which names everybody who is invited.

That is 40 instances answered apart among a thousand people, 800 among fifty. Beyond it anybody who is invited could
make the meeting as large as he likes, and so slow that nobody else can write.
"""


def apply(
    meeting: Component, who: frozenset[str], answer: Component, *, whole: bool = True, asked: Asked | None = None
) -> bool:
    """Set the attendee's state in the organizer's object; False if he is not invited (RFC 5546 §3.2.3).

    What he says counts for what he was `asked`.

    Raises:
        LimitReached: it has too many instances that were answered apart.
    """
    lines = sum(map(_lines, itip.parts(meeting)))
    known = {itip.instance(each): each for each in itip.parts(meeting)}
    moments: dict[int, Component] | None = None
    series: instances.Whole | None = None
    applied = False
    for each in itip.parts(answer):
        given = itip.attendee(each, who)
        if given is None:
            continue
        key = itip.instance(each)
        targets = list(known.values()) if whole and not key else [known[key]] if key in known else []
        moment, at = each.get("RECURRENCE-ID"), None
        if moment is not None and not targets:
            moments = instances.by_moment(meeting, known.values()) if moments is None else moments
            at = instances.moment(answer, moment)
            targets = [moments[at]] if at is not None and at in moments else []
        if key and not targets and "" in known:
            if asked is not None and not asked.counts(key, each, apart=False):
                continue
            # An answer says nothing of times (MTG-12), and makes no instance where the series has none.
            if series is None:
                series = instances.Whole(_series(meeting), known[""])
            made = series.override(moment) if moment is not None else None
            if made is None:
                continue
            lines += _lines(made)
            if lines > MOST_LINES:
                raise LimitReached("meeting_lines", MOST_LINES)
            meeting.components.append(made)
            known[key] = made
            if moments is not None and at is not None:
                moments[at] = made
            targets = [made]
        for target in targets:
            mine = itip.attendee(target, who)
            if mine is None or (asked is not None and not asked.counts(itip.instance(target), each)):
                continue
            applied = True
            itip.set_param(mine, "PARTSTAT", itip.partstat(given))
            delegation.settle(target, mine, given, each)
            itip.set_param(mine, "SCHEDULE-STATUS", "2.0")
            itip.set_param(mine, "RSVP", "")
            comment = each.value("COMMENT")
            itip.set_param(mine, "X-CALENDARSERVER-RESPONSE-COMMENT", "")
            itip.set_param(mine, itip.RESPONSE_COMMENT, comment.replace('"', "'")[:500])
    return applied


def _lines(part: Component) -> int:
    """Properties of a component and of its alarms."""
    return len(part.properties) + sum(len(inner.properties) for inner in part.components)


def _series(meeting: Component) -> Component:
    """What says when instances take place that are no components: the series alone, unless one of these has a RANGE."""
    ranged = any(prop.param("RANGE") for each in itip.parts(meeting) if (prop := each.get("RECURRENCE-ID")) is not None)
    if ranged:
        return meeting
    return Component("VCALENDAR", [], [*meeting.of("VTIMEZONE"), *itip.parts(meeting)[:1]])
