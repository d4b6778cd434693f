"""`escritoire contacts`: what no contacts program does (CON-06, CON-08, CON-12, CON-18)."""

from __future__ import annotations

from typing import BinaryIO

import click

from auth import authenticate
from auth.throttle import Policy
from servers.cli import Desk
from servers.commands.documents import place_of
from servers.commands.listing import json_option, sheet, table
from servers.commands.opened import Target, account, acting, acting_on, opened, place, read_password
from servers.commands.opened import collection as find_collection
from storage import card_placements, categories, contact_checks, contacts, items, links, transfer
from storage.formats import vcard, vcard_photo
from storage.formats.flat_contact import EMAILS, row_of
from storage.formats.vcard_filter import CardFilter, PropFilter, TextMatch
from storage.store import Transaction
from storage.types import SITE, Collection, Precondition, SpaceKind, Tool


@click.group()
def command() -> None:
    """Address books: what no contacts program does.

    \b
    Examples:
        escritoire contacts list alice/contacts --find martin
        escritoire contacts show alice/contacts/dora.vcf
        escritoire contacts category rename alice freinds friends
        escritoire contacts empty alice
        escritoire contacts share alice/contacts/dora.vcf IAB
        escritoire contacts photo alice/contacts/dora.vcf dora.jpg
        escritoire contacts verify alice/contacts/dora.vcf
    """


@command.command()
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="Read the owner's password from standard input's first line.")
@click.pass_obj
def empty(desk: Desk, login: str, password_stdin: bool) -> None:
    """Delete every contact of the private address book of LOGIN, who gives the password; groups' books stay."""
    limits = desk.settings.throttle
    policy = Policy(limits.account_failures, limits.address_failures, limits.window_s, 0)
    with opened(desk) as store:
        with store.read(SITE) as tx:
            who = account(tx, login)
        password = read_password(password_stdin, f"Password of {who.name}", confirm=False)
        actor = authenticate.verify(store, who.name, password, address="", protocol="portal", policy=policy)
        target = Target(SpaceKind.PRIVATE, who.name, "contacts", None)
        with store.write(actor) as tx:
            number = transfer.empty(tx, find_collection(tx, target))
    click.echo(f"{number} deleted")


@command.command("list")
@click.argument("target", metavar="BOOK", type=place)
@click.option("--find", default="", help="Only whose last name, first name or company has this in it (CON-16).")
@click.option("--category", default="", help="Only those of this category of who looks (CON-15).")
@click.option("--as", "login", help="Who looks; the owner, or the group's admin, without it.")
@json_option
@click.pass_obj
def list_(desk: Desk, target: Target, find: str, category: str, login: str | None, as_json: bool) -> None:
    """List an address book, such as alice/contacts, with the names that other commands take."""
    texts = (TextMatch(find),)
    wanted = CardFilter(tuple(PropFilter(name, texts=texts) for name in ("N", "FN", "ORG"))) if find else CardFilter()
    with opened(desk) as store, store.read(acting_on(store, target, login)) as tx:
        found, _ = contacts.query(tx, _book(tx, target), wanted)
    cards = [(item.name, vcard.read(item.body or b"")) for item in found]
    if category:
        cards = [(name, card) for name, card in cards if category in card.categories]
    rows = [
        {
            "name": name,
            "contact": card.fn,
            "company": card.org[0] if card.org else "",
            "emails": [one.value for one in card.emails],
            "categories": card.categories,
        }
        for name, card in cards
    ]
    rows.sort(key=lambda row: str(row["contact"]).casefold())
    table(rows, ("contact", "company", "emails", "categories", "name"), as_json, "no contacts")


@command.command()
@click.argument("target", metavar="CONTACT", type=place)
@click.option("--as", "login", help="Who looks; the owner, or the group's admin, without it.")
@json_option
@click.pass_obj
def show(desk: Desk, target: Target, login: str | None, as_json: bool) -> None:
    """All that is known of a contact, with the documents attached to it that who looks may see (DOC-60, CON-22)."""
    with opened(desk) as store, store.read(acting_on(store, target, login)) as tx:
        book = _book(tx, target)
        card = vcard.read(items.get(tx, book, named(target)).body or b"")
        documents = [place_of(one) for one in links.of_card(tx, book, named(target))]
    row = {field: value for field, value in row_of(card).items() if value}
    more = [one.value for one in card.emails[EMAILS:]]
    sheet({**row, **({"further_emails": more} if more else {}), "documents": documents}, as_json)


@command.command()
@click.argument("target", metavar="CONTACT", type=place)
@click.argument("group")
@click.option("--as", "login", help="Who shares; the owner without it.")
@click.pass_obj
def share(desk: Desk, target: Target, group: str, login: str | None) -> None:
    """Show a private contact in the address book of GROUP as well: one contact, edits appear in both (CON-12)."""
    with opened(desk) as store, store.write(acting_on(store, target, login)) as tx:
        name = card_placements.share(tx, find_collection(tx, target), named(target), group)
    click.echo(f"groups/{group}/{target.collection}/{name}")


@command.command()
@click.argument("target", metavar="CONTACT", type=place)
@click.argument("group")
@click.option("--as", "login", help="Who shared it; the owner without it.")
@click.pass_obj
def unshare(desk: Desk, target: Target, group: str, login: str | None) -> None:
    """Take a shared contact out of the address book of GROUP again; the private one stays (CON-12)."""
    with opened(desk) as store, store.write(acting_on(store, target, login)) as tx:
        card_placements.unshare(tx, find_collection(tx, target), named(target), group)
    click.echo(f"{target.item} is not in {group} any more")


@command.command()
@click.argument("target", metavar="CONTACT", type=place)
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--remove", is_flag=True, help="Take the photo away.")
@click.option("--as", "login", help="Who edits; the owner, or the group's admin, without it.")
@click.pass_obj
def photo(desk: Desk, target: Target, file: BinaryIO | None, remove: bool, login: str | None) -> None:
    """Give a contact the picture in FILE ("-": standard input), of nearly any format; it is made small (CON-06)."""
    if (file is None) is not remove:
        raise click.UsageError("Give a picture, or --remove.")
    data = b"" if file is None else file.read()
    if not data and not remove:
        raise click.BadParameter("there is nothing in the picture")
    with opened(desk) as store, store.write(acting_on(store, target, login)) as tx:
        book = _book(tx, target)
        item = items.get(tx, book, named(target))
        card = vcard_photo.with_picture(vcard.read(item.body or b""), data)
        items.put(tx, book, item.name, contacts.prepare(card.body), Precondition(match=frozenset({item.etag})))


@command.command()
@click.argument("target", metavar="CONTACT", type=place)
@click.option("--language", default="", help="Language of the mail; the contact's own, or English, without it.")
@click.option("--as", "login", help="Who asks; the owner without it. Only who created a contact may.")
@click.pass_obj
def verify(desk: Desk, target: Target, language: str, login: str | None) -> None:
    """Ask a contact by mail whether its data are right (CON-08).

    It is shown all but the comment and the categories, and a link by which it confirms, changes or erases them; the
    link works once, for 30 days. Who asked is told by mail. Asking again makes the earlier link useless.
    """
    base = f"{desk.settings.url('feeds')}feeds/contact/"
    with opened(desk) as store, store.write(acting_on(store, target, login)) as tx:
        book = find_collection(tx, target)
        address = contact_checks.ask(tx, book, named(target), link_base=base, language=language)
    click.echo(f"{address} gets a mail with the data and a link")


@command.group()
def category() -> None:
    """Categories of contacts: names of one's own, over all address books that one reads (ACC-18).

    A new one comes by being given to a contact, in a contacts program or by an import.
    """


@category.command("list")
@click.argument("login")
@json_option
@click.pass_obj
def category_list(desk: Desk, login: str, as_json: bool) -> None:
    """The categories of LOGIN, and how many contacts have each."""
    with opened(desk) as store, store.read(acting(store, login)) as tx:
        rows = [{"category": name, "contacts": count} for name, count in categories.listing(tx).items()]
    table(rows, ("category", "contacts"), as_json, "no contact has a category")


@category.command("rename")
@click.argument("login")
@click.argument("old")
@click.argument("new")
@click.pass_obj
def category_rename(desk: Desk, login: str, old: str, new: str) -> None:
    """Give a category another name, or that of another one, which both are then."""
    if not new.strip():
        raise click.BadParameter("an empty name: `remove` takes a category away")
    with opened(desk) as store:
        number = categories.rename(store, acting(store, login), old, new)
    click.echo(f"{number} contacts changed")


@category.command("remove")
@click.argument("login")
@click.argument("name")
@click.pass_obj
def category_remove(desk: Desk, login: str, name: str) -> None:
    """Take a category from all contacts; the contacts stay."""
    with opened(desk) as store:
        number = categories.rename(store, acting(store, login), name, "")
    click.echo(f"{number} contacts changed")


def _book(tx: Transaction, target: Target) -> Collection:
    """The address book.

    Raises:
        BadParameter: it is something else.
    """
    found = find_collection(tx, target)
    if found.tool is not Tool.CONTACTS:
        raise click.BadParameter(f"{found.name} is no address book")
    return found


def named(target: Target) -> str:
    """The contact's name in its address book.

    Raises:
        BadParameter: a whole address book is named.
    """
    if target.item is None:
        raise click.BadParameter("name a contact, such as alice/contacts/dora.vcf")
    return target.item
