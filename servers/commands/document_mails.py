"""`escritoire document send`, `notify`, `notices`, `drop`: documents on the way to others (MSG-13, DOC-19, DOC-33)."""

from __future__ import annotations

import sys

import click

from servers.cli import Desk
from servers.commands.documents import Spot, acting_at, as_creator, creator, file, folder, spot
from servers.commands.opened import account, opened, site
from storage import automatic_notices, dropbox, notices
from storage.mail import document_mail
from storage.mail.attachments import Place
from storage.mail.document_mail import Letter
from storage.types import SITE

_as = click.option("--as", "login", help="Who acts; the owner, or the group's admin, without it.")
_place = click.argument("place", metavar="PLACE", type=spot)
_comment = click.option("--comment", default="", help="What to add to the standard text.")


@click.command()
@click.argument("places", metavar="PLACE...", type=spot, nargs=-1, required=True)
@click.option("--to", default="", help='Addresses, as in "dora@example.org, Eve <eve@example.org>".')
@click.option("--cc", default="", help="Who gets a copy that all see.")
@click.option("--bcc", default="", help="Who gets a copy that nobody sees.")
@click.option("--subject", default="", help="The documents' names without it.")
@click.option("--text", default="", help='What to say; "-" reads it from standard input.')
@click.option("--from", "sender", default="", help="Another of one's own addresses.")
@_as
@click.pass_obj
def send(
    desk: Desk, places: tuple[Spot, ...], to: str, cc: str, bcc: str, subject: str, text: str, sender: str,
    login: str | None,
) -> None:  # fmt: skip
    """Send documents by mail, as attachments (MSG-13).

    \b
    Examples:
        escritoire document send alice/Reports/a.pdf --to dora@example.org --subject "The report"
        escritoire document send groups/IAB/a.pdf alice/b.pdf --to bob@example.org --text - --as alice < letter
    """
    said = sys.stdin.read() if text == "-" else text
    chosen = [Place(one.kind, one.space, one.path) for one in places]
    with opened(desk) as store:
        actor = acting_at(store, places[0], login)
        with store.read(actor) as tx:
            for one in places:
                file(tx, one)  # the refusal that names the place
        sent = document_mail.send(store, site(desk), actor, chosen, Letter(to, cc, bcc, subject, said, sender))
    click.echo(f"on its way to {', '.join(sent)}")


@click.command()
@_place
@_comment
@as_creator
@click.pass_obj
def notify(desk: Desk, place: Spot, comment: str, login: str | None) -> None:
    """Mail the other members that a group's document is new, or has a new version (DOC-19).

    Its creator alone may; without --as it is done in his name.
    """
    with opened(desk) as store:
        with store.read(SITE) as tx:
            who = login if login is not None else creator(tx, place)
        with store.write(acting_at(store, place, who)) as tx:
            told = notices.tell_members(tx, file(tx, place), comment)
    click.echo(f"{', '.join(one.name for one in told)} get a mail")


@click.command("notices")
@_place
@click.argument("switch", type=click.Choice(["on", "off"]))
@_as
@click.pass_obj
def by_itself(desk: Desk, place: Spot, switch: str, login: str | None) -> None:
    """Let a folder of a group tell its members of documents by itself (DOC-19).

    Five minutes after somebody made or changed a document of his own there, all who may read it get a mail; what he
    wrote meanwhile is in the same one. Folders below it have a switch of their own.
    """
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        automatic_notices.watch(tx, folder(tx, place), switch == "on")
    click.echo(f"{place} tells of its documents" if switch == "on" else f"{place} tells of nothing by itself")


@click.command()
@_place
@click.argument("member")
@click.option("--name", default="", help="Another name for the copy.")
@click.option("--notify", "tell", is_flag=True, help="Tell MEMBER by mail (DOC-33).")
@_comment
@_as
@click.pass_obj
def drop(desk: Desk, place: Spot, member: str, name: str, tell: bool, comment: str, login: str | None) -> None:
    """Put a copy of a document into MEMBER's drop box (DOC-31); it is his then, and not seen any more."""
    if comment and not tell:
        raise click.UsageError("--comment is part of the mail: give --notify too.")
    with opened(desk) as store:
        actor = acting_at(store, place, login)
        with store.read(SITE) as tx:
            who = account(tx, member)
        with store.write(actor) as tx:
            found = file(tx, place)
            dropbox.deposit(tx, found, who.name, name)
            if tell:
                notices.tell_recipient(tx, who, name or found.name, comment)
    click.echo(f"{name or found.name} is in the drop box of {who.name}" + (", who gets a mail" if tell else ""))
