"""`escritoire plan`: what accounts may do and hold (ACC-09…12, ACC-21)."""

from __future__ import annotations

from typing import Any

import click

from servers.cli import Desk
from servers.commands.listing import json_option, sheet, table
from servers.commands.opened import account, opened
from storage import plans
from storage.plans import GATES, LIMITS
from storage.types import SITE


def limit(value: str) -> tuple[str, int | None]:
    """Read NAME=NUMBER; NAME=none takes a limit away.

    Raises:
        BadParameter: there is no such limit, or that is no number.
    """
    name, _, number = value.partition("=")
    if name not in LIMITS:
        raise click.BadParameter(f"there is no limit {name!r}; there are {', '.join(LIMITS)}")
    if number.lower() == "none":
        return name, None
    unit = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(number[-1:].lower(), 1)
    digits = number if unit == 1 else number[:-1]
    if not (digits.isascii() and digits.isdecimal()):
        raise click.BadParameter(f"{number!r} is neither a number, such as 500 or 2G, nor none")
    return name, int(digits) * unit


_limit = click.option(
    "--limit",
    "limits",
    type=limit,
    multiple=True,
    metavar="NAME=NUMBER",
    help="As in contacts_max=500, docs_bytes=2G; =none for none.",
)


@click.group()
def command() -> None:
    """Plans: which features an account has, and how much it may hold.

    \b
    Examples:
        escritoire plan show free
        escritoire plan add school --gate wiki --gate imap --limit docs_bytes=2G
        escritoire plan assign alice school
    """


@command.command("list")
@json_option
@click.pass_obj
def list_(desk: Desk, as_json: bool) -> None:
    """All plans."""
    with opened(desk) as store, store.read(SITE) as tx:
        rows = [_row(one) | {"accounts": plans.holders(tx, one.name)} for one in plans.listing(tx)]
    if as_json:
        table(rows, (), as_json)
        return
    short = [row | {"gates": len(row["gates"]), "limits": len(row["limits"])} for row in rows]
    table(short, ("name", "accounts", "gates", "limits"), as_json)


@command.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(desk: Desk, name: str, as_json: bool) -> None:
    """One plan: open and closed gates, limits."""
    with opened(desk) as store, store.read(SITE) as tx:
        row = _row(plans.find(tx, name)) | {"accounts": plans.holders(tx, name)}
    if as_json:
        sheet(row, as_json)
        return
    click.echo(f"{name}: {row['accounts']} accounts")
    rows: list[dict[str, Any]] = [
        {"name": gate, "value": gate in row["gates"], "meaning": meaning} for gate, meaning in GATES.items()
    ]
    rows += [
        {"name": key, "value": row["limits"].get(key, "unlimited"), "meaning": meaning}
        for key, meaning in LIMITS.items()
    ]
    table(rows, ("name", "value", "meaning"), as_json)


@command.command()
@click.argument("name")
@click.option("--gate", "gates", multiple=True, type=click.Choice(list(GATES)), help="Open this one; repeat for more.")
@_limit
@click.pass_obj
def add(desk: Desk, name: str, gates: tuple[str, ...], limits: tuple[tuple[str, int | None], ...]) -> None:
    """Define a plan; gates not named are closed, limits not named do not exist."""
    with opened(desk) as store, store.write(SITE) as tx:
        plans.add(tx, name, gates, {key: number for key, number in limits if number is not None})


@command.command("set")
@click.argument("name")
@click.option("--open", "opening", multiple=True, type=click.Choice(list(GATES)), help="Open this gate.")
@click.option("--close", "closing", multiple=True, type=click.Choice(list(GATES)), help="Close this gate.")
@_limit
@click.pass_obj
def set_(
    desk: Desk,
    name: str,
    opening: tuple[str, ...],
    closing: tuple[str, ...],
    limits: tuple[tuple[str, int | None], ...],
) -> None:
    """Change a plan, at once for all who have it; nothing is ever deleted by it."""
    if not (opening or closing or limits):
        raise click.UsageError("Give --open, --close or --limit.")
    with opened(desk) as store, store.write(SITE) as tx:
        plans.change(tx, name, open_gates=opening, close_gates=closing, limits=dict(limits))


@command.command()
@click.argument("login")
@click.argument("plan")
@click.pass_obj
def assign(desk: Desk, login: str, plan: str) -> None:
    """Give an account another plan; what it holds stays."""
    with opened(desk) as store, store.write(SITE) as tx:
        plans.assign(tx, account(tx, login).id, plan)


@command.command()
@click.argument("name")
@click.pass_obj
def remove(desk: Desk, name: str) -> None:
    """Delete a plan that nobody has."""
    with opened(desk) as store, store.write(SITE) as tx:
        plans.remove(tx, name)


def _row(one: plans.Plan) -> dict[str, Any]:
    return {"name": one.name, "gates": sorted(one.gates), "limits": dict(one.limits)}
