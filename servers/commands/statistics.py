"""`escritoire user statistics`: what somebody and his groups hold, what is left of it, and of his SMS (ACC-07)."""

from __future__ import annotations

from typing import Any

import click

from servers.cli import Desk
from servers.commands.listing import json_option, table
from servers.commands.opened import account, acting, opened
from storage import principals, quota
from storage.errors import NotFound
from storage.sms import credit
from storage.store import Transaction
from storage.types import Principal, SpaceKind

_PRIVATE = "private"
_COLUMNS = ("space", "tool", "items", "items_left", "octets", "octets_left", "octets_max")


@click.command()
@click.argument("login")
@click.option("--in", "only", metavar="SPACE", help="Only `private`, or only the group of that short name.")
@json_option
@click.pass_obj
def statistics(desk: Desk, login: str, only: str | None, as_json: bool) -> None:
    """What LOGIN holds, privately and in each of his groups, and how much room is left.

    What a group may hold is of its admin's plan, and is all its members' together (GRP-16). "-" is without limit.

    \b
    Examples:
        escritoire user statistics alice
        escritoire user statistics alice --in IAB
    """
    with opened(desk) as store, store.read(acting(store, login)) as tx:
        person = account(tx, login)
        spaces = [person, *principals.groups_of(tx, person)]
        chosen = [one for one in spaces if only in (None, _name(one))]
        if not chosen:
            raise NotFound(f"{login} has no {only}; there are: {', '.join(_name(one) for one in spaces)}")
        rows = [row for space in chosen for row in _rows(tx, space)]
    table(rows, _COLUMNS, as_json)


def _rows(tx: Transaction, space: Principal) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "space": _name(space), "tool": tool.value,
            "items": one.count, "items_left": one.available_count, "items_max": one.limit_count,
            "octets": one.octets, "octets_left": one.available_octets, "octets_max": one.limit_octets,
        }
        for tool, one in quota.every(tx, space).items()
    ]  # fmt: skip
    if space.kind is SpaceKind.PRIVATE:
        sms = credit.of(tx, space.id)
        told = {"items": sms.used, "items_left": sms.left, "items_max": sms.allotted}
        rows.append({"space": _PRIVATE, "tool": "sms of the month"} | told)
    return rows


def _name(space: Principal) -> str:
    return _PRIVATE if space.kind is SpaceKind.PRIVATE else space.name
