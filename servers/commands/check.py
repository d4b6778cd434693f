"""`escritoire check`: is the store consistent, and what can be mended without losing anything."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from itertools import count

import click

from servers.cli import Desk
from servers.commands.listing import json_option, table
from servers.commands.opened import opened
from storage import check, purge
from storage import restored as restoring
from storage.types import SITE


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended without losing anything.")
@click.option("--quick", is_flag=True, help="Do not read the bodies.")
@click.option("--purge", "purging", is_flag=True, help="Drop what has outlived its time first.")
@click.option("--restored", is_flag=True, help="Of a desk from a backup: give out no number that clients may know.")
@json_option
@click.pass_obj
def command(desk: Desk, repair: bool, quick: bool, purging: bool, restored: bool, as_json: bool) -> None:
    """Look at every rule that the store keeps: counters, numbers, indexes, bodies, members, grants.

    Exit status 1 when something is wrong and was not mended. It may run beside the servers.

    \b
    Examples:
        escritoire check
        escritoire check --repair --json
        escritoire check --restored
    """
    progress = _progress() if sys.stderr.isatty() else None
    with opened(desk) as store:
        if restored:
            with store.write(SITE) as tx:
                restoring.renumber(tx)
        if purging:
            gone = purge.run(store)
            if not as_json:
                click.echo("purged: " + ", ".join(f"{number} {what}" for what, number in asdict(gone).items()))
        with store.write(SITE) if repair else store.read(SITE) as tx:
            found = check.run(tx, repair, progress=progress, bodies=not quick)
    rows = [asdict(one) for one in found]
    if as_json:
        table(rows, (), as_json)
    elif rows:
        table(rows, ("kind", "where", "text", "repaired"), as_json)
    else:
        click.echo("the store is consistent")
    if any(not one.repaired for one in found):
        sys.exit(1)


def _progress() -> Callable[[str, int, int], None]:
    numbers = count()

    def show(step: str, done: int, total: int) -> None:
        if not next(numbers) % 50:
            click.echo(f"\r\x1b[K{step} {done} of {total}", err=True, nl=False)

    return show
