"""CARDDAV:filter: which cards a query means, and what of it the index can answer (RFC 6352 §10.5).

`matches` is the rule. `plan` says which part of it holds on the folded index columns, so that the database
hands out few candidates, and none that must be parsed where the columns decide alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from storage.formats import collation
from storage.formats.contentline import Component, Property
from storage.formats.vcard import INDEXED, searchable

UNICODE: Final = "i;unicode-casemap"
"""The default collation (RFC 6352 §10.5.4), and the one the index columns are folded by."""


class MatchType(Enum):
    """How a text is compared; the value is the attribute's (RFC 6352 §10.5.4)."""

    EQUALS = "equals"
    CONTAINS = "contains"
    STARTS_WITH = "starts-with"
    ENDS_WITH = "ends-with"


@dataclass(frozen=True, slots=True)
class TextMatch:
    """RFC 6352 §10.5.4; `collation` is one that the collation module knows."""

    text: str
    match_type: MatchType = MatchType.CONTAINS
    collation: str = UNICODE
    negate: bool = False


@dataclass(frozen=True, slots=True)
class ParamFilter:
    """RFC 6352 §10.5.2; `name` upper case."""

    name: str
    is_not_defined: bool = False
    text: TextMatch | None = None


@dataclass(frozen=True, slots=True)
class PropFilter:
    """RFC 6352 §10.5.1; `name` and `group` upper case, `group` None for any and none."""

    name: str
    group: str | None = None
    is_not_defined: bool = False
    texts: tuple[TextMatch, ...] = ()
    params: tuple[ParamFilter, ...] = ()
    all_of: bool = False

    @staticmethod
    def names(attribute: str) -> tuple[str, str | None]:
        """Name and group of the `name` attribute: `X-ABC.TEL` is TEL in the group X-ABC alone."""
        group, dot, name = attribute.upper().rpartition(".")
        return name, group if dot else None


@dataclass(frozen=True, slots=True)
class CardFilter:
    """RFC 6352 §10.5. Without any prop-filter every card matches."""

    props: tuple[PropFilter, ...] = ()
    all_of: bool = False


# --- the rule --------------------------------------------------------------------------------------------------


def matches(wanted: CardFilter, card: Component) -> bool:
    """Judge one parsed card."""
    if not wanted.props:
        return True
    judge = all if wanted.all_of else any
    return judge(_property(prop, card) for prop in wanted.props)


def _property(wanted: PropFilter, card: Component) -> bool:
    """True if one property satisfies the conditions itself: "a vCard property … exists, and … it matches"."""
    found = (
        prop
        for prop in card.properties
        if prop.name == wanted.name and (wanted.group is None or prop.group.upper() == wanted.group)
    )
    if wanted.is_not_defined:
        return next(found, None) is None
    judge = all if wanted.all_of else any
    if not wanted.texts and not wanted.params:
        return next(found, None) is not None
    return any(
        judge(
            [
                *(_text(text, searchable(prop)) for text in wanted.texts),
                *(_param(param, prop) for param in wanted.params),
            ]
        )
        for prop in found
    )


def _param(wanted: ParamFilter, prop: Property) -> bool:
    values = prop.params_of(wanted.name)
    if wanted.is_not_defined:
        return not values
    if not values or wanted.text is None:
        return bool(values)
    return _text(wanted.text, [part for value in values for part in {value, *value.split(",")}])


def _text(wanted: TextMatch, values: list[str]) -> bool:
    """One of the values matches; negated: none does."""
    needle = collation.fold(wanted.collation, _on_one_line(wanted.text))
    hit = any(_compare(wanted.match_type, collation.fold(wanted.collation, value), needle) for value in values)
    return hit != wanted.negate


def _compare(match_type: MatchType, value: str, needle: str) -> bool:
    if match_type is MatchType.CONTAINS:
        return needle in value
    if match_type is MatchType.STARTS_WITH:
        return value.startswith(needle)
    if match_type is MatchType.ENDS_WITH:
        return value.endswith(needle)
    return value == needle


def _on_one_line(text: str) -> str:
    return text.replace("\r\n", " ").replace("\n", " ")


# --- what the index can answer ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """One of the lines of an index column compares so with `text`.

    `column` is a field of `vcard.Folded`, and `text` folded like it. For the column `uid`, which is not folded,
    `text` is ASCII in upper case, to be compared with `upper(uid)`.
    """

    column: str
    match_type: MatchType
    text: str


@dataclass(frozen=True, slots=True)
class Every:
    """All of them hold."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of them holds."""

    terms: tuple[Expression, ...]


Expression = Term | Every | Some


@dataclass(frozen=True, slots=True)
class Plan:
    """Whatever matches satisfies `expression`; with `exact` the converse holds too, and no card need be parsed."""

    expression: Expression | None
    """None: the index says nothing, every card is a candidate."""
    exact: bool


def plan(wanted: CardFilter) -> Plan:
    """Say what the index columns can decide of `wanted`."""
    if not wanted.props:
        return Plan(None, True)
    return _joined([_plan_property(prop) for prop in wanted.props], wanted.all_of)


def indexable(wanted: CardFilter) -> bool:
    """The index alone answers it: only FN, N, ORG, NICKNAME, EMAIL, TEL, by i;unicode-casemap, without
    parameters, groups, negation and is-not-defined.
    """
    return plan(wanted).exact


_UNKNOWN: Final = Plan(None, False)
_NARROWER: Final = frozenset({"i;ascii-casemap", "i;octet"})
"""Collations under which fewer texts are equal than under i;unicode-casemap."""


def _plan_property(wanted: PropFilter) -> Plan:
    if wanted.is_not_defined or not wanted.texts:
        return _UNKNOWN
    parts = [_plan_text(wanted.name, text) for text in wanted.texts]
    if wanted.params:
        parts.append(_UNKNOWN)
    joined = _joined(parts, wanted.all_of)
    # Two conditions of one property may be met by two of them: then the index gives too much.
    exact = joined.exact and wanted.group is None and (not wanted.all_of or len(parts) == 1)
    return Plan(joined.expression, exact)


def _plan_text(name: str, wanted: TextMatch) -> Plan:
    if wanted.negate or not wanted.text:
        return _UNKNOWN
    if name == "UID":
        if not wanted.text.isascii() or "\\" in wanted.text:
            return _UNKNOWN
        return Plan(Term("uid", wanted.match_type, wanted.text.upper()), False)
    if name not in INDEXED:
        return _UNKNOWN
    if wanted.collation != UNICODE and not (wanted.collation in _NARROWER and wanted.text.isascii()):
        return _UNKNOWN  # under a decomposition a part of a text need not stay one
    text = collation.fold(UNICODE, _on_one_line(wanted.text))
    return Plan(Term(name.lower(), wanted.match_type, text), wanted.collation == UNICODE)


def _joined(parts: list[Plan], all_of: bool) -> Plan:
    known = tuple(part.expression for part in parts if part.expression is not None)
    exact = all(part.exact for part in parts)
    if not known or (not all_of and len(known) < len(parts)):
        return _UNKNOWN
    if len(known) == 1:
        return Plan(known[0], exact)
    return Plan(Every(known) if all_of else Some(known), exact)


def holds(expression: Expression, columns: dict[str, str]) -> bool:
    """Evaluate on the columns of one card; what the database does in SQL, here for the tests of that."""
    if isinstance(expression, Term):
        lines = columns[expression.column].split("\n")
        if expression.column == "uid":
            lines = [line.upper() for line in lines]
        return any(_compare(expression.match_type, line, expression.text) for line in lines)
    if isinstance(expression, Every):
        return all(holds(term, columns) for term in expression.terms)
    return any(holds(term, columns) for term in expression.terms)
