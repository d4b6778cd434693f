"""A person's preferences: what can be chosen, and what holds when nothing was (ACC-03…08, ACC-17, CAL-27)."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from storage import principals as people
from storage.containment import contains
from storage.errors import Denied, NotFound, Refused
from storage.schema import accounts, addresses, principals
from storage.statements import Statement
from storage.store import Transaction
from storage.types import SITE, Collection, Principal, PrincipalId, Right, SpaceKind

Value = int | str
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Preference:
    """One preference: its default, and how a text becomes a value or is refused."""

    default: Value
    parse: Callable[[str], Value]
    choices: str
    """What can be chosen, for people."""


def _one_of(*values: Value) -> Callable[[str], Value]:
    known = {str(value): value for value in values}

    def parse(text: str) -> Value:
        if text.strip().lower() not in known:
            raise ValueError(text)
        return known[text.strip().lower()]

    return parse


def _between(lowest: int, highest: int) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        value = int(text)
        if not lowest <= value <= highest:
            raise ValueError(text)
        return value

    return parse


def _zone(text: str) -> Value:
    name = text.strip()
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(name) from error
    return name


def _weekdays(text: str) -> Value:
    """Weekdays in the week's order, comma-separated; "none" is none of them."""
    names = {name for name in text.lower().replace(",", " ").split() if name != "none"}
    if names - set(WEEKDAYS):
        raise ValueError(text)
    return ",".join(name for name in WEEKDAYS if name in names)


def _clock(text: str) -> Value:
    """A time of day as HH:MM."""
    hour, _, minute = text.strip().partition(":")
    if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit() and len(minute) == 2):
        raise ValueError(text)
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(text)
    return f"{int(hour):02}:{minute}"


def _choice(default: Value, *values: Value) -> Preference:
    return Preference(default, _one_of(*values), ", ".join(str(value) for value in values))


def _number(default: int, lowest: int, highest: int) -> Preference:
    return Preference(default, _between(lowest, highest), f"{lowest} to {highest}")


DEFAULT_SENDER: Final = "default_sender"
USER_TYPE: Final = "calendar_user_type"
MEETING_MAILS: Final = "meeting_mails"
"""Which mails a participant gets of meetings that his calendar has already."""
OVERLAY: Final = "overlay"
PREFERENCES: Final[Mapping[str, Preference]] = {
    "day_start_hour": _number(8, 0, 23),
    "day_end_hour": _number(18, 1, 24),
    "timezone": Preference("UTC", _zone, "a name of the IANA time zone database, such as Europe/Paris"),
    "start_page": _choice("week", "day", "week", "month"),
    "first_day": _choice("monday", *WEEKDAYS),
    "event_length_min": _choice(60, 0, 15, 30, 45, 60, 90, 120, 180, 240, 480),
    "grid_min": _choice(30, 10, 15, 20, 30, 60),
    "clock_h": _choice(24, 12, 24),
    "contacts_per_page": _number(20, 5, 50),
    "tasks_per_page": _number(20, 5, 50),
    "recent_days": _number(5, 0, 365),
    "inactivity_min": _number(30, 1, 480),
    "sms_parts_max": _number(1, 1, 10),
    "sms_agenda_days": Preference("", _weekdays, f"some of {', '.join(WEEKDAYS)}; none stops it"),  # REM-10, REM-12
    "sms_agenda_covers": _choice("same", "same", "next"),  # REM-10: the day of sending, or the one after it
    "sms_agenda_time": Preference("", _clock, "HH:MM; without it 07:00, or 19:00 for the next day"),  # REM-10
    DEFAULT_SENDER: Preference("", str.lower, "one of the confirmed addresses; without it the main one"),  # ACC-19
    "mails_per_page": _number(20, 5, 1_000),  # MSG-61; how many mails the command line lists
    "html_reply_format": _choice("html", "html", "text"),  # MSG-06, MSG-61: in which one mails in HTML are replied to
    "keep_sent": _choice("yes", "yes", "no"),  # MSG-11
    "request_receipts": _choice("no", "yes", "no"),  # MSG-15
    OVERLAY: _choice("yes", "yes", "no"),  # CAL-22
    USER_TYPE: _choice("individual", "individual", "room", "resource"),  # RFC 6638 §2.4.2
    MEETING_MAILS: _choice("changes", "all", "changes", "none"),  # MTG-06, MTG-13, MTG-15
    "answer_receipts": _choice("ask", "always", "never", "ask"),  # MSG-16
}
"""Names carry their unit; the figures are those of ACC-04, 05, 08, 17 and CAL-27."""


def of(tx: Transaction, account: Principal) -> dict[str, Value]:
    """All preferences of an account, defaults included.

    Raises:
        Denied, NotFound: they are shown to their owner and to the site administrator only.
    """
    _demand_own(tx, account)
    return {name: row.default for name, row in PREFERENCES.items()} | _stored(tx, account)


def reading_of(tx: Transaction, account: PrincipalId) -> tuple[str, int]:
    """Time zone and hours of the clock of an account, whoever acts: how its owner is told of times (CAL-27)."""
    held = tx.db.execute(sa.select(accounts.c.preferences).where(accounts.c.id == account)).scalar()
    stored = json.loads(held or "{}")
    zone, clock = (stored.get(name, PREFERENCES[name].default) for name in ("timezone", "clock_h"))
    return str(zone), int(clock)


def zone_of(tx: Transaction, account: PrincipalId) -> str:
    """The time zone of an account, whoever acts: for what the suite does for its owner."""
    stored = tx.db.execute(sa.select(accounts.c.preferences).where(accounts.c.id == account)).scalar()
    return str(json.loads(stored or "{}").get("timezone", PREFERENCES["timezone"].default))


def default_sender_of(tx: Transaction, account: PrincipalId) -> str:
    """The address that an account chose for what it writes, "" without a choice; whoever acts (ACC-19)."""
    return chosen_sender(tx.db.execute(sa.select(accounts.c.preferences).where(accounts.c.id == account)).scalar())


def chosen_sender(stored: str | None) -> str:
    """The same of an account's preferences as they are stored."""
    return str(json.loads(stored or "{}").get(DEFAULT_SENDER, ""))


_TYPED: Final = Statement(
    sa.select(accounts.c.id, accounts.c.preferences).where(contains(accounts.c.preferences, f'"{USER_TYPE}"'))
)


def user_types(tx: Transaction) -> dict[PrincipalId, str]:
    """The rooms and resources of the desk, and which of them they are, whoever asks (RFC 6638 §2.4.2)."""
    rows = _TYPED.all(tx, {})
    return {PrincipalId(row.id): str(json.loads(row.preferences).get(USER_TYPE)) for row in rows}


def chosen_hours(tx: Transaction, calendars: Sequence[Collection]) -> dict[PrincipalId, tuple[int, int, str]]:
    """First and last hour of their owners' days and their zones, for whoever sees when they are busy (CAL-27).

    Whoever never chose them is left out, and calendars of groups are.
    """
    wanted = sorted(
        one.space.id
        for one in calendars
        if one.space.kind is SpaceKind.PRIVATE and one.rights & (Right.SEE_BUSY | Right.SEE)
    )
    found: dict[PrincipalId, tuple[int, int, str]] = {}
    for start in range(0, len(wanted), _TOGETHER):
        for row in tx.db.execute(_STORED_OF_MANY, {"accounts": wanted[start : start + _TOGETHER]}):
            stored = json.loads(row.preferences or "{}")
            if {"day_start_hour", "day_end_hour"} & stored.keys():
                whole = {name: one.default for name, one in PREFERENCES.items()} | stored
                hours = int(whole["day_start_hour"]), int(whole["day_end_hour"])
                found[row.id] = *hours, str(whole["timezone"])
    return found


def choose(tx: Transaction, account: Principal, name: str, text: str) -> Value:
    """Set one preference from its text, and return what it now is; "" goes back to the default.

    Raises:
        Refused: there is no such preference, or it has no such choice.
        Denied, NotFound: as in `of`.
    """
    _demand_own(tx, account)
    known = PREFERENCES.get(name)
    if known is None:
        raise Refused(f"there is no preference {name}; there are: {', '.join(PREFERENCES)}")
    stored = _stored(tx, account)
    stored.pop(name, None)
    if text.strip():
        try:
            stored[name] = known.parse(text)
        except ValueError:
            raise Refused(f"{name} can be: {known.choices}") from None
    if name == DEFAULT_SENDER and stored.get(name):
        _demand_confirmed(tx, account, str(stored[name]))
    whole = {key: row.default for key, row in PREFERENCES.items()} | stored
    if int(whole["day_start_hour"]) >= int(whole["day_end_hour"]):
        raise Refused("the day must end after it starts: see day_start_hour and day_end_hour")
    here = sa.update(accounts).where(accounts.c.id == account.id)
    tx.db.execute(here.values(preferences=json.dumps(stored)))
    return whole[name]


def set_language(tx: Transaction, account: Principal, language: str, country: str = "") -> None:
    """Choose the language (BCP 47) of system mail and pages, and a country (ISO 3166); at once (ACC-03).

    Raises:
        Refused: the text cannot be a language or a country.
        Denied, NotFound: as in `of`.
    """
    _demand_own(tx, account)
    code = clean_language(language)
    place = country.strip().upper()
    if place and not (len(place) == 2 and place.isascii() and place.isalpha()):
        raise Refused("a country is given by its two letters, such as BE")
    tx.db.execute(sa.update(principals).where(principals.c.id == account.id).values(language=code))
    if place:
        tx.db.execute(sa.update(accounts).where(accounts.c.id == account.id).values(country=place))


def clean_language(text: str) -> str:
    """A language tag in its usual case; "" is English (SYS-16).

    Raises:
        Refused: it cannot be one.
    """
    parts = text.strip().replace("_", "-").split("-")
    if parts == [""]:
        return "en"
    if not (2 <= len(parts[0]) <= 3 and parts[0].isalpha()) or not all(
        part.isascii() and part.isalnum() and 1 <= len(part) <= 8 for part in parts
    ):
        raise Refused("a language is given by its tag, such as en, fr or pt-BR")
    head = parts[0].lower()
    return "-".join([head, *(part.upper() if len(part) == 2 else part.lower() for part in parts[1:])])


_TOGETHER: Final = 500
_STORED_OF_MANY: Final = sa.select(accounts.c.id, accounts.c.preferences).where(
    accounts.c.id.in_(sa.bindparam("accounts", expanding=True))
)
_STORED: Final = Statement(sa.select(accounts.c.preferences).where(accounts.c.id == sa.bindparam("account")))


def _stored(tx: Transaction, account: Principal) -> dict[str, Value]:
    text: str | None = _STORED.scalar(tx, {"account": account.id})
    if text is None:
        raise NotFound(account.name)
    held: dict[str, Value] = json.loads(text)
    return {name: value for name, value in held.items() if name in PREFERENCES}


def _demand_confirmed(tx: Transaction, account: Principal, address: str) -> None:
    own = sa.select(addresses.c.address).where(addresses.c.account_id == account.id, addresses.c.confirmed)
    held = list(tx.db.execute(own.order_by(addresses.c.position, addresses.c.id)).scalars())
    if address not in held:
        raise Refused(f"{DEFAULT_SENDER} can be: {', '.join(held) or 'nothing, for no address is confirmed'}")


def _demand_own(tx: Transaction, account: Principal) -> None:
    if tx.actor.id not in (account.id, SITE.id):
        people.by_id(tx, account.id)  # a stranger is told that there is nobody
        raise Denied(Right.ADMINISTER, account.name)
