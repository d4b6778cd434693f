"""`escritoire group invite`, `invitations`, `accept`, `decline`: how people come into groups (GRP-07…10)."""

from __future__ import annotations

from typing import Any

import click

from servers.cli import Desk
from servers.commands.listing import json_option, moment, table
from servers.commands.opened import NUMBER, Target, acting, collection, group, opened, place
from storage import groups, invitation_mail, invitations, items
from storage.invitations import Letter
from storage.store import Transaction
from storage.types import SITE, Principal

_as = click.option("--as", "login", help="Act as this account instead of the site administrator.")
_by_hand = click.option(
    "--print", "by_hand", is_flag=True, help="Send no mail: print the letters with their links, to hand them over."
)


@click.command()
@click.argument("name")
@click.argument("addresses", default="")
@click.option("--contact", "contacts", type=place, multiple=True, help="Somebody of an address book; may be repeated.")
@click.option("--name", "guest", default="", help="The guest's name, with one address only.")
@click.option("--language", default="", help="Language of the letters; the contact's or the group's without it.")
@_by_hand
@_as
@json_option
@click.pass_obj
def invite(
    desk: Desk,
    name: str,
    addresses: str,
    contacts: tuple[Target, ...],
    guest: str,
    language: str,
    by_hand: bool,
    login: str | None,
    as_json: bool,
) -> None:
    """Invite one address, or several separated by `;`, or people of address books, by mail.

    The mail comes from the group's admin. Its link works once, for 30 days.

    \b
    Examples:
        escritoire group invite IAB "carol@example.org; dan@example.org" --language fr
        escritoire group invite IAB --contact alice/contacts/dora.vcf --as alice
    """
    if bool(addresses.strip()) == bool(contacts):
        raise click.UsageError("Give addresses, or --contact.")
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        found, base = group(tx, name), _link_base(desk)
        if contacts:
            cards = [items.get(tx, collection(tx, one), one.item or "") for one in contacts]
            letters = invitations.invite_contacts(tx, found, cards, language=language, link_base=base)
        else:
            letters = invitations.invite(tx, found, addresses, name=guest, language=language, link_base=base)
        _carry(tx, found, letters, by_hand)
    _tell(letters, by_hand, as_json)


@click.group("invitations")
def pending() -> None:
    """Pending invitations."""


@pending.command("list")
@click.argument("name")
@_as
@json_option
@click.pass_obj
def list_(desk: Desk, name: str, login: str | None, as_json: bool) -> None:
    """Those that can still be accepted."""
    with opened(desk) as store, store.read(acting(store, login)) as tx:
        rows = [_row(one) for one in invitations.pending(tx, group(tx, name))]
    table(rows, ("id", "address", "name", "language", "expires"), as_json)


@pending.command("resend")
@click.argument("name")
@click.argument("number", metavar="ID", type=NUMBER)
@_by_hand
@_as
@json_option
@click.pass_obj
def resend(desk: Desk, name: str, number: int, by_hand: bool, login: str | None, as_json: bool) -> None:
    """Send the letter again with a new link; the old link stops working."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        found = group(tx, name)
        letters = [invitations.resend(tx, found, number, link_base=_link_base(desk))]
        _carry(tx, found, letters, by_hand)
    _tell(letters, by_hand, as_json)


@pending.command("delete")
@click.argument("name")
@click.argument("number", metavar="ID", type=NUMBER)
@_as
@click.pass_obj
def delete(desk: Desk, name: str, number: int, login: str | None) -> None:
    """Withdraw an invitation: its link stops working."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        invitations.delete(tx, group(tx, name), number)


@click.command()
@click.argument("link")
@click.option("--as", "login", required=True, help="The account that becomes a member.")
@click.pass_obj
def accept(desk: Desk, link: str, login: str) -> None:
    """Accept an invitation by its LINK, or by the token at its end."""
    with opened(desk) as store, store.write(acting(store, login)) as tx:
        joined = invitations.accept(tx, _token(link))
    click.echo(f"{login} is a member of {joined.name}")


@click.command()
@click.argument("link")
@click.pass_obj
def decline(desk: Desk, link: str) -> None:
    """Decline an invitation by its LINK, or by the token at its end; the group's admin gets a mail."""
    with opened(desk) as store, store.write(SITE) as tx:
        invitations.decline(tx, _token(link))
    click.echo("declined")


def _carry(tx: Transaction, found: Principal, letters: list[Letter], by_hand: bool) -> None:
    if not by_hand:
        invitation_mail.send(tx, groups.sheet(tx, found), letters)


def _tell(letters: list[Letter], by_hand: bool, as_json: bool) -> None:
    if as_json:
        # A link that goes by mail is its reader's alone.
        shown = [
            {"subject": one.subject} | ({"text": one.text, "link": one.link} if by_hand else {}) for one in letters
        ]
        rows = [_row(one.invitation) | more for one, more in zip(letters, shown, strict=True)]
        table(rows, (), as_json)
        return
    for one in letters:
        if by_hand:
            click.echo(f"To: {one.invitation.address}\nSubject: {one.subject}\n\n{one.text}")
        else:
            click.echo(f"{one.invitation.address} is invited")


def _row(one: invitations.Invitation) -> dict[str, Any]:
    return {
        "id": one.id,
        "address": one.address,
        "name": one.name,
        "language": one.language,
        "created": moment(one.created),
        "expires": moment(one.expires),
    }


def _link_base(desk: Desk) -> str:
    return f"{desk.settings.url('feeds')}feeds/groups/join/"


def _token(link: str) -> str:
    return link.strip().rpartition("/")[2]
