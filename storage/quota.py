"""How much a space holds of a tool, and how much its plan allows (ACC-12, ACC-21, GRP-16, RFC 4331)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from storage import principals as people
from storage.attachments.tables import attachments, uses
from storage.errors import Denied, LimitReached, OverQuota
from storage.schema import accounts, collections, groups, plans, principals
from storage.statements import Statement
from storage.store import Transaction
from storage.types import SITE, Collection, Principal, Right, SpaceKind, Tool


@dataclass(frozen=True, slots=True)
class Measure:
    """Which tools fill one allowance together, and what the plan calls its limits."""

    tools: tuple[Tool, ...]
    octets: str = ""
    count: str = ""


_DISK: Final = Measure((Tool.DOCUMENTS, Tool.WIKI, Tool.DROP_BOX, Tool.INFOS), octets="docs_bytes")

MEASURES: Final[Mapping[Tool, Measure]] = {
    Tool.CONTACTS: Measure((Tool.CONTACTS,), count="contacts_max"),
    Tool.CONTACT_LISTS: Measure((Tool.CONTACT_LISTS,), count="lists_max"),
    Tool.MESSAGES: Measure((Tool.MESSAGES,), octets="mail_bytes"),
    Tool.DOCUMENTS: _DISK,
    Tool.WIKI: _DISK,
    Tool.DROP_BOX: _DISK,
    Tool.INFOS: _DISK,
}
"""A tool that is not here is not limited: calendars, tasks, notes. Attachments of events fill the disk's capacity."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a space holds of a tool and may hold of it; None is without limit."""

    octets: int
    count: int
    limit_octets: int | None
    limit_count: int | None

    @property
    def available_count(self) -> int | None:
        """How many may still be added, at least 0."""
        return None if self.limit_count is None else max(0, self.limit_count - self.count)

    @property
    def available_octets(self) -> int | None:
        """What may still be added, at least 0 (RFC 4331 §3)."""
        return None if self.limit_octets is None else max(0, self.limit_octets - self.octets)


_plan_of: Final = sa.func.coalesce(
    # A group has the capacities of its admin's plan (GRP-16).
    sa.select(groups.c.admin_id).where(groups.c.id == sa.bindparam("space")).scalar_subquery(),
    sa.bindparam("space"),
)


_limits: Final = (
    sa.select(plans.c.limits).join(accounts, accounts.c.plan_id == plans.c.id).where(accounts.c.id == _plan_of)
)
_LIMITS: Final = Statement(_limits)
LIMITS: Final = _limits.scalar_subquery()
"""The limits of the plan of the space in the bind `space`, for `is_limited`; a part of other queries."""


_ATTACHED: Final = (
    # RFC 8607 §3.12.1; what no event uses any more is like a former version, and counts as little.
    sa.select(sa.func.coalesce(sa.func.sum(attachments.c.size), 0))
    .where(
        attachments.c.space_id == sa.bindparam("space"),
        sa.exists().where(uses.c.attachment_id == attachments.c.id),
    )
    .scalar_subquery()
)


def _statement(measure: Measure) -> Statement:
    held = sa.and_(
        collections.c.space_id == sa.bindparam("space"),
        sa.or_(*(collections.c.tool == tool.value for tool in measure.tools)),
    )
    octets: sa.ColumnElement[Any] = (
        sa.select(sa.func.coalesce(sa.func.sum(collections.c.octets), 0)).where(held).scalar_subquery()
    )
    if measure is _DISK:
        octets = octets + _ATTACHED
    count = sa.select(sa.func.coalesce(sa.func.sum(collections.c.item_count), 0)).where(held)
    return Statement(
        sa.select(
            octets.label("octets"),
            count.scalar_subquery().label("items"),
            _limits.scalar_subquery().label("limits"),
        )
    )


_STATEMENTS: Final = {measure: _statement(measure) for measure in MEASURES.values()}


def used(tx: Transaction, space: Principal, tool: Tool) -> Usage:
    """What `space` holds of `tool` and may hold of it, in one query."""
    measure = MEASURES.get(tool, Measure((tool,)))
    statement = _STATEMENTS.get(measure) or _statement(measure)
    row = statement.first(tx, {"space": space.id})
    limits: dict[str, Any] = json.loads(row.limits) if row.limits else {}
    return Usage(int(row.octets), int(row.items), _limit(limits, measure.octets), _limit(limits, measure.count))


_ALONE: Final = Statement(
    sa.select(principals.c.id).where(principals.c.id == sa.bindparam("space")).with_for_update(key_share=True)
)
SHOWN: Final = (
    *(Tool.MESSAGES, Tool.DOCUMENTS, Tool.CONTACTS, Tool.CONTACT_LISTS, Tool.CALENDAR),
    *(Tool.TASKS, Tool.NOTES, Tool.FAVOURITES),
)
"""The tools that statistics tell of, each with those that fill its allowance (ACC-07)."""
_EVERY: Final = Statement(
    sa.select(
        collections.c.tool,
        sa.func.sum(collections.c.octets).label("octets"),
        sa.func.sum(collections.c.item_count).label("items"),
        sa.func.max(_ATTACHED).label("attached"),
        sa.func.max(_limits.scalar_subquery()).label("limits"),
    )
    .where(collections.c.space_id == sa.bindparam("space"))
    .group_by(collections.c.tool)
)


def every(tx: Transaction, space: Principal) -> dict[Tool, Usage]:
    """What `space` holds of each tool in `SHOWN` that it has, and may hold, in one query (ACC-07).

    Raises:
        Denied, NotFound: statistics are for the space's owner, for the group's members, and for the site administrator.
    """
    people.by_id(tx, space.id)
    if space.kind is SpaceKind.PRIVATE and tx.actor.id not in (space.id, SITE.id):
        raise Denied(Right.ADMINISTER, space.name)
    rows = {row.tool: row for row in _EVERY.all(tx, {"space": space.id})}
    found: dict[Tool, Usage] = {}
    for tool in SHOWN:
        measure = MEASURES.get(tool, Measure((tool,)))
        held = [rows[one.value] for one in measure.tools if one.value in rows]
        if not held:
            continue
        limits: dict[str, Any] = json.loads(held[0].limits) if held[0].limits else {}
        octets = sum(int(row.octets) for row in held) + (int(held[0].attached) if measure is _DISK else 0)
        count = sum(int(row.items) for row in held)
        found[tool] = Usage(octets, count, _limit(limits, measure.octets), _limit(limits, measure.count))
    return found


def room(tx: Transaction, collection: Collection, plan_limits: str | None = None) -> int | None:
    """How many octets may still be added to `collection`; None is without limit, and then nothing is summed.

    `plan_limits` are those of the space's plan where they were read already (storage/locating.py).
    """
    return room_in(tx, collection.space, collection.tool, plan_limits)


def room_in(
    tx: Transaction, space: Principal, tool: Tool = Tool.DOCUMENTS, plan_limits: str | None = None
) -> int | None:
    """The same for a space, whoever may know of it."""
    measure = MEASURES.get(tool)
    if measure is None or not measure.octets:
        return None
    limits: str | None = _LIMITS.scalar(tx, {"space": space.id}) if plan_limits is None else plan_limits
    if not is_limited(limits, tool):
        return None
    return (used(tx, space, tool) if tool is Tool.MESSAGES else _counted(tx, space, tool)).available_octets


def is_limited(limits: str | None, tool: Tool) -> bool:
    """Whether a plan's limits, as they are stored, say how many octets a space may hold of a tool."""
    measure = MEASURES.get(tool)
    return limits is not None and measure is not None and _stored(limits, measure.octets) is not None


@lru_cache(maxsize=256)
def _stored(limits: str, name: str) -> int | None:
    return _limit(json.loads(limits), name)


def check_add(tx: Transaction, collection: Collection, octets: int, items: int) -> None:
    """Pass if `octets` and `items` more may be stored in `collection`.

    While usage exceeds a lowered limit only additions are refused (ACC-21).

    Raises:
        LimitReached: the plan's number of such items is reached.
        OverQuota: the plan's capacity is reached.
    """
    measure = MEASURES.get(collection.tool)
    if measure is None or (octets <= 0 and items <= 0):
        return
    now = _counted(tx, collection.space, collection.tool)
    if items > 0 and now.limit_count is not None and now.count + items > now.limit_count:
        raise LimitReached(measure.count, now.limit_count)
    if octets > 0 and now.limit_octets is not None and now.octets + octets > now.limit_octets:
        raise OverQuota(f"the capacity of {now.limit_octets} octets ({measure.octets}) is reached")


def check_held(tx: Transaction, space: Principal, before: int, tool: Tool = Tool.DOCUMENTS) -> None:
    """Pass if what the space now holds of `tool` is within its capacity, or no more than `before` (octets; ACC-21).

    Raises:
        OverQuota: it is neither.
    """
    now = _counted(tx, space, tool)
    if now.limit_octets is not None and now.octets > max(now.limit_octets, before):
        raise OverQuota(f"the capacity of {now.limit_octets} octets ({MEASURES[tool].octets}) is reached")


def _counted(tx: Transaction, space: Principal, tool: Tool) -> Usage:
    """`used`, of which nobody else takes anything until the commit.

    Two who write into different collections would both find the last room free (PostgreSQL).
    """
    now = used(tx, space, tool)
    limited = now.limit_octets is not None or now.limit_count is not None
    if not limited or not tx.writing or tx.store.engines.sqlite:
        return now
    _ALONE.all(tx, {"space": space.id})
    return used(tx, space, tool)


def _limit(limits: Mapping[str, Any], name: str) -> int | None:
    value = limits.get(name) if name else None
    return int(value) if value is not None else None
