"""DAV:where as a function of a candidate, in three-valued logic (RFC 5323 §5.5, appendix A)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias

from servers.dav import xml
from servers.dav.names import DAV
from servers.http import conditions as http
from servers.http.errors import BadRequest, HttpError
from servers.webdav.search.candidate import Candidate, Value

Truth: TypeAlias = "bool | None"
"""None is UNKNOWN: the property is not there, or is not of the type it is compared with."""
Test: TypeAlias = Callable[[Candidate], Truth]

MAX_CONDITIONS: Final = 200
MAX_PATTERN: Final = 1_000
"""Characters of a DAV:like pattern."""
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_COMPARE: Final[dict[str, Callable[[int], bool]]] = {
    f"{DAV}eq": lambda order: order == 0,
    f"{DAV}lt": lambda order: order < 0,
    f"{DAV}lte": lambda order: order <= 0,
    f"{DAV}gt": lambda order: order > 0,
    f"{DAV}gte": lambda order: order >= 0,
}
_WHOLE: Final = frozenset(f"{sign}{size}" for sign in ("", "unsigned") for size in ("int", "long", "short", "byte")) | {
    "integer",
    "nonNegativeInteger",
    "positiveInteger",
    "unsignedInt",
    "unsignedLong",
}


def compile_where(root: xml.Element | None) -> Test:
    """The test that a DAV:where holds; everything passes without one.

    Raises:
        BadRequest: it breaks the grammar.
        HttpError: 422, an operator or a type that we do not know (RFC 5323 §2.3.4, §5.11).
    """
    if root is None:
        return lambda _: True
    inner = list(xml.children(root))
    if len(inner) != 1:
        raise BadRequest("DAV:where holds one condition")
    count = sum(1 for _ in root.iter())
    if count > MAX_CONDITIONS * 4:
        raise HttpError(422, "too many conditions")
    return _compile(inner[0])


def _compile(node: xml.Element) -> Test:
    name = xml.tag(node)
    if name in (f"{DAV}and", f"{DAV}or"):
        tests = [_compile(child) for child in xml.children(node)]
        if not tests:
            raise BadRequest("a condition is empty")
        return _all(tests) if name == f"{DAV}and" else _any(tests)
    if name == f"{DAV}not":
        tests = [_compile(child) for child in xml.children(node)]
        if len(tests) != 1:
            raise BadRequest("DAV:not holds one condition")
        return _not(tests[0])
    if name == f"{DAV}is-collection":
        return lambda candidate: candidate.is_collection
    if name == f"{DAV}is-defined":
        wanted = _property(node)
        return lambda candidate: candidate.value(wanted) is not None
    if name == f"{DAV}like":
        return _like(node)
    if name == f"{DAV}contains":
        words = xml.all_text(node)
        return lambda candidate: candidate.contains(words)
    if name in _COMPARE:
        return _comparison(node, _COMPARE[name])
    raise HttpError(422, "this operator is not known")


def _all(tests: list[Test]) -> Test:
    def test(candidate: Candidate) -> Truth:
        unknown = False
        for one in tests:
            found = one(candidate)
            if found is False:
                return False
            unknown = unknown or found is None
        return None if unknown else True

    return test


def _any(tests: list[Test]) -> Test:
    def test(candidate: Candidate) -> Truth:
        unknown = False
        for one in tests:
            found = one(candidate)
            if found:
                return True
            unknown = unknown or found is None
        return None if unknown else False

    return test


def _not(inner: Test) -> Test:
    def test(candidate: Candidate) -> Truth:
        found = inner(candidate)
        return None if found is None else not found

    return test


def _property(node: xml.Element) -> str:
    prop = xml.child(node, f"{DAV}prop")
    names = [xml.tag(child) for child in xml.children(prop)] if prop is not None else []
    if len(names) != 1:
        raise BadRequest("a condition names one property")
    return names[0]


def _is_caseless(node: xml.Element) -> bool:
    """RFC 5323 §5.5.2: where the client does not say, people look for names without minding case."""
    value = node.get("caseless", node.get(f"{DAV}caseless", "yes"))
    if value not in ("yes", "no"):
        raise BadRequest("caseless is yes or no")
    return value == "yes"


def _like(node: xml.Element) -> Test:
    wanted = _property(node)
    pattern = Pattern(xml.all_text(_literal(node)), caseless=_is_caseless(node))

    def test(candidate: Candidate) -> Truth:
        value = candidate.value(wanted)
        return None if value is None else pattern.matches(_as_text(value))

    return test


class Pattern:
    """A DAV:like pattern: `_` one character, `%` any, `\\` escapes (RFC 5323 §5.15.1)."""

    def __init__(self, text: str, *, caseless: bool) -> None:
        """Read it.

        Raises:
            BadRequest: something else is escaped.
            HttpError: 422, it is too long.
        """
        if len(text) > MAX_PATTERN:
            raise HttpError(422, "this pattern is too long")
        pieces: list[list[str]] = [[]]
        at = 0
        while at < len(text):
            one = text[at]
            if one == "\\":
                at += 1
                if at >= len(text) or text[at] not in "\\%_":
                    raise BadRequest("only %, _ and \\ are escaped in a pattern")
                pieces[-1].append(re.escape(text[at]))
            elif one == "%":
                pieces.append([])
            else:
                pieces[-1].append("." if one == "_" else re.escape(one))
            at += 1
        flags = re.DOTALL | (re.IGNORECASE if caseless else 0)
        self._pieces: Final = [re.compile("".join(piece), flags) for piece in pieces]
        self._last: Final = len(pieces[-1])

    def matches(self, value: str) -> bool:
        """Whether all of the value is like it; in time that grows as the value does, however many `%` there are."""
        first, *others = self._pieces
        if not others:
            return first.fullmatch(value) is not None
        found = first.match(value)
        tail = len(value) - self._last
        if found is None or found.end() > tail or others[-1].fullmatch(value, tail) is None:
            return False
        at = found.end()
        for piece in others[:-1]:  # what is between two `%` may as well be where it comes first
            found = piece.search(value, at, tail)
            if found is None:
                return False
            at = found.end()
        return True


def _literal(node: xml.Element) -> xml.Element:
    literal = xml.child(node, f"{DAV}literal")
    if literal is None:
        raise BadRequest("a condition compares with a literal")
    return literal


def _comparison(node: xml.Element, holds: Callable[[int], bool]) -> Test:
    wanted = _property(node)
    caseless = _is_caseless(node)
    typed = xml.child(node, f"{DAV}typed-literal")
    if typed is not None:
        cast = _cast_to(typed.get(_TYPE, "xs:string"))
        target = cast(_raw(typed))
        if target is None:
            raise HttpError(422, "the literal is not of its type")
    else:
        text = _raw(_literal(node))
        cast, target = None, text

    def test(candidate: Candidate) -> Truth:
        value = candidate.value(wanted)
        if value is None:
            return None
        if cast is not None:
            return _ordered(cast(_as_text(value)), target, caseless, holds)
        return _ordered(value, _alike(target, value), caseless, holds)

    return test


def _ordered(left: Value | None, right: Value | None, caseless: bool, holds: Callable[[int], bool]) -> Truth:
    if left is None or right is None:
        return None
    if isinstance(left, str) and isinstance(right, str):
        first, second = (left.casefold(), right.casefold()) if caseless else (left, right)
        return holds((first > second) - (first < second))
    if isinstance(left, datetime) and isinstance(right, datetime):
        return holds((left > right) - (left < right))
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return holds(operator.gt(left, right) - operator.lt(left, right))
    return None


def _alike(text: Value | None, value: Value) -> Value | None:
    """A literal, read as the property's own type is (RFC 5323 §5.10)."""
    assert isinstance(text, str)
    if isinstance(value, datetime):
        return moment(text)
    if isinstance(value, (int, float)):
        return _number(text.strip())
    return text


def moment(text: str) -> datetime | None:
    """A time as RFC 3339, a plain date, or an HTTP date says it."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        seconds = http.http_date(text.strip())
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _number(text: str) -> Value | None:
    try:
        return int(text) if re.fullmatch(r"[+-]?\d{1,30}", text) else float(text)
    except ValueError:
        return None


def _cast_to(name: str) -> Callable[[str], Value | None]:
    kind = name.rpartition(":")[2]
    if kind == "string":
        return lambda text: text
    if kind in _WHOLE:
        return lambda text: int(text) if re.fullmatch(r"\s*[+-]?\d{1,30}\s*", text) else None
    if kind in ("decimal", "double", "float"):
        return lambda text: _number(text.strip())
    if kind in ("dateTime", "date"):
        return moment
    if kind == "boolean":
        return lambda text: {"1": 1, "true": 1, "0": 0, "false": 0}.get(text.strip())
    raise HttpError(422, "this type is not known")  # RFC 5323 §5.11


def _raw(node: xml.Element) -> str:
    return "".join([str(part) for part in node.itertext()])


def _as_text(value: Value) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)
