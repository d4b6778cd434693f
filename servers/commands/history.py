"""`escritoire history`: bodies that were replaced or removed, shown and put back (SYS-06)."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from servers.cli import Desk
from servers.commands.listing import json_option, moment, table
from servers.commands.opened import NUMBER, Target, acting_on, collection, opened, place
from storage import history

_as = click.option("--as", "login", help="Who acts; the owner, or the group's admin, without it.")
_place = click.argument("target", metavar="PLACE", type=place)


@click.group()
def command() -> None:
    """Replaced and removed items, kept for 30 days unless the settings say otherwise.

    \b
    Examples:
        escritoire history list alice/events
        escritoire history show alice/events 17
        escritoire history restore alice/events 17
    """


@command.command("list")
@_place
@_as
@json_option
@click.pass_obj
def list_(desk: Desk, target: Target, login: str | None, as_json: bool) -> None:
    """Kept bodies of a collection or of one item, newest first."""
    with opened(desk) as store, store.read(acting_on(store, target, login)) as tx:
        found = history.listing(tx, collection(tx, target), target.item)
    tell(found, as_json)


def tell(found: Iterable[history.Version], as_json: bool) -> None:
    """Print what is kept."""
    rows = [
        {
            "version": one.id,
            "name": one.name,
            "replaced": moment(one.replaced),
            "by": one.replaced_by,
            "removed": one.removed,
            "size": one.size,
            "media_type": one.media_type,
        }
        for one in found
    ]
    table(rows, ("version", "name", "replaced", "by", "removed", "size"), as_json, "nothing was replaced or removed")


@command.command()
@_place
@click.argument("version", type=NUMBER)
@_as
@click.pass_obj
def show(desk: Desk, target: Target, version: int, login: str | None) -> None:
    """Print a kept body."""
    with opened(desk) as store, store.read(acting_on(store, target, login)) as tx:
        body = history.read(tx, collection(tx, target), version)
    sys.stdout.buffer.write(body)


@command.command()
@_place
@click.argument("version", type=NUMBER)
@click.option("--name", help="Put it under this name instead of its own.")
@_as
@click.pass_obj
def restore(desk: Desk, target: Target, version: int, name: str | None, login: str | None) -> None:
    """Make a kept body the item's present one; today's is kept in turn."""
    with opened(desk) as store, store.write(acting_on(store, target, login)) as tx:
        written = history.restore(tx, collection(tx, target), version, name)
    click.echo("restored as a new item" if written.created else "restored over the present item")
