"""The If field (RFC 4918 §10.4): tokens and entity tags that must hold, parsed and evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from servers.dav import resources, tokens
from servers.dav.resources import Kind
from servers.http.errors import BadRequest, HttpError
from storage import locks
from storage.errors import NotFound
from storage.store import Transaction

if TYPE_CHECKING:
    from servers.dav.context import Context

MAX_CONDITIONS: Final = 200

_LEXEME: Final = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<not>[Nn][Oo][Tt])(?=[\s<\[])
      | <(?P<url>[^<>\s]*)> | \[\s*(?P<weak>W/)?"(?P<tag>[^"]*)"\s*\]
    )\s*""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One state token or entity tag, negated or not."""

    negated: bool
    token: str = ""
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class ConditionList:
    """A parenthesised list: all of it must hold on its resource."""

    url: str
    """The resource of a tagged list; "" = the request's own."""
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class IfHeader:
    """A parsed field: one of its lists must hold."""

    lists: tuple[ConditionList, ...] = ()

    @property
    def tokens(self) -> frozenset[str]:
        """The lock tokens that were shown, negated or not (RFC 4918 §10.4.1)."""
        return frozenset(condition.token for found in self.lists for condition in found.conditions if condition.token)


NONE: Final = IfHeader()


def parse(value: str | None) -> IfHeader:
    """Read the field; None is an empty one.

    Raises:
        BadRequest: it breaks the grammar.
    """
    if value is None:
        return NONE
    lists: list[ConditionList] = []
    tag = ""
    inside: list[Condition] | None = None
    negated = False
    at = count = 0
    while at < len(value):
        found = _LEXEME.match(value, at)
        if found is None:
            raise BadRequest("the If field is badly formed")
        at = found.end()
        if inside is None:
            if found["open"]:
                inside, negated = [], False
            elif found["url"] is not None:
                tag = found["url"]
            else:
                raise BadRequest("the If field is badly formed")
            continue
        if found["close"]:
            if not inside or negated:
                raise BadRequest("the If field holds an empty list")
            lists.append(ConditionList(tag, tuple(inside)))
            inside = None
        elif found["not"]:
            if negated:
                raise BadRequest("the If field is badly formed")
            negated = True
        elif found["open"]:
            raise BadRequest("the If field is badly formed")
        else:
            count += 1
            if count > MAX_CONDITIONS:
                raise BadRequest("the If field holds too many conditions")
            if found["url"] is not None:
                inside.append(Condition(negated, token=found["url"]))
            else:
                etag = None if found["weak"] else found["tag"]
                inside.append(Condition(negated, etag=etag or ""))
            negated = False
    if inside is not None or not lists:
        raise BadRequest("the If field is badly formed")
    return IfHeader(tuple(lists))


def evaluate(context: Context, tx: Transaction, header: IfHeader) -> None:
    """Pass if one of the lists holds (RFC 4918 §10.4.4).

    Raises:
        HttpError: 412, none does.
    """
    states: dict[str, tuple[frozenset[str], str | None]] = {}
    for found in header.lists:
        if found.url not in states:
            states[found.url] = _state(context, tx, found.url)
        held, etag = states[found.url]
        if all(_holds(condition, held, etag) for condition in found.conditions):
            return
    raise HttpError(412, "no list of the If field holds")


def _holds(condition: Condition, held: frozenset[str], etag: str | None) -> bool:
    if condition.token:
        true = condition.token in held
    else:
        true = etag is not None and condition.etag == etag
    return true is not condition.negated


def _state(context: Context, tx: Transaction, url: str) -> tuple[frozenset[str], str | None]:
    """The lock tokens, the sync-token and the entity tag of a resource, mapped or not."""
    address = context.address if not url else resources.of_href(context, url)
    if address is None or address.kind not in (Kind.HOME, Kind.COLLECTION, Kind.ITEM, Kind.MEMBER):
        return frozenset(), None
    etag: str | None = None
    held: set[str] = set()
    try:
        found = context.tables.urls.resolve(tx, address)
    except NotFound:
        pass
    else:
        if found.item is not None:
            etag = found.item.etag
        elif found.collection is not None:
            held.add(tokens.current(found.collection))  # RFC 6578 §5
    try:
        space, path = context.tables.urls.place(tx, address)
    except NotFound:
        return frozenset(), None
    held.update(lock.token for lock in locks.covering(tx, space, path))
    return frozenset(held), etag
