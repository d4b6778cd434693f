"""Threads of a mailbox: ORDEREDSUBJECT and REFERENCES (RFC 5256 §4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa

from storage.mail.tables import contents, messages
from storage.mail.types import State
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId

Algorithm = Literal["ORDEREDSUBJECT", "REFERENCES", "REFS"]

_ROWS: Final = Statement(
    sa.select(
        messages.c.uid,
        messages.c.internal,
        *(contents.c[name] for name in ("sent", "message_id", "refs", "base_subject", "reply")),
    )
    .join(contents, contents.c.id == messages.c.content_id)
    .where(messages.c.collection_id == sa.bindparam("collection"))
    .order_by(messages.c.uid)
)


class Thread(NamedTuple):
    """One message and what follows from it; `uid` is None where the common parent is not here."""

    uid: int | None
    children: tuple[Thread, ...]


@dataclass(slots=True, eq=False)
class _Node:
    row: Any = None
    parent: _Node | None = None
    children: list[_Node] = field(default_factory=list)

    def adopt(self, child: _Node) -> None:
        """Take a child that has no parent and is none of this one's ancestors."""
        child.parent = self
        self.children.append(child)

    def let_go(self) -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
            self.parent = None

    def is_below(self, other: _Node) -> bool:
        node: _Node | None = self
        while node is not None:
            if node is other:
                return True
            node = node.parent
        return False


def thread(tx: Transaction, number: CollectionId, states: Sequence[State], algorithm: Algorithm) -> list[Thread]:
    """The threads of `states`, by the date of their first message.

    REFS is REFERENCES without joining by subject, its threads by the date of the newest message.
    """
    wanted = {state.uid for state in states}
    rows = [row for row in _ROWS.all(tx, {"collection": number}) if row.uid in wanted]
    if algorithm == "ORDEREDSUBJECT":
        return _by_subject(rows)
    roots = list(_prune(_link(rows)))
    _sort(roots, newest=algorithm == "REFS")
    if algorithm == "REFERENCES":
        roots = _join_subjects(roots)
        _sort(roots)
    return [_value(root) for root in roots]


def _date(row: Any) -> tuple[float, int]:
    return (row.internal if row.sent is None else row.sent, row.uid)


def _by_subject(rows: Sequence[Any]) -> list[Thread]:
    """All with one base subject, by date; the first is the parent of the others (RFC 5256 §4, ORDEREDSUBJECT)."""
    groups: dict[str, list[Any]] = {}
    for row in sorted(rows, key=_date):
        groups.setdefault(row.base_subject, []).append(row)
    found = sorted(groups.values(), key=lambda group: _date(group[0]))
    return [Thread(group[0].uid, tuple(Thread(row.uid, ()) for row in group[1:])) for group in found]


def _link(rows: Sequence[Any]) -> list[_Node]:
    """Step 1 and 2: every message under the nearest one that it refers to; the roots, in the order met."""
    nodes: dict[str, _Node] = {}
    every: list[_Node] = []

    def node_of(key: str) -> _Node:
        if key not in nodes:
            nodes[key] = _Node()
            every.append(nodes[key])
        return nodes[key]

    for row in rows:
        node = node_of(row.message_id) if row.message_id else _Node()
        if not row.message_id:
            every.append(node)
        elif node.row is not None:  # two of the same Message-ID: the later one has none (step 1, last remark)
            node = _Node()
            every.append(node)
        node.row = row
        before: _Node | None = None
        for key in dict.fromkeys(row.refs.split()):
            here = node_of(key)
            if here is node:
                continue
            if before is not None and here.parent is None and not before.is_below(here):
                before.adopt(here)
            before = here
        if before is None:
            node.let_go()  # who refers to nothing has no parent, whatever others say (step 1.B)
        elif not before.is_below(node):
            node.let_go()
            before.adopt(node)
    return [node for node in every if node.parent is None]


def _prune(roots: Sequence[_Node]) -> Iterator[_Node]:
    """Step 3: without messages that are not here, save where they hold siblings at the top together."""
    order: list[_Node] = []
    stack = list(roots)
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(node.children)
    for node in reversed(order):
        kept: list[_Node] = []
        for child in node.children:
            if child.row is not None:
                kept.append(child)
            else:
                kept.extend(child.children)
        node.children = kept
        for child in kept:
            child.parent = node
    for root in roots:
        if root.row is not None or len(root.children) > 1:
            yield root
        else:
            for child in root.children:
                child.parent = None
                yield child


def _first(node: _Node) -> tuple[float, int]:
    """The date that a node is sorted by: its own, else that of its first child."""
    return _date(node.row) if node.row is not None else _date(node.children[0].row)


def _sort(roots: list[_Node], *, newest: bool = False) -> None:
    """Steps 4 and 6: siblings by date, deepest first."""
    order: list[_Node] = []
    stack = list(roots)
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(node.children)
    for node in reversed(order):
        node.children.sort(key=_first)
    roots.sort(key=_newest if newest else _first)


def _newest(root: _Node) -> tuple[float, int]:
    found: list[tuple[float, int]] = []
    stack = [root]
    while stack:
        node = stack.pop()
        stack.extend(node.children)
        if node.row is not None:
            found.append(_date(node.row))
    return max(found)


def _join_subjects(roots: Sequence[_Node]) -> list[_Node]:
    """Step 5: threads of one base subject become one."""
    table: dict[str, _Node] = {}
    for root in roots:
        said = _subject(root)
        present = table.get(said)
        if not said:
            continue
        if (
            present is None
            or (root.row is None and present.row is not None)
            or (root.row is not None and present.row is not None and present.row.reply and not root.row.reply)
        ):
            table[said] = root
    kept: list[_Node] = []
    for root in roots:
        chief = table.get(_subject(root))
        if chief is None or chief is root:
            kept.append(root)
        elif chief.row is None and root.row is None:
            for child in root.children:
                chief.adopt(child)
            root.children = []
        elif chief.row is None or (root.row is not None and root.row.reply and not chief.row.reply):
            chief.adopt(root)
        else:
            both = _Node()
            kept[kept.index(chief)] = both
            table[_subject(root)] = both
            both.adopt(chief)
            both.adopt(root)
    return kept


def _subject(root: _Node) -> str:
    row = root.row if root.row is not None else root.children[0].row
    return str(row.base_subject)


def _value(root: _Node) -> Thread:
    """The tree as values, without recursion: threads of thousands exist."""
    order: list[_Node] = []
    stack = [root]
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(node.children)
    made: dict[int, Thread] = {}
    for node in reversed(order):
        children = tuple(made.pop(id(child)) for child in node.children)
        made[id(node)] = Thread(None if node.row is None else node.row.uid, children)
    return made[id(root)]
