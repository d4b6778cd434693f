"""The SMS agenda: a day's events as one SMS, on the weekdays that somebody ticked (REM-10…14)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from storage import collections as tree
from storage import preferences
from storage.agenda import Habits, Happening, habits, happenings, seconds
from storage.containment import contains
from storage.errors import Refused
from storage.scheduling import people
from storage.scheduling.people import Person
from storage.schema import accounts, principals
from storage.sms import number, queue
from storage.sms.tables import agendas
from storage.store import Store, Transaction
from storage.types import SITE, Principal, PrincipalId, SpaceKind

LATE_S: Final = 3_600
"""So long after its time it is still sent, if the server was down."""
_DAYS: Final = "sms_agenda_days"
_TIMES: Final = {"same": "07:00", "next": "19:00"}


class _Wish(NamedTuple):
    account: PrincipalId
    login: str
    covers: str
    today: date
    """In his own zone."""


def run(store: Store, stopped: Callable[[], bool] = lambda: False) -> int:
    """Queue the agendas whose time has come, each once a day; gives how many."""
    made = 0
    for wish in _due(store):
        if stopped():
            break
        with store.write(SITE) as tx:
            if _first_today(tx, wish):
                made += _send(tx, wish) == ""
    return made


def now(tx: Transaction, account: Principal) -> None:
    """Queue today's agenda at once, or tomorrow's for who wants the next day's (REM-13).

    Raises:
        Refused: the day is empty (REM-11), or there is no number or no credit.
        Denied, NotFound: it is somebody else's account.
    """
    held = preferences.of(tx, account)
    today = datetime.fromtimestamp(tx.now, ZoneInfo(str(held["timezone"]))).date()
    refused = _send(tx, _Wish(account.id, account.name, str(held["sms_agenda_covers"]), today))
    if refused:
        raise Refused(refused)


def _due(store: Store) -> list[_Wish]:
    query = (
        sa.select(accounts.c.id, accounts.c.preferences, principals.c.name, agendas.c.sent)
        .join(principals, principals.c.id == accounts.c.id)
        .outerjoin(agendas, agendas.c.account_id == accounts.c.id)
        .where(contains(accounts.c.preferences, f'"{_DAYS}"'), ~accounts.c.suspended)
    )
    with store.read(SITE) as tx:
        return [wish for row in tx.db.execute(query) if (wish := _wish(row, tx.now))]


def _wish(row: Any, moment: float) -> _Wish | None:
    held = json.loads(row.preferences)
    zone = ZoneInfo(str(held.get("timezone", "UTC")))
    today = datetime.fromtimestamp(moment, zone).date()
    days = str(held.get(_DAYS, "")).split(",")
    if preferences.WEEKDAYS[today.weekday()] not in days or row.sent == today.isoformat():
        return None
    covers = str(held.get("sms_agenda_covers", "same"))
    at = time.fromisoformat(str(held.get("sms_agenda_time") or _TIMES[covers]))
    if not 0 <= moment - datetime.combine(today, at, zone).timestamp() < LATE_S:
        return None
    return _Wish(PrincipalId(row.id), row.name, covers, today)


def _first_today(tx: Transaction, wish: _Wish) -> bool:
    """Note that it is sent today; False if another process did."""
    # The account's row is locked: two that look at once must not both insert.
    tx.db.execute(sa.select(accounts.c.id).where(accounts.c.id == wish.account).with_for_update())
    here, today = agendas.c.account_id == wish.account, wish.today.isoformat()
    known = tx.db.execute(sa.select(agendas.c.sent).where(here)).scalar()
    if known == today:
        return False
    if known is None:
        tx.db.execute(sa.insert(agendas).values(account_id=wish.account, sent=today))
    else:
        tx.db.execute(sa.update(agendas).where(here).values(sent=today))
    return True


def _send(tx: Transaction, wish: _Wish) -> str:
    """Queue it; gives why not, or ""."""
    own = number.own(tx, wish.account, wish.login)
    if not own:
        return "there is no complete mobile number in the personal record"
    text = _text(people.acting(tx, Person(wish.account, wish.login)), wish)
    if not text:
        return "there is nothing on that day"
    if not queue.put(tx, wish.account, wish.login, own, text):
        return "no SMS are left this month"
    return ""


def _text(tx: Transaction, wish: _Wish) -> str:
    """Start and title of every event of the private calendar, a line each (REM-14)."""
    reader = habits(tx)
    day = wish.today + timedelta(days=wish.covers == "next")
    start, end = seconds(day, day, reader)
    calendar = tree.find(tx, SpaceKind.PRIVATE, wish.login, "events")
    found = happenings(tx, calendar, start, end, reader.zone)
    return "\n".join(_line(one, start, reader) for one in found if one.status != "CANCELLED")


def _line(one: Happening, start: int, reader: Habits) -> str:
    title = " ".join(one.summary.split()) or "-"
    if one.all_day or one.start < start:
        return title
    moment = datetime.fromtimestamp(one.start, reader.zone)
    shown = f"{moment:%H:%M}" if reader.clock_h == 24 else f"{moment:%I:%M %p}".lstrip("0")
    return f"{shown} {title}"
