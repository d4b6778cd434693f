"""Constant statements: written in SQLAlchemy Core, compiled once, run on the driver itself.

SQLAlchemy spends 60 to 150 microseconds on building, hashing and wrapping a statement that is the
same at every request; the driver needs 4 to 10 for running it (docs/decisions/0003).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, cast

import sqlalchemy as sa

from storage.store import Transaction

_Taker = Callable[[Mapping[str, Any]], Sequence[Any]]


def _taker(order: Sequence[str]) -> _Taker:
    """What takes the values of these names, in this order."""
    if len(order) > 1:
        found: Any = itemgetter(*order)
        return cast(_Taker, found)
    return lambda values: [values[name] for name in order]


class Statement:
    """One Core construct whose parameters are all named binds; rows come back as named tuples.

    `row` is a NamedTuple class for the rows, else one is made of the column names.
    """

    __slots__ = ("_columns", "_compiled", "_row", "_source")

    def __init__(
        self,
        source: sa.Executable,
        row: type[tuple[Any, ...]] | None = None,
        columns: tuple[str, ...] | None = None,
    ) -> None:
        self._source: Final = source
        self._row = row
        self._columns: Final = columns
        self._compiled: dict[str, tuple[str, _Taker | None, dict[str, Any]]] = {}

    def all(self, tx: Transaction, values: Mapping[str, Any]) -> list[Any]:
        """All rows."""
        cursor = self._execute(tx, values)
        make: Any = (self._row or self._name(cursor))._make  # type: ignore[attr-defined]
        return list(map(make, cursor.fetchall()))

    def raw(self, tx: Transaction, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows as plain tuples, for the thousand-fold case."""
        found: list[tuple[Any, ...]] = self._execute(tx, values).fetchall()
        return found

    def first(self, tx: Transaction, values: Mapping[str, Any]) -> Any:
        """The first row, or None."""
        cursor = self._execute(tx, values)
        found = cursor.fetchone()
        if found is None:
            return None
        return (self._row or self._name(cursor))._make(found)  # type: ignore[attr-defined]

    def scalar(self, tx: Transaction, values: Mapping[str, Any]) -> Any:
        """The first column of the first row, or None."""
        found = self._execute(tx, values).fetchone()
        return None if found is None else found[0]

    def scalars(self, tx: Transaction, values: Mapping[str, Any]) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self._execute(tx, values).fetchall()]

    def run(self, tx: Transaction, values: Mapping[str, Any]) -> int:
        """Execute, and return how many rows it touched."""
        return cast(int, self._execute(tx, values).rowcount)

    def run_many(self, tx: Transaction, rows: Iterable[Mapping[str, Any]]) -> None:
        """Execute once for each row of values."""
        for values in rows:
            self._execute(tx, values)

    def _execute(self, tx: Transaction, values: Mapping[str, Any]) -> Any:
        name = tx.db.dialect.name
        sql, order, defaults = self._compiled.get(name) or self._compile(tx)
        merged = {**defaults, **values} if defaults else values
        return tx.raw.execute(sql, merged if order is None else order(merged))

    def _compile(self, tx: Transaction) -> tuple[str, _Taker | None, dict[str, Any]]:
        source: Any = self._source
        compiled: Any = source.compile(
            dialect=tx.db.dialect, column_keys=self._columns, compile_kwargs={"render_postcompile": True}
        )
        order = _taker(compiled.positiontup) if compiled.positional else None
        required = {bind.key for bind in compiled.binds.values() if bind.required}
        defaults = {key: value for key, value in compiled.params.items() if key not in required}
        for column in self._columns or ():
            defaults.pop(column, None)
        made = (str(compiled), order, defaults)
        self._compiled[tx.db.dialect.name] = made
        return made

    def _name(self, cursor: Any) -> type[tuple[Any, ...]]:
        make: Any = namedtuple
        self._row = cast(
            type[tuple[Any, ...]], make("Found", [column[0] for column in cursor.description], rename=True)
        )
        return self._row


class _Numbered(Statement):
    """An INSERT whose `scalar` is the number that the database chose for the row.

    SQLite's driver knows it: RETURNING would make a short statement half as dear again there.
    """

    __slots__ = ("_bare",)

    def __init__(self, source: Any, number: sa.Column[Any], columns: tuple[str, ...]) -> None:
        super().__init__(source.returning(number), columns=columns)
        self._bare: Final = Statement(source, columns=columns)

    def scalar(self, tx: Transaction, values: Mapping[str, Any]) -> Any:
        if tx.db.dialect.name == "sqlite":
            return self._bare._execute(tx, values).lastrowid
        return super().scalar(tx, values)


def insert(table: sa.Table, *columns: str, returning: sa.Column[Any] | None = None) -> Statement:
    """An INSERT of the named columns, one bind each of the same name; `returning` is the number that it gives a row."""
    source: Any = sa.insert(table)
    return Statement(source, columns=columns) if returning is None else _Numbered(source, returning, columns)


def to(column: str) -> sa.BindParameter[Any]:
    """The bind `to_COLUMN` of an UPDATE's new value."""
    return sa.bindparam(f"to_{column}")
