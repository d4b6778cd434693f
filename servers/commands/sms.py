"""`escritoire sms`: whether somebody can get SMS, what is left, his agenda at once (SMS-09, SMS-11, REM-13)."""

from __future__ import annotations

import click

from servers.cli import Desk
from servers.commands.listing import json_option, sheet
from servers.commands.opened import account, opened
from storage.errors import Refused
from storage.sms import agenda as agendas
from storage.sms import credit, number, queue
from storage.types import SITE


@click.group()
def command() -> None:
    """SMS to mobile phones.

    \b
    Example:
        escritoire sms show alice
        escritoire user preference alice sms_agenda_days monday,friday
        escritoire sms agenda alice
    """


@command.command()
@click.argument("login")
@json_option
@click.pass_obj
def show(desk: Desk, login: str, as_json: bool) -> None:
    """The number that somebody's SMS go to, this month's allotment, and what keeps him from getting any."""
    with opened(desk) as store, store.read(SITE) as tx:
        person = account(tx, login)
        own = number.own(tx, person.id, person.name)
        found = credit.of(tx, person.id)
        on_their_way = queue.waiting(tx, person.id)
    problems = []
    if not desk.settings.sms.gateway:
        problems.append("the desk has no gateway: see sms.gateway in its settings")
    if not own:
        problems.append("no complete mobile number in the personal record")
    if found.allotted == 0:
        problems.append("the plan has no SMS")
    elif found.left == 0:
        problems.append("this month's SMS are used up")
    row = {"number": f"+{own}" if own else "", "allotted": found.allotted, "used": found.used, "left": found.left}
    sheet(row | {"waiting": on_their_way, "problems": problems}, as_json)


@command.command()
@click.argument("login")
@click.pass_obj
def agenda(desk: Desk, login: str) -> None:
    """Send somebody today's agenda at once, or tomorrow's if that is what he gets (REM-13)."""
    if not desk.settings.sms.gateway:
        raise Refused("the desk has no gateway for SMS: see sms.gateway in its settings")
    with opened(desk) as store, store.write(SITE) as tx:
        agendas.now(tx, account(tx, login))
    click.echo("it is on its way")
