"""Feeds of a calendar: what happens today, this week, this month, in 30 days (CALSYNC-18, CALSYNC-20)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from servers.feeds.feed import Entry, Feed
from servers.feeds.visit import Visit
from servers.http.response import Response
from storage import agenda, calendar_feed
from storage import collections as tree
from storage.agenda import Habits, Happening, Span
from storage.types import Collection, SpaceKind

_WORDS = {Span.TODAY: "today", Span.WEEK: "this week", Span.MONTH: "this month", Span.DAYS_30: "the next 30 days"}


def private(visit: Visit, login: str, span: str, form: str) -> Response:
    """Of a person's calendar, as far as the reader may see it."""
    return _events(visit, SpaceKind.PRIVATE, login, Span(span), form)


def group(visit: Visit, group: str, span: str, form: str) -> Response:
    """Of a group's calendar."""
    return _events(visit, SpaceKind.GROUP, group, Span(span), form)


def _events(visit: Visit, kind: SpaceKind, space: str, span: Span, form: str) -> Response:
    with visit.store.read(visit.actor) as tx:
        calendar = tree.find(tx, kind, space, "events")
        habits = agenda.habits(tx)
        first, last = agenda.days(span, habits, tx.now)
        begin, end = agenda.seconds(first, last, habits)

        def build() -> Feed:
            found = agenda.happenings(tx, calendar, begin, end, habits.zone)
            entries = tuple(_entry(visit, calendar, habits, one) for one in found)
            whose = calendar.space.display_name or calendar.space.name
            return Feed(
                id=visit.identity("events", calendar.id, span.value),
                title=f"{whose}: {visit.say(_WORDS[span])}",
                subtitle=str(first) if first == last else f"{first} – {last}",
                url=visit.url,
                home=visit.dav_url(calendar),
                author=whose,
                # A new day is news too, though nobody changed anything.
                updated=max(calendar.modified, min(begin, tx.now)),
                entries=entries,
            )

        seen = (calendar_feed.validator(calendar), begin, end, str(habits))
        return visit.feed(form, seen, build)


def _entry(visit: Visit, calendar: Collection, habits: Habits, one: Happening) -> Entry:
    item = one.item
    when = _when(one, habits)
    lines = [_when(one, habits, dated=True)]
    lines += [visit.say("Where: {}", one.location)] if one.location else []
    lines += [visit.say("Organizer: {}", one.organizer)] if one.organizer else []
    lines += ["", one.description] if one.description else []
    return Entry(
        id=visit.identity("event", calendar.id, item.id, one.recurrence_id),
        title=f"{when} {_name(visit, one)}",
        updated=item.modified,
        text="\n".join(lines),
        link="" if one.busy else visit.dav_url(calendar, item.name),
        categories=one.categories,
        starts=_iso(one.start, habits.zone, one.all_day),
        ends=_iso(one.end, habits.zone, one.all_day),
        place=one.location,
    )


def _name(visit: Visit, one: Happening) -> str:
    if one.busy:
        return visit.say("Busy")  # CAL-07: times without details
    name = one.summary or visit.say("(no title)")
    mark = {"CANCELLED": "Cancelled: {}", "TENTATIVE": "Tentative: {}"}.get(one.status)
    return visit.say(mark, name) if mark else name


def _when(one: Happening, habits: Habits, *, dated: bool = False) -> str:
    """When it is, short for a title: `2026-11-23 10:00`; `dated` with its end."""
    begin = datetime.fromtimestamp(one.start, habits.zone)
    end = datetime.fromtimestamp(max(one.start, one.end), habits.zone)
    if one.all_day:
        last = max(begin.date(), (end - timedelta(seconds=1)).date())
        return _days(begin.date(), last)
    clock = "%H:%M" if habits.clock_h == 24 else "%I:%M %p"
    text = f"{begin.date()} {begin.strftime(clock)}"
    if not dated or end == begin:
        return text
    return (
        f"{text} – {end.strftime(clock)}"
        if end.date() == begin.date()
        else f"{text} – {end.date()} {end.strftime(clock)}"
    )


def _days(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} – {last}"


def _iso(seconds: int, zone: tzinfo, all_day: bool) -> str:
    moment = datetime.fromtimestamp(seconds, zone)
    if all_day:
        return moment.date().isoformat()
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
