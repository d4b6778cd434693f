"""Read a TOML file into `Settings`, or say everything that is wrong with it at once.

msgspec would stop at the first mistake; so the schema is walked here, over what tomllib gives.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from conf import rules
from conf.errors import ConfError, Problem
from conf.lines import key_lines, line_of
from conf.settings import Settings

FILE_NAME: Final = "escritoire.toml"

_S = TypeVar("_S", bound=Struct)


def load(path: Path) -> Settings:
    """Read the settings in the file `path`, with `data` made absolute.

    Raises:
        ConfError: the file cannot be read or has mistakes; it names all of them.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfError(str(path), (Problem(0, "", "there is no such file; `escritoire init` writes it"),)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfError(str(path), (Problem(0, "", f"cannot be read: {reason}"),)) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Settings:
    """Turn the TOML `text` of the file `path` into settings; relative directories start beside that file.

    Raises:
        ConfError: it names every mistake, with its line and what would be right.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(found[1]) if found else max(1, len(text.splitlines()))
        reason = str(error).partition(" (at ")[0]
        raise ConfError(str(path), (Problem(line, "", f"not TOML: {reason}"),)) from None
    walk = _Walk(key_lines(text))
    walk.table(Settings, raw, "")
    if not walk.problems:
        for key, reason in rules.broken(_convert(raw)):
            walk.problem(key, reason)
    if walk.problems:
        raise ConfError(str(path), tuple(sorted(walk.problems, key=lambda one: (one.line, one.key))))
    settings = _convert(raw)
    beside = path.resolve().parent
    return msgspec.structs.replace(
        settings,
        data=str(beside / settings.data),
        blobs=_absolute(settings.blobs, beside, "directory"),
        tls=_absolute(settings.tls, beside, "certificate", "key"),
    )


def _convert(raw: Mapping[str, Any]) -> Settings:
    return msgspec.convert(raw, Settings)


def _absolute(section: _S, beside: Path, *names: str) -> _S:
    paths = {name: str(beside / value) for name in names if (value := getattr(section, name))}
    return msgspec.structs.replace(section, **paths)


class _Walk:
    """Compares what the file says with the schema, and collects what does not fit."""

    def __init__(self, lines: dict[str, int]) -> None:
        self.lines = lines
        self.problems: list[Problem] = []

    def problem(self, key: str, text: str) -> None:
        self.problems.append(Problem(line_of(self.lines, key), key, text))

    def table(self, schema: type[Struct], value: Mapping[str, Any], at: str) -> None:
        hints = get_type_hints(schema, include_extras=True)
        for name, entry in value.items():
            key = f"{at}.{name}" if at else name
            if name not in hints:
                self.problem(key, _unknown(name, tuple(hints), at))
            elif isinstance(hints[name], type) and issubclass(hints[name], Struct):
                if isinstance(entry, dict):
                    self.table(hints[name], entry, key)
                else:
                    self.problem(key, f"is a table of settings: write [{key}] and its keys below")
            elif wrong := _mismatch(hints[name], entry):
                self.problem(key, f"{wrong}, not {_shown(entry)}")
        for field in msgspec.structs.fields(schema):
            if field.required and field.name not in value:
                self.problem(at, f"{field.name} is missing: {_description(hints[field.name])}")


def _unknown(name: str, known: tuple[str, ...], at: str) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"there is no such key; did you mean {near[0]}?"
    if not at:
        return "there is no such key; the keys and tables are " + ", ".join(known)
    return f"there is no such key; [{at}] has " + ", ".join(known)


def _mismatch(hint: Any, value: object) -> str:
    """What would be right, or "" when `value` is right."""
    plain, meta = _bounds(hint)
    if plain is bool:
        return "" if isinstance(value, bool) else "must be true or false"
    if plain is int:
        low, high = meta.ge, meta.le
        fits = isinstance(value, int) and not isinstance(value, bool)
        if fits and (low is None or value >= low) and (high is None or value <= high):  # type: ignore[operator]
            return ""
        return f"must be a whole number from {low} to {high}"
    if get_origin(plain) is Literal:
        choices = get_args(plain)
        return "" if value in choices else "must be " + " or ".join(f'"{choice}"' for choice in choices)
    if get_origin(plain) is tuple:
        fits = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        return "" if fits else 'must be a list of strings, ["…", "…"]'
    if not isinstance(value, str):
        return 'must be a string, "…"'
    return "must be on one line" if any(ord(character) < 32 for character in value) else ""


def _bounds(hint: Any) -> tuple[Any, Meta]:
    """The plain type and all bounds of a hint; nested `Annotated`s are flat already."""
    if get_origin(hint) is not Annotated:
        return hint, Meta()
    plain, *metas = get_args(hint)
    bounded = [meta for meta in metas if meta.ge is not None or meta.le is not None]
    return plain, bounded[0] if bounded else Meta()


def _description(hint: Any) -> str:
    metas = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((meta.description for meta in metas if meta.description), "required")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
