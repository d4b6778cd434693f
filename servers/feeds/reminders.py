"""reminders.rss: all reminders that wait for the reader, the next one first (REM-05)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from servers.feeds.feed import Entry, Feed
from servers.feeds.visit import Visit
from servers.http.response import Response
from storage import preferences, principals
from storage import reminders as waiting
from storage.errors import NotFound
from storage.reminders import Reminder

_MOST = 200


def reminders(visit: Visit, login: str, form: str) -> Response:
    """One entry for each event or task that reminds him next, in his own zone; the reader's own feed only."""
    if login != visit.actor.login:
        raise NotFound(login)
    with visit.store.read(visit.actor) as tx:
        me = principals.me(tx)
        zone = ZoneInfo(str(preferences.of(tx, me)["timezone"]))
        found = waiting.listing(tx, me)[:_MOST]

    def build() -> Feed:
        return Feed(
            id=visit.identity("reminders", me.id),
            title=f"{me.display_name or me.name}: {visit.say('reminders')}",
            subtitle=visit.say("Reminders that wait, the next one first."),
            url=visit.url,
            home=f"{visit.settings.dav_origin or visit.origin}/dav/{me.name}/private/events/",
            author=me.display_name or me.name,
            updated=max((one.modified for one in found), default=0),
            entries=tuple(_entry(visit, one, zone) for one in found),
        )

    seen = [(one.item, one.at, one.start, one.summary, one.modified) for one in found]
    return visit.feed(form, (me.display_name, str(zone), seen), build)


def _entry(visit: Visit, one: Reminder, zone: ZoneInfo) -> Entry:
    at, start = (datetime.fromtimestamp(moment, zone) for moment in (one.at, one.start))
    return Entry(
        # The next reminder of a series is another one.
        id=visit.identity("reminder", one.item, one.at),
        title=f"{at:%Y-%m-%d %H:%M} {one.summary or '-'}",
        updated=one.modified,
        text=f"{one.summary or '-'}\n{start:%Y-%m-%d %H:%M}",
        starts=start.isoformat(),
    )
