"""`escritoire meeting`: who answered, what others propose, and what no calendar program does (MTG-05, 06, 11)."""

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
from storage.scheduling import delivery, proposals, responding, splitting, tracking


@click.group()
def command() -> None:
    """Meetings: who answered what.

    \b
    Examples:
        escritoire meeting list alice
        escritoire meeting answer alice 4f1c@example.test eve@else.test accepted
        escritoire meeting resend alice 4f1c@example.test
        escritoire meeting propose bob 4f1c@example.test "2026-03-02 10:00" "2026-03-02 11:00"
        escritoire meeting proposals alice
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
@click.argument("addresses", nargs=-1)
@click.pass_obj
def resend(desk: Desk, login: str, uid: str, addresses: tuple[str, ...]) -> None:
    """Send the invitation again to ADDRESSES, or to those who have not answered."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            chosen = [address.lower() for address in addresses]
            number = tracking.resend(tx, account(tx, login), uid, chosen)
    click.echo(f"sent to {number}")


@command.command()
@click.argument("login")
@click.argument("uid")
@click.option("--silent", is_flag=True, help="Tell nobody outside by mail.")
@click.pass_obj
def cancel(desk: Desk, login: str, uid: str, silent: bool) -> None:
    """Call a meeting off: it vanishes from everybody's calendar."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            tracking.cancel(tx, account(tx, login), uid, mails=not silent)
    click.echo("cancelled")


_MOMENT = click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])
_SAID = {
    delivery.DELIVERED: "delivered",
    delivery.SENT: "sent by mail",
    delivery.INVALID: "not delivered: the organizer knows no such meeting, or a newer one",
    delivery.FAILED: "not delivered: try again later",
}


@command.command()
@click.argument("login")
@click.argument("uid")
@click.argument("begin", type=_MOMENT)
@click.argument("end", type=_MOMENT)
@click.option("--comment", default="", help="A word to the organizer.")
@click.option("--instance", default="", help="RECURRENCE-ID of one instance of a series, as the calendar writes it.")
@click.pass_obj
def propose(desk: Desk, login: str, uid: str, begin: datetime, end: datetime, comment: str, instance: str) -> None:
    """Propose another time to the organizer; BEGIN and END are in LOGIN's time zone."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            person = account(tx, login)
            zone = ZoneInfo(str(preferences.of(tx, person)["timezone"]))
            start, stop = begin.replace(tzinfo=zone), end.replace(tzinfo=zone)
            status = proposals.propose(tx, person, uid, start, stop, comment=comment, instance=instance)
    click.echo(_SAID[status])


@command.command()
@click.argument("login")
@click.argument("uid")
@click.pass_obj
def refresh(desk: Desk, login: str, uid: str) -> None:
    """Ask the organizer how a meeting stands now."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            status = proposals.refresh(tx, account(tx, login), uid)
    click.echo(_SAID[status])


@command.command("proposals")
@click.argument("login")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def proposals_(desk: Desk, login: str, as_json: bool) -> None:
    """List what others propose for the meetings that somebody organizes."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            found = proposals.listing(tx, account(tx, login))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.name}  {one.sender}: {one.summary}  {one.start} to {one.end}  {one.comment}".rstrip())
    if not found:
        click.echo("no proposals")


@command.command()
@click.argument("login")
@click.argument("name")
@click.pass_obj
def accept(desk: Desk, login: str, name: str) -> None:
    """Hold the meeting as it was proposed; NAME is that of `proposals`."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            proposals.accept(tx, account(tx, login), name)
    click.echo("the meeting is moved, and everybody is told")


@command.command()
@click.argument("login")
@click.argument("name")
@click.option("--comment", default="", help="A word to the one who proposed.")
@click.pass_obj
def decline(desk: Desk, login: str, name: str, comment: str) -> None:
    """Leave the meeting as it is, and tell the one who proposed; NAME is that of `proposals`."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            status = proposals.decline(tx, account(tx, login), name, comment)
    click.echo(_SAID[status])


@command.command()
@click.argument("login")
@click.argument("uid")
@click.argument("state", type=click.Choice(sorted(tracking.ANSWERS)))
@click.option("--reason", default="", help="A word to the organizer.")
@click.option("--keep", is_flag=True, help="Keep a declined meeting in the calendar.")
@click.pass_obj
def respond(desk: Desk, login: str, uid: str, state: str, reason: str, keep: bool) -> None:
    """Answer an invitation; the organizer is told."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            responding.respond(tx, account(tx, login), uid, tracking.ANSWERS[state], reason=reason, keep=keep)
    click.echo(state)


@command.command()
@click.argument("login")
@click.argument("uid")
@click.argument("address")
@click.pass_obj
def delegate(desk: Desk, login: str, uid: str, address: str) -> None:
    """Send somebody else to a meeting in LOGIN's stead; the organizer is told."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            responding.delegate(tx, account(tx, login), uid, address)
    click.echo(f"delegated to {address.lower()}")


@command.command()
@click.argument("login")
@click.argument("uid")
@click.argument("instance")
@click.pass_obj
def split(desk: Desk, login: str, uid: str, instance: str) -> None:
    """Make this instance (its RECURRENCE-ID) and all later ones a series of their own; answers are kept."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            fresh = splitting.split(tx, account(tx, login), uid, instance)
    click.echo(fresh)
