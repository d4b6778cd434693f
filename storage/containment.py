"""Whether a text lies in a column: LIKE would need escapes and a case rule; this means the octets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def contains(column: Any, text: Any) -> sa.ColumnElement[bool]:
    """True where `text`, a string or a bind, is a part of the column's value."""
    return _Position(column, sa.literal(text) if isinstance(text, str) else text) > 0


class _Position(FunctionElement[int]):
    """Where a text begins in another, from 1; 0 if nowhere."""

    inherit_cache = True
    type = sa.Integer()


@compiles(_Position)
def _strpos(element: Any, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(_Position, "sqlite")
def _instr(element: Any, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"
