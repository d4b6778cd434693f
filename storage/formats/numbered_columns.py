"""Columns that only together say something: Google's numbered ones with their labels, Thunderbird's birthdays (CON-23).

Google writes `Phone 1 - Label` (before 2024 `Phone 1 - Type`) beside `Phone 1 - Value`, and several values of one label
in one cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from storage.formats.flat_contact import EMAILS, PHONES, PLACES, Row, clean, join_list

_NUMBERED: Final = re.compile(r"(E-mail|Phone|Address|Website|Event|IM) (\d{1,3}) - (\w[\w -]*)")
_BIRTH: Final = ("Birth Year", "Birth Month", "Birth Day")
_GROUPS: Final = ("Labels", "Group Membership")
_SEPARATOR: Final = ":::"
_PHONES: Final[Mapping[str, tuple[str, ...]]] = {
    "mobile": ("cell",), "work": ("work",), "home": ("home",), "pager": ("pager",), "main": ("x-main",),
    "work fax": ("fax", "work"), "home fax": ("fax", "home"), "other fax": ("fax",), "fax": ("fax",),
    "work mobile": ("cell",), "car": ("car",),
}  # fmt: skip
_PARTS: Final = {
    "Street": "street", "City": "city", "PO Box": "pobox", "Region": "region", "Postal Code": "postcode",
    "Country": "country", "Extended Address": "extended",
}  # fmt: skip


def belongs(names: Sequence[str]) -> frozenset[int]:
    """The columns that `row` understands, by position."""
    birth = set(_BIRTH) <= set(names)
    numbered = any(_NUMBERED.fullmatch(name) for name in names)
    return frozenset(
        at
        for at, name in enumerate(names)
        if _NUMBERED.fullmatch(name) or (birth and name in _BIRTH) or (numbered and name in _GROUPS)
    )


def row(names: Sequence[str], cells: Sequence[str]) -> Row:
    """What they say of one contact; what has no field of its own goes to the comment, with its label."""
    groups: dict[tuple[str, int], dict[str, str]] = {}
    plain: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=False):
        value = clean(cell)
        if value and (found := _NUMBERED.fullmatch(name)):
            groups.setdefault((found[1], int(found[2])), {})[found[3]] = value
        elif value:
            plain[name] = value
    out: Row = {}
    rest: list[str] = []
    for (kind, _), parts in sorted(groups.items(), key=lambda item: item[0][1]):
        label = parts.get("Label", parts.get("Type", "")).removeprefix("*").strip()
        if kind == "Address":
            _address(out, rest, label, parts)
            continue
        for value in map(str.strip, parts.get("Value", "").split(_SEPARATOR)):
            if value and not _value(out, kind, label, value):
                rest.append(f"{label}: {value}" if label else value)
    names_of_groups = [name.strip() for title in _GROUPS for name in plain.get(title, "").split(_SEPARATOR)]
    if categories := [name for name in names_of_groups if name and not name.startswith("*")]:
        out["categories"] = join_list(categories)  # those with a star are Google's own
    _birthday(out, *(plain.get(name, "") for name in _BIRTH))
    if rest:
        out["comment"] = "\n".join(rest)
    return out


def _value(out: Row, kind: str, label: str, value: str) -> bool:
    """Put it into a field; False if there is none free."""
    if kind == "Phone":
        types = set(_PHONES.get(label.lower(), ()))
        fields = [field for field, wanted in PHONES if types.issuperset(wanted)]
    elif kind == "Website":
        fields = ["web_home"] if label.lower() == "home" else ["web"]
    elif kind == "Event":
        fields = ["anniversary"] if label.lower() == "anniversary" else []
    else:
        fields = [f"{'email' if kind == 'E-mail' else 'im'}_{number}" for number in range(1, EMAILS + 1)]
    free = next((field for field in fields if field not in out), None)
    if free is not None:
        out[free] = value
    return free is not None


def _address(out: Row, rest: list[str], label: str, parts: Mapping[str, str]) -> None:
    said = {part: parts[name] for name, part in _PARTS.items() if name in parts}
    if not said and "Formatted" in parts:
        said = {"street": parts["Formatted"]}
    wished = label.lower() if label.lower() in PLACES else "other"
    taken = {place for place in PLACES if any(field.startswith(f"{place}_") for field in out)}
    place = next((one for one in (wished, "other") if one not in taken), None)
    if place is not None:
        out.update({f"{place}_{part}": value for part, value in said.items()})
    elif said:
        rest.append(", ".join(filter(None, (label, *said.values()))))


def _birthday(out: Row, year: str, month: str, day: str) -> None:
    y, m, d = (int(part) if part.isdecimal() and len(part) <= 4 else 0 for part in (year, month, day))
    if 1 <= m <= 12 and 1 <= d <= 31:
        out["birthday"] = f"{y:04}-{m:02}-{d:02}" if y else f"--{m:02}-{d:02}"
