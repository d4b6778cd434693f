"""On which line of a TOML file a key stands, which tomllib does not tell."""

from __future__ import annotations

import re
from typing import Final

_TABLE: Final = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART: Final = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_LONG: Final = ('"""', "'''")


def key_lines(text: str) -> dict[str, int]:
    """Map each dotted key and each table's name to its first line, from 1.

    Keys inside inline tables are not found; ask for their parent instead (`line_of`).
    """
    lines: dict[str, int] = {}
    table = ""
    long_string = ""
    for number, line in enumerate(text.splitlines(), 1):
        if long_string:
            if long_string in line:
                long_string = ""
            continue
        if heading := _TABLE.match(line):
            table = _dotted(heading[1])
            lines.setdefault(table, number)
            continue
        if key := _KEY.match(line):
            lines.setdefault(f"{table}.{_dotted(key[1])}".lstrip("."), number)
        for quotes in _LONG:
            if line.count(quotes) % 2:
                long_string = quotes
    return lines


def line_of(lines: dict[str, int], key: str) -> int:
    """The line of `key`, else that of the nearest table around it, else 0."""
    while key:
        if key in lines:
            return lines[key]
        key = key.rpartition(".")[0]
    return 0


def _dotted(name: str) -> str:
    return ".".join(part.strip("\"'") for part in _PART.findall(name))
