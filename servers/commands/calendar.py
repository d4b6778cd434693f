"""`escritoire calendar`: what no calendar program does: old events, reminders by the desk (CAL-18, REM-01…05)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import click

from servers.cli import Desk
from servers.commands.listing import json_option, table
from servers.commands.opened import Target, account, acting_on, ask, collection, opened, place
from storage import agenda, event_reminders, preferences, transfer
from storage import reminders as waiting
from storage.types import SITE, SpaceKind, Tool


@click.group()
def command() -> None:
    """Calendars: what no calendar program does.

    \b
    Examples:
        escritoire calendar list alice/events --days 7
        escritoire calendar remind alice/events/tea.ics --mail 1h --sms 15m
        escritoire calendar reminders alice
        escritoire calendar prune alice/events --before 2020-01-01
    """


@command.command()
@click.argument("login")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def reminders(desk: Desk, login: str, as_json: bool) -> None:
    """List what the desk will remind somebody of by mail or SMS, the next one first (REM-05)."""
    with opened(desk) as store, store.read(SITE) as tx:
        person = account(tx, login)
        zone = ZoneInfo(str(preferences.of(tx, person)["timezone"]))
        found = waiting.listing(tx, person)
    rows = [
        {
            "at": f"{datetime.fromtimestamp(one.at, zone):%Y-%m-%d %H:%M}",
            "start": f"{datetime.fromtimestamp(one.start, zone):%Y-%m-%d %H:%M}",
            "summary": one.summary,
            "by": [name for name, wanted in (("mail", one.mail), ("sms", one.sms)) if wanted],
        }
        for one in found
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['at']}  {row['summary']} ({row['start']}), by {' and '.join(row['by'])}")
    if not rows:
        click.echo("no reminders: `escritoire calendar remind` sets one, or an alarm of the kind e-mail in a program")


def before(value: str) -> int:
    """Read 15m, 2h, 1d or 0 as seconds.

    Raises:
        BadParameter: it is no such time.
    """
    unit = {"m": 60, "h": 3_600, "d": 86_400}.get(value[-1:].lower())
    digits = value if unit is None else value[:-1]
    if not (digits.isascii() and digits.isdecimal()) or (unit is None and int(digits)) or len(digits) > 6:
        raise click.BadParameter(f"{value!r} is no time before, such as 15m, 2h, 1d, or 0 for the very moment")
    return int(digits) * (unit or 0)


@command.command()
@click.argument("target", metavar="EVENT", type=place)
@click.option("--mail", "mail_s", type=before, help="Remind by mail so long before: 15m, 2h, 1d, or 0.")
@click.option("--sms", "sms_s", type=before, help="Remind by SMS, to the mobile number of the personal record.")
@click.option("--off", is_flag=True, help="Remind no more.")
@click.option("--as", "login", help="Who sets it; the owner without it.")
@click.pass_obj
def remind(
    desk: Desk, target: Target, mail_s: int | None, sms_s: int | None, off: bool, login: str | None
) -> None:  # fmt: skip
    """Let the desk remind of EVENT, or of each of its series, before it begins (REM-01…04).

    What is given takes the place of what there was; alarms that ring on devices stay. `list` tells the names.

    \b
    Examples:
        escritoire calendar remind alice/events/tea.ics --mail 1h
        escritoire calendar remind alice/events/tea.ics --off
    """
    if (mail_s is None and sms_s is None) is not off:
        raise click.UsageError("Give --mail, --sms or both, or --off.")
    if target.item is None:
        raise click.BadParameter("name an event, such as alice/events/tea.ics")
    with opened(desk) as store, store.write(acting_on(store, target, login)) as tx:
        event_reminders.choose(tx, collection(tx, target), target.item, mail_s=mail_s, sms_s=sms_s)


@command.command("list")
@click.argument("target", metavar="PLACE", type=place)
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="From that day on; today without it.")
@click.option("--days", type=click.IntRange(1, 3_660), default=30, show_default=True, help="So many days.")
@click.option("--as", "login", help="Who looks; the owner, or the group's admin, without it.")
@json_option
@click.pass_obj
def list_(desk: Desk, target: Target, first: datetime | None, days: int, login: str | None, as_json: bool) -> None:
    """List what happens in a calendar, with the names that other commands take; times in the zone of who looks."""
    with opened(desk) as store, store.read(acting_on(store, target, login)) as tx:
        zone = ZoneInfo(preferences.zone_of(tx, tx.actor.id))
        begin = (first or datetime.fromtimestamp(tx.now, zone)).date()
        days = min(days, (date.max - begin).days)  # there is no day after the last
        start, end = transfer.day_range(begin, begin + timedelta(days=days - 1), zone)
        where = collection(tx, target)
        if where.tool not in (Tool.CALENDAR, Tool.TASKS):
            raise click.BadParameter(f"{where.name} is no calendar")
        found = agenda.happenings(tx, where, start, end, zone)
    rows = [
        {
            "name": one.item.name,
            "start": _moment(one.start, one.all_day, zone),
            "end": _moment(one.end, one.all_day, zone),
            "summary": one.summary or ("busy" if one.busy else ""),
            "location": one.location,
        }
        for one in found
    ]
    table(rows, ("start", "end", "name", "summary", "location"), as_json, "nothing happens in these days")


def _moment(seconds: int, all_day: bool, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(seconds, zone):{'%Y-%m-%d' if all_day else '%Y-%m-%d %H:%M'}}"


@command.command()
@click.argument("target", metavar="PLACE", type=place)
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), required=True, help="A day, as in 2020-01-01.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--as", "login", help="Who deletes; the owner, or the group's admin, without it.")
@click.pass_obj
def prune(desk: Desk, target: Target, before: datetime, yes: bool, login: str | None) -> None:
    """Delete the events that ended before a day began; a series only if its last instance did."""
    if target.item is not None:
        raise click.BadParameter("prune a calendar, such as alice/events")
    with opened(desk) as store:
        actor = acting_on(store, target, login)
        ask(f"Delete all events of {target.space}/{target.collection} before {before:%Y-%m-%d}?", yes)
        with store.read(SITE) as tx:
            zone: tzinfo = UTC
            if target.kind is SpaceKind.PRIVATE:
                zone = ZoneInfo(str(preferences.of(tx, account(tx, target.space))["timezone"]))
        with store.write(actor) as tx:
            number = transfer.prune(tx, collection(tx, target), before.date(), zone)
    click.echo(f"{number} deleted")
