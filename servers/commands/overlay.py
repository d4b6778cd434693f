"""`escritoire overlay`: calendars of others and of the Internet beside one's own (CAL-19…25)."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from servers.cli import Desk
from servers.commands.listing import json_option, moment, table
from servers.commands.opened import acting, opened
from servers.outbound.fetching import Fetcher, Unreachable
from servers.outbound.subscriptions import refresh as fetch_again
from storage import principals
from storage.errors import Refused
from storage.overlay import choosing, refreshing
from storage.overlay.refreshing import Due
from storage.store import Store
from storage.types import Actor, SpaceKind


@click.group()
def command() -> None:
    """Calendars of co-members, groups and the Internet, in the calendar programs of one account.

    \b
    Examples:
        escritoire overlay add alice bob
        escritoire overlay add alice groups/IAB
        escritoire overlay add alice webcal://www.example.org/holidays.ics --name Holidays --color "#E53935"
        escritoire overlay hide alice Holidays
        escritoire overlay off alice
    """


@command.command("list")
@click.argument("login")
@json_option
@click.pass_obj
def list_(desk: Desk, login: str, as_json: bool) -> None:
    """Show what is in the overlay, whether it is shown, and what could not be fetched."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            found = choosing.entries(tx)
            switched_on = choosing.is_on(tx)
    rows = [
        {
            "name": one.name,
            "title": one.title,
            "shown": one.shown and switched_on,
            "url": one.url,
            "color": one.color,
            "events": one.events if one.url else None,
            "fetched": None if one.fetched is None else moment(one.fetched),
            "trouble": one.trouble,
        }
        for one in found
    ]
    table(rows, ("name", "title", "shown", "events", "fetched", "trouble"), as_json, "nothing is in the overlay")


@command.command()
@click.argument("login")
@click.argument("calendar")
@click.option("--name", default="", help="How a calendar of the Internet is called; else as it calls itself.")
@click.option("--description", default="", help="What it is for.")
@click.option("--color", default="", help="Of all its events, such as #E53935.")
@click.pass_obj
def add(desk: Desk, login: str, calendar: str, name: str, description: str, color: str) -> None:
    """Add a calendar: a login, groups/NAME, or an address such as webcal://www.example.org/holidays.ics.

    An address is fetched at once, and again every six hours or as often as the calendar says.
    """
    with opened(desk) as store:
        actor = acting(store, login)
        if "://" not in calendar:
            group = calendar.removeprefix("groups/")
            kind = SpaceKind.GROUP if group != calendar else SpaceKind.PRIVATE
            with store.write(actor) as tx:
                choosing.add_calendar(tx, principals.find(tx, kind, group))
            click.echo(f"{calendar} is in the overlay of {login}")
            return
        made, report = _subscribe(store, actor, desk, calendar, (name, description, color))
    click.echo(f"{made}: {report.added} events" + (f", {report.failed} could not be read" if report.failed else ""))


def _subscribe(
    store: Store, actor: Actor, desk: Desk, url: str, told: tuple[str, str, str]
) -> tuple[str, refreshing.Report]:
    """Fetch and read before anything is kept (CAL-21)."""
    address = choosing.clean_url(url)
    name, description, color = told
    with store.read(actor) as tx:
        choosing.demand_room(tx)
    fetcher = Fetcher(desk.settings.outbound.subscription_networks)
    try:
        answer = fetcher.fetch(address)
    except Unreachable as error:
        if not url.lower().startswith("webcal:"):
            raise Refused(f"{address} cannot be fetched: {error}") from None
        # A webcal address says nothing about TLS: some of these servers have none.
        address = "http" + address.removeprefix("https")
        try:
            answer = fetcher.fetch(address)
        except Unreachable as plain:
            raise Refused(f"{url} cannot be fetched: {error}; without TLS: {plain}") from None
    data = answer.data or b""
    found = refreshing.read(data)
    with store.write(actor) as tx:
        title = name or found.name or urlsplit(address).hostname or address
        made = choosing.add_feed(tx, title[: choosing.NAME_MAX], address, description=description, color=color)
        due = refreshing.one(tx, made.id)
    return made.name, refreshing.keep(store, due, data, answer.etag, answer.last_modified)


@command.command()
@click.argument("login")
@click.argument("name")
@click.pass_obj
def show(desk: Desk, login: str, name: str) -> None:
    """Show a calendar that was hidden."""
    _change(desk, login, name, shown=True)


@command.command()
@click.argument("login")
@click.argument("name")
@click.pass_obj
def hide(desk: Desk, login: str, name: str) -> None:
    """Hide a calendar for a while; it stays chosen."""
    _change(desk, login, name, shown=False)


def _change(desk: Desk, login: str, name: str, *, shown: bool) -> None:
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            choosing.show(tx, name, shown=shown)
    click.echo(f"{name} is {'shown' if shown else 'hidden'}")


@command.command()
@click.argument("login")
@click.argument("name")
@click.pass_obj
def remove(desk: Desk, login: str, name: str) -> None:
    """Take a calendar out for good."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            choosing.remove(tx, name)
    click.echo(f"{name} is removed")


@command.command()
@click.argument("login")
@click.pass_obj
def on(desk: Desk, login: str) -> None:
    """Show the overlay."""
    _switch(desk, login, on=True)


@command.command()
@click.argument("login")
@click.pass_obj
def off(desk: Desk, login: str) -> None:
    """Show nothing of the overlay; what is in it stays chosen."""
    _switch(desk, login, on=False)


def _switch(desk: Desk, login: str, *, on: bool) -> None:
    with opened(desk) as store:
        actor = acting(store, login)
        with store.write(actor) as tx:
            choosing.switch(tx, on=on)
    click.echo(f"the overlay of {login} is {'on' if on else 'off'}")


@command.command()
@click.argument("login")
@click.argument("name")
@click.pass_obj
def refresh(desk: Desk, login: str, name: str) -> None:
    """Fetch a calendar of the Internet now."""
    with opened(desk) as store:
        actor = acting(store, login)
        with store.read(actor) as tx:
            due: Due = refreshing.named(tx, name)
        report = fetch_again(store, Fetcher(desk.settings.outbound.subscription_networks), due)
        with store.read(actor) as tx:
            trouble = next((one.trouble for one in choosing.entries(tx) if one.name == name or one.title == name), "")
    click.echo(f"{name}: {report.added} added, {report.changed} changed, {report.removed} removed")
    if trouble:
        raise Refused(trouble)
