"""`escritoire feed`: secret addresses of feeds, for readers that cannot log in (CALSYNC-19, CALSYNC-21)."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

import click

from auth import feed_tokens
from servers.cli import Desk
from servers.commands.listing import json_option, moment, sheet, table
from servers.commands.opened import NUMBER, account, ask, opened
from servers.feeds.table import Found, feed_of, find
from storage import collections as tree
from storage import feed_tokens as rows
from storage import principals
from storage.errors import NotFound
from storage.store import Transaction
from storage.types import SITE, Actor, SpaceKind


@click.group()
def command() -> None:
    """Secret addresses of feeds: each opens one feed, as its owner sees it, without a login.

    \b
    Examples:
        escritoire feed add alice alice/private/events/week.rss --name phone
        escritoire feed add alice groups/IAB/calendar.ics
        escritoire feed list alice
        escritoire feed revoke alice 3
    """


@command.command()
@click.argument("login")
@click.argument("feed")
@click.option("--name", default="", help="What it is for, as in phone.")
@json_option
@click.pass_obj
def add(desk: Desk, login: str, feed: str, name: str, as_json: bool) -> None:
    """Make a secret address for FEED, and print it; it cannot be shown again.

    FEED is the feed's path below /feeds/, or its whole address.
    """
    address = unquote(urlsplit(feed).path if "://" in feed else feed).strip("/").removeprefix("feeds/")
    segments = ["feeds", *address.split("/")]
    wanted, found = feed_of(segments), find(segments)
    if not wanted or found is None:
        raise click.BadParameter(
            "is no feed, such as alice/private/events/week.rss, alice/changes.atom or groups/IAB/calendar.ics",
            param_hint="FEED",
        )
    with opened(desk) as store:
        with store.read(SITE) as tx:
            who = account(tx, login)
        with store.write(Actor(who.id, who.name)) as tx:
            _demand_visible(tx, found, feed)
            made, secret = feed_tokens.make(tx, who, wanted, name)
    end = address[address.rindex(".") :] if address.endswith((".rss", ".atom")) else ""
    url = f"{desk.settings.url('feeds')}feeds/token/{secret}/{quote(wanted + end)}"
    if as_json:
        sheet({"token": made.id, "feed": made.feed, "url": url}, as_json)
    else:
        click.echo(url)


@command.command("list")
@click.argument("login")
@json_option
@click.pass_obj
def list_(desk: Desk, login: str, as_json: bool) -> None:
    """The secret addresses of an account, without their secrets."""
    with opened(desk) as store, store.read(SITE) as tx:
        found = rows.listing(tx, account(tx, login))
    lines = [
        {
            "token": one.id,
            "feed": one.feed,
            "name": one.name,
            "created": moment(one.created),
            "last_used": moment(one.last_used) if one.last_used is not None else None,
        }
        for one in found
    ]
    table(lines, ("token", "feed", "name", "created", "last_used"), as_json, "there are no secret addresses")


@command.command()
@click.argument("login")
@click.argument("token", type=NUMBER)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def revoke(desk: Desk, login: str, token: int, yes: bool) -> None:
    """Make a secret address useless, at once."""
    ask(f"Revoke the secret address {token} of {login}?", yes)
    with opened(desk) as store, store.write(SITE) as tx:
        rows.revoke(tx, account(tx, login), token)
    click.echo(f"{token} is revoked")


def _demand_visible(tx: Transaction, found: Found, feed: str) -> None:
    """Refuse an address of what its owner cannot see: it would answer 404 for ever.

    Raises:
        NotFound: he sees no such thing.
    """
    places = found.arguments
    kind, space = (SpaceKind.GROUP, places["group"]) if "group" in places else (SpaceKind.PRIVATE, places["login"])
    try:
        principals.find(tx, kind, space)
        if "span" in places or feed.endswith("calendar.ics"):
            tree.find(tx, kind, space, "events")
    except NotFound:
        raise NotFound(f"{tx.actor.login} sees no such feed: {feed}") from None
