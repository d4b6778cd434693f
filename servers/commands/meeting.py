"""`escritoire meeting`: who answered, and what no calendar program does for those outside (MTG-05, 06, 11)."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from servers.cli import Desk
from servers.commands.opened import account, acting, opened
from storage import preferences
from storage.scheduling import tracking


@click.group()
def command() -> None:
    """Meetings: who answered what.

    \b
    Examples:
        escritoire meeting list alice
        escritoire meeting answer alice 4f1c@example.test eve@else.test accepted
        escritoire meeting resend alice 4f1c@example.test
    """


@command.command("list")
@click.argument("login")
@click.option("--all", "every", is_flag=True, help="Past ones as well.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_(desk: Desk, login: str, every: bool, as_json: bool) -> None:
    """List the meetings that somebody organizes, and the answers."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            person = account(tx, login)
            zone = ZoneInfo(str(preferences.of(tx, person)["timezone"]))
            found = tracking.listing(tx, person, 0 if every else int(time.time()))
    if as_json:
        click.echo(json.dumps([asdict(one) | {"mark": one.mark} for one in found], ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{datetime.fromtimestamp(one.starts, zone):%Y-%m-%d %H:%M}  {one.summary}  [{one.mark}]  {one.uid}")
        for who in one.participants:
            click.echo(f"    {who.state:20} {who.address}")
    if not found:
        click.echo("no meetings: an event with participants in a calendar program makes one")


@command.command()
@click.argument("login")
@click.argument("uid")
@click.argument("address")
@click.argument("state", type=click.Choice(sorted(tracking.ANSWERS)))
@click.pass_obj
def answer(desk: Desk, login: str, uid: str, address: str, state: str) -> None:
    """Note what a participant without an account said by another way."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            tracking.answer(tx, account(tx, login), uid, address.lower(), state)
    click.echo(f"{address}: {state}")


@command.command()
@click.argument("login")
@click.argument("uid")
@click.pass_obj
def resend(desk: Desk, login: str, uid: str) -> None:
    """Send the invitation again to those who have not answered."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            number = tracking.resend(tx, account(tx, login), uid)
    click.echo(f"sent to {number}")
