"""`escritoire queue`: what waits to be delivered, why, and what to do about it (SMTP-07)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from servers.cli import Desk
from servers.commands.listing import json_option, moment, sheet, table
from servers.commands.opened import NUMBER, ask, opened
from storage.outbound import administration, domains
from storage.outbound.types import Queued, QueueId
from storage.store import Transaction
from storage.types import SITE

_number = click.argument("numbers", metavar="NUMBER…", type=NUMBER, nargs=-1, required=True)


@click.group()
def command() -> None:
    """The outbound queue.

    \b
    Examples:
        escritoire queue list
        escritoire queue list --domain example.net --json
        escritoire queue show 4711
        escritoire queue retry 4711
        escritoire queue delete 4711 --yes
    """


@command.command("list")
@click.option("--domain", default="", help="Only what is for this domain.")
@click.option("--sender", help='Only what is from this address; "" is reports.')
@json_option
@click.pass_obj
def list_(desk: Desk, domain: str, sender: str | None, as_json: bool) -> None:
    """List the mails that wait, one line for each recipient."""
    with opened(desk) as store, store.read(SITE) as tx:
        rows = [
            {
                "number": one.id,
                "arrived": moment(one.created),
                "sender": one.sender or "<>",
                "recipient": each.address,
                "state": each.state,
                "next": moment(each.due) if each.state == "waiting" else None,
                "attempts": each.attempts,
                "octets": one.octets,
                "status": each.status,
                "reply": each.reply,
            }
            for one in _every(tx, domains.a_labels(domain), sender)
            for each in one.recipients
            if not domain or each.domain == domains.a_labels(domain)
        ]
    columns = ("number", "arrived", "sender", "recipient", "state", "next", "attempts", "status")
    table(rows, columns, as_json, "the queue is empty")


@command.command()
@click.argument("number", type=NUMBER)
@json_option
@click.pass_obj
def show(desk: Desk, number: int, as_json: bool) -> None:
    """Show one mail: its recipients, what was tried, and what the other side said."""
    with opened(desk) as store, store.read(SITE) as tx:
        one = administration.show(tx, QueueId(number))
    recipients = [
        {
            "recipient": each.address,
            "state": each.state,
            "next": moment(each.due),
            "attempts": each.attempts,
            "tried": moment(each.tried),
            "host": each.host,
            "status": each.status,
            "reply": each.reply,
        }
        for each in one.recipients
    ]
    top: dict[str, Any] = {"number": one.id, "sender": one.sender or "<>", "arrived": moment(one.created)}
    top |= {"octets": one.octets, "account": one.account or None}
    if as_json:
        sheet({**top, "recipients": recipients}, as_json)
        return
    sheet(top, as_json)
    for row in recipients:
        click.echo()
        sheet({name: value if value != "" else None for name, value in row.items()}, as_json)


@command.command()
@_number
@click.pass_obj
def retry(desk: Desk, numbers: tuple[int, ...]) -> None:
    """Try mails now; what was held is released."""
    with opened(desk) as store, store.write(SITE) as tx:
        for number in numbers:
            administration.retry(tx, QueueId(number))


@command.command()
@_number
@click.pass_obj
def hold(desk: Desk, numbers: tuple[int, ...]) -> None:
    """Keep mails where they are until `retry`."""
    with opened(desk) as store, store.write(SITE) as tx:
        for number in numbers:
            administration.hold(tx, QueueId(number))


@command.command()
@_number
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(desk: Desk, numbers: tuple[int, ...], yes: bool) -> None:
    """Take mails out of the queue; their senders are told nothing."""
    ask(f"Delete {len(numbers)} mails without a word to their senders?", yes)
    with opened(desk) as store, store.write(SITE) as tx:
        for number in numbers:
            administration.delete(tx, QueueId(number))


def _every(tx: Transaction, domain: str, sender: str | None) -> Iterator[Queued]:
    after = 0
    while page := administration.every(tx, domain=domain, sender=sender, after=after):
        yield from page
        after = page[-1].id
