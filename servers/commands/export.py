"""`escritoire export`: a calendar or an address book as one file (CAL-29, CON-24)."""

from __future__ import annotations

import sys
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from servers.cli import Desk
from servers.commands import mails
from servers.commands.opened import MAIL, Target, account, acting_on, collection, opened, place
from storage import items, preferences, transfer
from storage.store import Transaction
from storage.types import SITE, SpaceKind

_date = click.DateTime(["%Y-%m-%d"])
_MEANINGS = {
    "ics": "iCalendar",
    "vcs": "vCalendar 1.0",
    "outlook": "Outlook's CSV",
    "zip": "one .vcf for each",
} | mails.FORMATS


@click.command()
@click.argument("target", metavar="PLACE", type=place)
@click.option(
    "--format",
    "form",
    type=click.Choice([*transfer.CALENDAR_FORMATS, *transfer.CONTACT_FORMATS, *mails.FORMATS]),
    help="; ".join(f"{name} is {meaning}" for name, meaning in _MEANINGS.items()) + ". ics or vcf without it.",
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File instead of standard output."
)
@click.option("--day", type=_date, help="Only what happens on that day, as in 2026-03-31.")
@click.option("--week", type=_date, help="Only the week of that day, from the owner's first day of the week.")
@click.option("--month", type=click.DateTime(["%Y-%m"]), help="Only that month, as in 2026-03.")
@click.option("--from", "first", type=_date, help="Only from that day on.")
@click.option("--to", "last", type=_date, help="Only up to the end of that day.")
@click.option("--as", "login", help="Who looks; the owner, or the group's admin, without it.")
@click.pass_obj
def command(
    desk: Desk,
    target: Target,
    form: str | None,
    output: Path | None,
    day: datetime | None,
    week: datetime | None,
    month: datetime | None,
    first: datetime | None,
    last: datetime | None,
    login: str | None,
) -> None:
    """Write the collection, or the one item, PLACE as a file.

    \b
    Examples:
        escritoire export alice/events -o alice.ics
        escritoire export alice/events --month 2026-03
        escritoire export groups/IAB/contacts --format csv
        escritoire export alice/mail --format eml -o mail.zip
        escritoire export alice/mail/INBOX --format mbox -o inbox.mbox
    """
    if target.collection == MAIL:
        mails.write(desk, target, form, output, login)
        return
    if sum(one is not None for one in (day, week, month, first or last)) > 1:
        raise click.UsageError("Give one of --day, --week, --month, and --from with --to.")
    with opened(desk) as store:
        with store.read(SITE) as tx:
            zone, first_day = _habits(tx, target)
        with store.read(acting_on(store, target, login)) as tx:
            found = collection(tx, target)
            if target.item is not None:
                data = items.get(tx, found, target.item).body or b""
            else:
                start, end = _range(day, week, month, first, last, first_day, zone)
                wanted = form or ("ics" if found.components else "vcf")
                data = transfer.export(tx, found, wanted, start=start, end=end, floating=zone)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)


def _habits(tx: Transaction, target: Target) -> tuple[tzinfo, int]:
    """The owner's time zone, and his first day of the week from 0, Monday; UTC and Monday for a group."""
    if target.kind is SpaceKind.GROUP:
        return UTC, 0
    held = preferences.of(tx, account(tx, target.space))
    return ZoneInfo(str(held["timezone"])), preferences.WEEKDAYS.index(str(held["first_day"]))


def _range(
    day: datetime | None,
    week: datetime | None,
    month: datetime | None,
    first: datetime | None,
    last: datetime | None,
    first_day: int,
    zone: tzinfo,
) -> tuple[int | None, int | None]:
    if day is not None:
        return transfer.day_range(day.date(), day.date(), zone)
    if week is not None:
        begin = week.date() - timedelta(days=min((week.weekday() - first_day) % 7, week.toordinal() - 1))
        return transfer.day_range(begin, begin + timedelta(days=min(6, (date.max - begin).days)), zone)
    if month is not None:
        return transfer.day_range(month.date(), month.date().replace(day=monthrange(month.year, month.month)[1]), zone)
    start = None if first is None else transfer.day_range(first.date(), first.date(), zone)[0]
    end = None if last is None else transfer.day_range(last.date(), last.date(), zone)[1]
    return start, end
