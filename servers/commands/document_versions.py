"""`escritoire document versions`, `version`, `revert`: what documents were before, for 30 days (DOC-28, SYS-06)."""

from __future__ import annotations

import shutil
import sys

import click

from servers.cli import Desk
from servers.commands.documents import Spot, acting_at, folder, spot
from servers.commands.history import tell
from servers.commands.listing import json_option
from servers.commands.opened import NUMBER, opened
from storage import file_writing, files, filing, folders, history
from storage.filing import File, Folder
from storage.store import Transaction

_as = click.option("--as", "login", help="Act as this account instead of the owner.")
_place = click.argument("place", metavar="PLACE", type=spot)
_version = click.argument("version", type=NUMBER)


@click.command()
@_place
@_as
@json_option
@click.pass_obj
def versions(desk: Desk, place: Spot, login: str | None, as_json: bool) -> None:
    """What a document was before, newest first; of a folder, what its documents were, removed ones too."""
    with opened(desk) as store, store.read(acting_at(store, place, login)) as tx:
        here, name = _where(tx, place)
        found = history.listing(tx, here, name)
    tell(found, as_json)


@click.command()
@_place
@_version
@_as
@click.pass_obj
def version(desk: Desk, place: Spot, version: int, login: str | None) -> None:
    """Print what a document was in VERSION: escritoire document version alice/a.pdf 17 > a.pdf."""
    with opened(desk) as store:
        with store.read(acting_at(store, place, login)) as tx:
            here, _ = _where(tx, place)
            body = file_writing.body_of(history.kept(tx, here, version))
        if body.blob is None:
            sys.stdout.buffer.write(body.data or b"")
        else:
            with store.blobs.open(body.blob) as octets:
                shutil.copyfileobj(octets, sys.stdout.buffer)


@click.command()
@_place
@_version
@click.option("--name", help="Put it under this name in the same folder, and leave today's alone.")
@_as
@click.pass_obj
def revert(desk: Desk, place: Spot, version: int, name: str | None, login: str | None) -> None:
    """Make VERSION the document again; what it is today is kept in turn."""
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        here, _ = _where(tx, place)
        written = files.restore_version(tx, here, version, name)
    click.echo("restored as a new document" if written.created else "restored over the present document")


def _where(tx: Transaction, place: Spot) -> tuple[Folder, str | None]:
    """The folder, and the document's name if one is meant; it may be gone by now.

    Raises:
        NotFound: there is no such folder for the actor.
    """
    above, name = filing.split(place.path)
    here = folder(tx, Spot(place.kind, place.space, above))
    if not name:
        return here, None
    known = folders.place(tx, place.kind, place.space, place.path).present
    return (known, None) if known is not None and not isinstance(known, File) else (here, name)
