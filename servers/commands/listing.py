"""How commands print: tables and sheets for people, JSON for scripts."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

Row = Mapping[str, Any]


def table(rows: Sequence[Row], columns: Sequence[str], as_json: bool, nothing: str = "") -> None:
    """Print rows: all their fields as JSON, or the named columns as an aligned table."""
    if as_json:
        click.echo(json.dumps([_plain(row) for row in rows], ensure_ascii=False, indent=2))
        return
    if not rows:
        click.echo(nothing or "none", err=True)
        return
    lines = [[column.replace("_", " ").upper() for column in columns]]
    lines += [[_text(row.get(column)) for column in columns] for row in rows]
    widths = [max(_width(line[number]) for line in lines) for number in range(len(columns))]
    for line in lines:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def sheet(row: Row, as_json: bool) -> None:
    """Print one thing: JSON, or a line for each field."""
    if as_json:
        click.echo(json.dumps(_plain(row), ensure_ascii=False, indent=2))
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        lines = _text(value, separator="\n").split("\n")
        for number, line in enumerate(lines):
            click.echo(f"{(name.replace('_', ' ') if not number else '').ljust(width)}  {line}".rstrip())


def moment(seconds: float | None) -> str | None:
    """A time as ISO 8601 in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(row: Row) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple | set | frozenset) else value for name, value in row.items()}


def _text(value: Any, separator: str = " ") -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return separator.join(f"{name}={_text(inner)}" for name, inner in value.items()) or "-"
    if isinstance(value, list | tuple | set | frozenset):
        return separator.join(_text(one) for one in value) or "-"
    # A stored text must not move the cursor or change the terminal's colours.
    return "".join(c if unicodedata.category(c) not in {"Cc", "Cf"} or c == "\n" else "\ufffd" for c in str(value))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)
