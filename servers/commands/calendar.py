"""`escritoire calendar`: what is done to a calendar as a whole (CAL-18)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import click

from servers.cli import Desk
from servers.commands.opened import Target, account, acting_on, ask, collection, opened, place
from storage import preferences, transfer
from storage import reminders as waiting
from storage.types import SITE, SpaceKind


@click.group()
def command() -> None:
    """Calendars as a whole.

    \b
    Example:
        escritoire calendar prune alice/events --before 2020-01-01
        escritoire calendar reminders alice
    """


@command.command()
@click.argument("login")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def reminders(desk: Desk, login: str, as_json: bool) -> None:
    """List the mails by which the desk will remind somebody of his events, the next one first."""
    with opened(desk) as store, store.read(SITE) as tx:
        person = account(tx, login)
        zone = ZoneInfo(str(preferences.of(tx, person)["timezone"]))
        found = waiting.listing(tx, person)
    rows = [
        {
            "at": f"{datetime.fromtimestamp(one.at, zone):%Y-%m-%d %H:%M}",
            "start": f"{datetime.fromtimestamp(one.start, zone):%Y-%m-%d %H:%M}",
            "summary": one.summary,
        }
        for one in found
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['at']}  {row['summary']} ({row['start']})")
    if not rows:
        click.echo("no reminders: give an event an alarm of the kind e-mail in a calendar program")


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
