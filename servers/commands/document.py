"""`escritoire document`: what no file manager can do with documents (DOC-09, 17..24, 27, 31, 37..47, 60..62)."""

from __future__ import annotations

from typing import Any, Final

import click

from servers.cli import Desk
from servers.commands import document_mails, document_versions
from servers.commands.documents import Spot, acting_at, as_creator, file, folder, hide_from, spot, thing
from servers.commands.listing import json_option, moment, sheet, table
from servers.commands.opened import Target, ask, collection, opened
from servers.commands.opened import place as card_place
from storage import folders, links, placements, publishing, transplant, trash, trees
from storage import principals as people
from storage.errors import StorageError
from storage.filing import File, Folder
from storage.store import Transaction
from storage.types import PrincipalId, SpaceKind

_MOST_FOLDERS: Final = 100_000
_NOTICE: Final = "You alone answer for what you publish: respect copyright and privacy (DOC-47)."

_as = click.option("--as", "login", help="Who acts; the owner, or the group's admin, without it.")
_place = click.argument("place", metavar="PLACE", type=spot)


@click.group()
def command() -> None:
    """Documents: what no file manager can do with them.

    \b
    PLACE is a document or a folder: alice/Reports/a.pdf, groups/IAB/form.pdf; alice is the whole disk.
    Rights are with `escritoire grant`, on alice/docs/Reports/a.pdf.

    \b
    Examples:
        escritoire document tree alice
        escritoire document show alice/Reports/a.pdf
        escritoire document share alice/Reports/a.pdf IAB
        escritoire document hide groups/IAB/a.pdf bob
        escritoire document publish alice/web
        escritoire document drop alice/Reports/a.pdf bob
        escritoire document send alice/Reports/a.pdf --to "dora@example.org, Eve <eve@example.org>"
        escritoire document notify groups/IAB/form.pdf --comment "Please read"
        escritoire document notices groups/IAB/Reports on
        escritoire document link alice/cv.pdf alice/contacts/ada.vcf
        escritoire document restore alice/Trash/a.pdf
        escritoire document versions alice/Reports/a.pdf
    """


@command.command()
@_place
@_as
@json_option
@click.pass_obj
def tree(desk: Desk, place: Spot, login: str | None, as_json: bool) -> None:
    """List a folder with all that is in it."""
    rows: list[dict[str, Any]] = []
    with opened(desk) as store, store.read(acting_at(store, place, login)) as tx:
        for one in folders.walk(tx, folder(tx, place), _MOST_FOLDERS):
            rows.append(
                {"path": one.path + "/" if one.path else "/", "kind": "folder", "modified": moment(one.modified)}
            )
            for row in sorted(folders.rows(tx, one), key=lambda row: row.name):
                path = f"{one.path}/{row.name}" if one.path else row.name
                told = {"size": row.size, "modified": moment(row.modified), "media_type": row.media_type}
                rows.append({"path": path, "kind": "document", **told})
    table(sorted(rows, key=lambda row: row["path"]), ("path", "size", "modified"), as_json, "nothing is there")


@command.command()
@_place
@_as
@json_option
@click.pass_obj
def show(desk: Desk, place: Spot, login: str | None, as_json: bool) -> None:
    """What is known of a document or a folder."""
    with opened(desk) as store, store.read(acting_at(store, place, login)) as tx:
        found = thing(tx, place)
        told = _of_file(tx, found) if isinstance(found, File) else _of_folder(tx, found)
    sheet(told, as_json)


@command.command()
@_place
@click.argument("text")
@_as
@click.pass_obj
def description(desk: Desk, place: Spot, text: str, login: str | None) -> None:
    """Set the free text of a document or a folder (DOC-09); "" takes it away."""
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        trees.describe(tx, thing(tx, place), text)


@command.command()
@_place
@click.argument("group")
@_as
@click.pass_obj
def share(desk: Desk, place: Spot, group: str, login: str | None) -> None:
    """Give a document a second place, in the root folder of GROUP (DOC-17).

    It stays one document: a change in one place is a change in both; deleting one leaves the other.
    """
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        made = placements.share(tx, file(tx, place), group)
    click.echo(f"groups/{group}/{made.path}")


@command.command()
@_place
@click.argument("group")
@_as
@click.pass_obj
def unshare(desk: Desk, place: Spot, group: str, login: str | None) -> None:
    """Take a shared document out of GROUP again; PLACE, which stays, is its private place."""
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        placements.unshare(tx, file(tx, place), group)
    click.echo(f"{place} is not in {group} any more")


@command.command()
@_place
@click.argument("member")
@as_creator
@click.pass_obj
def hide(desk: Desk, place: Spot, member: str, login: str | None) -> None:
    """Hide a group's document from MEMBER (DOC-18).

    "All members" is unticked first, so those who join later will not see it either (ACL-09).
    It is for the document's creator, who acts without --as.
    """
    with opened(desk) as store:
        hide_from(store, place, member, login)


@command.command()
@_place
@_as
@click.pass_obj
def publish(desk: Desk, place: Spot, login: str | None) -> None:
    """Publish the folder web, with all that is or will be in it (DOC-37)."""
    _publish(desk, place, login, on=True)
    click.echo(_NOTICE, err=True)


@command.command()
@_place
@_as
@click.pass_obj
def unpublish(desk: Desk, place: Spot, login: str | None) -> None:
    """End the publication of the folder web."""
    _publish(desk, place, login, on=False)


@command.command()
@_place
@click.argument("switch", type=click.Choice(["on", "off"]))
@_as
@click.pass_obj
def public(desk: Desk, place: Spot, switch: str, login: str | None) -> None:
    """Let anybody see a single document, or a folder on the way to it (DOC-39); prints its public path.

    A document is public when it and every folder above it, the whole disk included, are.
    """
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        publishing.set_public(tx, thing(tx, place), switch == "on")
        path = publishing.public_path(tx, thing(tx, place))
    if switch == "on":
        click.echo(f"/public/{path}" if path else "not public yet: a folder above it is not")
        click.echo(_NOTICE, err=True)


@command.command()
@_place
@click.argument("card", metavar="CARD", type=card_place)
@_as
@click.pass_obj
def link(desk: Desk, place: Spot, card: Target, login: str | None) -> None:
    """Attach a document to the contact CARD, such as alice/contacts/ada.vcf (DOC-60).

    While it is attached it cannot be deleted.
    """
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        links.attach(tx, file(tx, place), collection(tx, card), _card(card))


@command.command()
@_place
@click.argument("card", metavar="CARD", type=card_place)
@_as
@click.pass_obj
def unlink(desk: Desk, place: Spot, card: Target, login: str | None) -> None:
    """Take a document from a contact (DOC-62)."""
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        links.detach(tx, file(tx, place), collection(tx, card), _card(card))


@command.command()
@_place
@_as
@click.pass_obj
def delete(desk: Desk, place: Spot, login: str | None) -> None:
    """Throw a document or a folder into the Trash; in the Trash it is final (DOC-25, DOC-27)."""
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        transplant.delete(tx, thing(tx, place))


@command.command("trash")
@click.argument("space", metavar="SPACE", type=spot)
@_as
@json_option
@click.pass_obj
def trash_(desk: Desk, space: Spot, login: str | None, as_json: bool) -> None:
    """What lies in the Trash of alice, or of groups/IAB, with where it was."""
    with opened(desk) as store, store.read(acting_at(store, space, login)) as tx:
        here = trash.folder(tx, space.kind, space.space)
        found: list[Folder | File] = [*folders.subfolders(tx, here), *folders.files(tx, here)]
    rows = [
        {
            "name": one.title + "/" if isinstance(one, Folder) else one.name,
            "was": one.trashed_from,
            "deleted": moment(one.trashed_at or None),
        }
        for one in found
    ]
    table(rows, ("name", "was", "deleted"), as_json, "the Trash is empty")


@command.command()
@_place
@_as
@click.pass_obj
def restore(desk: Desk, place: Spot, login: str | None) -> None:
    """Put something from the Trash back to where it was: alice/Trash/a.pdf."""
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        back = trash.restore(tx, thing(tx, place))
    click.echo(str(Spot(place.kind, place.space, back.path)))


@command.command("empty-trash")
@click.argument("space", metavar="SPACE", type=spot)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_as
@click.pass_obj
def empty_trash(desk: Desk, space: Spot, yes: bool, login: str | None) -> None:
    """Delete for good what lies in the Trash of alice, or of groups/IAB; never done by itself (DOC-27)."""
    with opened(desk) as store:
        actor = acting_at(store, space, login)
        ask(f"Delete everything in the Trash of {space} for good?", yes)
        with store.write(actor) as tx:
            count = trash.empty(tx, trash.folder(tx, space.kind, space.space))
    click.echo(f"{count} deleted")


def _publish(desk: Desk, place: Spot, login: str | None, *, on: bool) -> None:
    with opened(desk) as store, store.write(acting_at(store, place, login)) as tx:
        publishing.publish(tx, folder(tx, place), on)
        path = publishing.public_path(tx, folder(tx, place))
    if on and path:
        click.echo(f"/public/{path}")


def _card(target: Target) -> str:
    if target.item is None:
        raise click.BadParameter("a contact is written alice/contacts/ada.vcf")
    return target.item


def _of_file(tx: Transaction, found: File) -> dict[str, Any]:
    return {
        "path": found.path,
        "kind": "document",
        "size": found.size,
        "media_type": found.media_type,
        "etag": found.etag,
        "creator": _login(tx, int(found.creator)),
        "created": moment(found.created),
        "modified": moment(found.modified),
        "description": found.description,
        "downloads": found.downloads,
        "public": _public(tx, found),
        "hidden_from_some": bool(found.restricted),
        "also_in": [_where(one) for one in placements.others(tx, found)],
        "attached_to": [
            f"{'groups/' if one.kind is SpaceKind.GROUP else ''}{one.space}/{one.book}/{one.card}"
            for one in links.of_file(tx, found)
        ],
        "was": found.trashed_from,
        "deleted": moment(found.trashed_at or None),
        "deposited_by": _login(tx, found.depositor),
    }


def _of_folder(tx: Transaction, found: Folder) -> dict[str, Any]:
    return {
        "path": found.path or "/",
        "kind": "folder",
        "special": found.special.value if found.special else "",
        "documents": found.item_count,
        "folders": len(folders.subfolders(tx, found)),
        "creator": _login(tx, found.creator),
        "created": moment(found.created),
        "modified": moment(found.modified),
        "description": found.description,
        "public": _public(tx, found),
        "published": bool(found.published),
        "was": found.trashed_from,
        "deleted": moment(found.trashed_at or None),
    }


def _public(tx: Transaction, found: Folder | File) -> str:
    path = publishing.public_path(tx, found)
    return f"/public/{path}" if path else ""


def _where(one: File) -> str:
    return str(Spot(one.folder.space.kind, one.folder.space.name, one.path))


def _login(tx: Transaction, number: int) -> str:
    if not number:
        return ""
    try:
        return people.by_id(tx, PrincipalId(number)).name
    except StorageError:
        return ""


for _one in (
    *(document_mails.send, document_mails.notify, document_mails.by_itself, document_mails.drop),
    *(document_versions.versions, document_versions.version, document_versions.revert),
):
    command.add_command(_one)
