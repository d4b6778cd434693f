"""`escritoire absence`: automatic answers while somebody is away (MSG-27)."""

from __future__ import annotations

import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from servers.cli import Desk
from servers.commands.listing import json_option, moment, sheet
from servers.commands.opened import account, acting, opened
from storage import preferences
from storage.mail import absence as away
from storage.mail.absence import Absence, Message

_STATES = {away.OFF: "off", away.ON: "on", away.SCHEDULED: "scheduled"}
_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"])


@click.group()
def command() -> None:
    """Automatic answers while somebody is away; nobody gets more than one in seven days.

    \b
    Examples:
        escritoire absence show alice
        escritoire absence on alice --text "I am back on Monday."
        escritoire absence on alice --from 2026-08-01 --until "2026-08-15 18:00" --text - < holidays.txt
        escritoire absence off alice
    """


@command.command()
@click.argument("login")
@json_option
@click.pass_obj
def show(desk: Desk, login: str, as_json: bool) -> None:
    """Show whether and what an account answers."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            found = away.of(tx)
    scheduled = found.state == away.SCHEDULED
    texts = {
        name: "" if one is None else one.text
        for name, one in (("internal", found.internal), ("contacts", found.known), ("others", found.others))
    }
    head = {
        "state": _STATES[found.state],
        "from": moment(found.starts) if scheduled else None,
        "until": moment(found.ends) if scheduled else None,
    }
    sheet(head | texts, as_json)


@command.command()
@click.argument("login")
@click.option("--text", required=True, help='What is answered; "-" reads it from standard input.')
@click.option("--from", "start", type=_MOMENT, help="When it begins, in the account's time zone.")
@click.option("--until", "end", type=_MOMENT, help="When it ends.")
@click.option("--only-internal", is_flag=True, help="Answer people of this desk only.")
@click.pass_obj
def on(desk: Desk, login: str, text: str, start: datetime | None, end: datetime | None, only_internal: bool) -> None:
    """Answer from now on, or between two moments."""
    if (start is None) is not (end is None):
        raise click.UsageError("--from and --until belong together")
    said = (sys.stdin.read() if text == "-" else text).strip()
    if not said or len(said) > away.TEXT_MAX:
        raise click.BadParameter(f"1 to {away.TEXT_MAX} characters", param_hint="--text")
    message = Message(said)
    others = None if only_internal else message
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            zone = ZoneInfo(preferences.zone_of(tx, account(tx, login).id))
            if start is None or end is None:
                wanted = Absence(away.ON, 0, 0, message, others, others)
            else:
                begin, over = (one.replace(tzinfo=zone).timestamp() for one in (start, end))
                if over <= begin:
                    raise click.BadParameter("it ends before it begins", param_hint="--until")
                wanted = Absence(away.SCHEDULED, begin, over, message, others, others)
            away.set_(tx, wanted)
    click.echo(f"{login} answers by itself")


@command.command()
@click.argument("login")
@click.pass_obj
def off(desk: Desk, login: str) -> None:
    """Answer no more; the texts are kept."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            found = away.of(tx)
            away.set_(tx, Absence(away.OFF, 0, 0, found.internal, found.known, found.others))
    click.echo(f"{login} does not answer by itself")
