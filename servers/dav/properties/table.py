"""Property and ItemProperty: one row of the live properties' registry.

A property of a principal, home or collection is computed for each resource. Items come by the
thousand, so an item property first says, once for a whole listing, *how* it is computed: not at
all, as one text for all members, from the columns of a row, or from a whole item.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from servers.dav.resources import Kind, Resource
from storage.types import Collection, Item, Row, Tool

if TYPE_CHECKING:
    from lxml import etree

    from servers.dav.context import Reader

Update: TypeAlias = "Callable[[etree._Element | None], Mapping[str, Any]]"
"""From the property's element (None: remove it) to arguments of storage.collections.update and create.
Raises HttpError with the precondition that the value breaks."""


Assign: TypeAlias = "Callable[[Reader, Resource, etree._Element | None], Callable[[], None]]"
"""Checks the property's element (None: remove it) and gives what writes it; that is called when no other
instruction has failed. Raises HttpError."""


@dataclass(frozen=True, slots=True)
class Property:
    """A live property of resources that are no items."""

    name: str
    """Clark name."""
    kinds: frozenset[Kind]
    get: Callable[[Reader, Resource], str | None]
    """Its content, XML already ("" for an empty element); None if this resource does not have it."""
    allprop: bool = False
    """Told to who asks for everything (RFC 4918 §9.1)."""
    tools: frozenset[Tool] | None = None
    """For collections: only those of these tools."""
    update: Update | None = None
    """How PROPPATCH and extended MKCOL set it; None = protected (RFC 4918 §15)."""
    at_creation: bool = False
    """`update` holds for MKCOL and MKCALENDAR only; afterwards it is protected."""
    check: Callable[[etree._Element], None] | None = None
    """It is kept as it was sent, like a dead property, once this has passed it."""
    assign: Assign | None = None
    """How PROPPATCH sets it where no column of a collection holds it: on homes and principals."""


@dataclass(slots=True)
class Listing:
    """Members of one collection that are answered together."""

    reader: Reader
    collection: Collection
    href: str
    """Of the collection, ending with a slash."""
    memo: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowPart:
    """Computed from the columns that `Row` and `Item` share."""

    get: Callable[[Row | Item], str | None]
    """Content, XML already; None (only if `optional`) where this item does not have it."""
    optional: bool = False
    of_etag: str = ""
    """It is this template of the validator alone, so that a `Brief` suffices; "" if it is not."""
    column: str = ""
    """It is this column alone, which holds no special character; "" if it is not."""
    lasting: bool = False
    """It says the same while the item's row stands, whoever asks and when."""


@dataclass(frozen=True, slots=True)
class ItemPart:
    """Computed from a whole item: its rights, its name in another table, its body."""

    get: Callable[[Item], str | None]
    body: bool = False
    """`item.body` must be loaded."""
    optional: bool = True
    """Some items may not have it."""


Part: TypeAlias = "str | RowPart | ItemPart | None"


@dataclass(frozen=True, slots=True)
class ItemProperty:
    """A live property of items; all of them are protected."""

    name: str
    choose: Callable[[Listing], Part]
    """How it is computed in this listing; None = none of its members has it."""
    allprop: bool = False
