"""Passwords at a terminal (SYS-15)."""

from __future__ import annotations

import io
import sys
from typing import Any

import click
import pytest

from servers.commands.opened import read_password


class Terminal(io.StringIO):
    """Standard input of somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("from_stdin", [False, True])
def test_what_is_typed_is_not_shown(monkeypatch: pytest.MonkeyPatch, from_stdin: bool) -> None:
    """With `--password-stdin` too, as a terminal would show what is read from it."""
    asked: list[dict[str, Any]] = []

    def prompt(text: str, **more: Any) -> str:
        asked.append(more)
        return "typed"

    monkeypatch.setattr(sys, "stdin", Terminal("shown\n"))
    monkeypatch.setattr(click, "prompt", prompt)
    assert read_password(from_stdin) == "typed"
    assert asked == [{"hide_input": True, "confirmation_prompt": True, "err": True}]
