"""`escritoire favourites`: bookmarks read from and written to the files of browsers (FAV-07, FAV-13, FAV-14)."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from servers.cli import Desk
from servers.commands.documents import Spot, acting_at, as_creator, file, folder, hide_from, spot
from servers.commands.listing import json_option, sheet, table
from servers.commands.opened import opened
from storage import favourites, placements
from storage.filing import FAVOURITES

_SHOWN = 20
_as = click.option("--as", "login", help="Who acts; the owner, or the group's admin, without it.")
_place = click.argument("place", metavar="PLACE", type=spot)


@click.group()
def command() -> None:
    """Bookmarks of a person or a group.

    \b
    PLACE is alice, groups/IAB, or a folder of their bookmarks: alice/News.

    \b
    Examples:
        escritoire favourites import alice bookmarks.html
        escritoire favourites export groups/IAB --format xbel -o bookmarks.xbel
        escritoire favourites list alice --json
        escritoire favourites share alice/News/Tea.url IAB
        escritoire favourites hide groups/IAB/Tea.url bob
    """


@command.command("import")
@_place
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@_as
@json_option
@click.pass_obj
def import_(desk: Desk, place: Spot, source: Path, login: str | None, as_json: bool) -> None:
    """Add the bookmarks of FILE, or - for standard input: a browser's HTML, or XBEL (FAV-13).

    Folders are kept; what is there already is not added again, and nothing is removed.
    """
    data = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
    tree = favourites.parse(data)
    with opened(desk) as store:
        actor = acting_at(store, place, login)
        shown = _progress if sys.stderr.isatty() else None
        report = favourites.merge(store, actor, place.kind, place.space, tree, path=place.path, progress=shown)
    if as_json:
        sheet(asdict(report), as_json)
    else:
        click.echo(f"{report.added} added, {report.unchanged} there already, {report.folders} folders made")
        for one in report.skipped[:_SHOWN]:
            click.echo(f"  skipped: {one.title}: {one.reason}", err=True)
        if len(report.skipped) > _SHOWN:
            click.echo(f"  and {len(report.skipped) - _SHOWN} more; --json has them all", err=True)
        if report.stopped:
            click.echo(f"stopped: {report.stopped}; {report.not_tried} were not tried", err=True)
    if report.stopped:
        sys.exit(1)


@command.command()
@_place
@click.option("--format", "form", type=click.Choice(["html", "xbel"]), default="html", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the terminal.")
@_as
@click.pass_obj
def export(desk: Desk, place: Spot, form: str, output: Path | None, login: str | None) -> None:
    """Write the bookmarks as a file that every browser reads (FAV-14)."""
    with opened(desk) as store, store.read(acting_at(store, place, login)) as tx:
        tree = favourites.read(tx, folder(tx, place, root=FAVOURITES))
    data = favourites.render(f"bookmarks.{form}", tree)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)


@command.command("list")
@_place
@_as
@json_option
@click.pass_obj
def list_(desk: Desk, place: Spot, login: str | None, as_json: bool) -> None:
    """All bookmarks in a folder and below."""
    with opened(desk) as store, store.read(acting_at(store, place, login)) as tx:
        tree = favourites.read(tx, folder(tx, place, root=FAVOURITES))
    rows: list[dict[str, Any]] = [
        {"folder": "/".join(way), "title": one.title, "address": one.address, "description": one.description}
        for way, one in tree.bookmarks()
    ]
    table(rows, ("folder", "title", "address"), as_json, "there are no bookmarks")


@command.command()
@_place
@click.argument("group")
@_as
@click.pass_obj
def share(desk: Desk, place: Spot, group: str, login: str | None) -> None:
    """Give a bookmark a second place in the root folder of GROUP's bookmarks (FAV-07)."""
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        made = placements.share(tx, file(tx, place, root=FAVOURITES), group)
    click.echo(f"groups/{group}/{made.path}")


@command.command()
@_place
@click.argument("group")
@_as
@click.pass_obj
def unshare(desk: Desk, place: Spot, group: str, login: str | None) -> None:
    """Take a shared bookmark out of GROUP again; PLACE, which stays, is its private place."""
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        placements.unshare(tx, file(tx, place, root=FAVOURITES), group)
    click.echo(f"{place} is not in {group} any more")


@command.command()
@_place
@click.argument("member")
@as_creator
@click.pass_obj
def hide(desk: Desk, place: Spot, member: str, login: str | None) -> None:
    """Hide a group's bookmark from MEMBER (FAV-08); it is for its creator, who acts without --as.

    "All members" is unticked first, so those who join later will not see it either (ACL-09).
    """
    with opened(desk) as store:
        hide_from(store, place, member, login, root=FAVOURITES)


def _progress(done: int, total: int) -> None:
    click.echo(f"\r{done} of {total}", err=True, nl=done == total)
