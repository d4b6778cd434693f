"""`escritoire search`: find documents by what is in them and what is known of them (DOC-34…36)."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import click

from servers.cli import Desk
from servers.commands.documents import Spot, folder, spot
from servers.commands.listing import json_option, moment, table
from servers.commands.opened import account, acting, opened
from storage import preferences, text_index
from storage import search as documents
from storage.formats import search_query
from storage.formats.search_query import Expression, Field
from storage.search import Hit, Order
from storage.store import Store
from storage.types import SITE, SpaceKind


@click.command()
@click.argument("words", nargs=-1)
@click.option("--as", "login", required=True, help="Who searches: his own documents, and those of his groups.")
@click.option("--in", "place", type=spot, help="Only there: alice, groups/IAB, alice/Reports.")
@click.option("--name", multiple=True, help="Words of the name.")
@click.option("--content", multiple=True, help="Words of the text.")
@click.option("--description", multiple=True, help="Words of the description.")
@click.option("--author", multiple=True, help="Name of who added it.")
@click.option("--ext", multiple=True, help="What the name ends in: pdf.")
@click.option("--size", multiple=True, help='As in ">1M".')
@click.option("--date", multiple=True, help='Day of the last change, as in ">=2024-01-31", "2024-01" or "2024".')
@click.option("--any", "any_", is_flag=True, help="One of the criteria is enough.")
@click.option("--query", help="A whole query instead of criteria.")
@click.option("--sort", type=click.Choice([one.value for one in Order]), default=Order.RELEVANCE.value)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--offset", type=click.IntRange(0, 1_000_000), default=0)
@json_option
@click.pass_obj
def command(
    desk: Desk,
    /,
    words: tuple[str, ...],
    login: str,
    place: Spot | None,
    any_: bool,
    query: str | None,
    sort: str,
    limit: int,
    offset: int,
    as_json: bool,
    **criteria: tuple[str, ...],
) -> None:
    """Search in documents: WORDS in name, text, description and author's name; all must be found.

    \b
    A * stands for any letters, but not at the beginning of a word: vir* finds "Bureau virtuel.doc" and "Virus.ppt".
    --query takes fields (name content description author ext size date), "phrases",
    AND OR NOT and parentheses; a word without a field is looked for everywhere.

    \b
    Examples:
        escritoire search --as alice annual report
        escritoire search --as alice --name 'vir*' --ext doc --ext ppt --any
        escritoire search --as alice --in groups/IAB --content budget --date '>=2024-01-01'
        escritoire search --as alice --query 'content:"tea cake" AND NOT (ext:pdf OR size>1M)'
    """
    with opened(desk) as store:
        expression = _expression(store, login, words, criteria, any_, query)
        with store.read(acting(store, login)) as tx:
            scope = (place.kind, place.space) if place is not None and not place.path else None
            within = folder(tx, place) if place is not None and place.path else None
            order = Order(sort)
            found = documents.run(tx, expression, space=scope, within=within, order=order, limit=limit, offset=offset)
        unread = 0
        if not found.hits:
            with store.read(SITE) as tx:
                unread = text_index.waiting(tx)
    rows = [_row(one) for one in found.hits]
    table(rows, ("place", "size", "modified", "author"), as_json, "nothing was found")
    if unread and not as_json:
        click.echo(f"{unread} documents are not read yet: the process jobs does it while the desk is served", err=True)
    if not as_json and found.total > len(rows):
        click.echo(f"{found.total} found; --offset and --limit show others", err=True)


def _expression(
    store: Store,
    login: str,
    words: tuple[str, ...],
    criteria: dict[str, tuple[str, ...]],
    any_: bool,
    query: str | None,
) -> Expression:
    given = [(Field(name), text) for name, texts in criteria.items() for text in texts]
    with store.read(SITE) as tx:
        zone = ZoneInfo(str(preferences.of(tx, account(tx, login))["timezone"]))
    if query is not None:
        if words or given:
            raise click.UsageError("--query is the whole search: give no words or criteria beside it.")
        return search_query.advanced(query, zone=zone)
    whole = [(Field.ANY, " ".join(words))] if words else []
    return search_query.simple([*whole, *given], every=not any_, zone=zone)


def _row(one: Hit) -> dict[str, Any]:
    whose = one.space.name if one.space.kind is SpaceKind.PRIVATE else f"groups/{one.space.name}"
    return {
        "place": f"{whose}/{one.path}",
        "name": one.name,
        "size": one.size,
        "media_type": one.media_type,
        "created": moment(one.created),
        "modified": moment(one.modified),
        "author": one.author,
        "relevance": one.relevance,
        "excerpt": one.excerpt,
    }
