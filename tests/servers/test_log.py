"""Structured logs: one event per line, whatever the values hold."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.load import parse
from servers import log

texts = st.text(max_size=30)


def formatted(kind: str, message: str, **fields: object) -> str:
    settings = parse(f'domain = "a.test"\nlog_format = "{kind}"', Path("/srv/escritoire.toml"))
    record = logging.makeLogRecord({"msg": "%s", "args": (message,), "levelname": "INFO", **fields})
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        log.configure(settings, "caldav")
        return root.handlers[0].format(record)
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def test_key_value_pairs() -> None:
    line = formatted("text", "login", principal=7, reason="wrong password", empty="")
    assert line.split(" ", 1)[1] == 'INFO caldav login principal=7 reason="wrong password" empty=""'


@pytest.mark.parametrize("kind", ["text", "json"])
@given(message=texts, value=texts)
def test_nobody_can_write_a_second_line(kind: str, message: str, value: str) -> None:
    """A peer's text in a field forges no entry (log injection)."""
    assert len(formatted(kind, message, peer=value).splitlines()) == 1


@given(message=texts, value=texts)
def test_json_holds_event_and_fields(message: str, value: str) -> None:
    entry = json.loads(formatted("json", message, peer=value))
    assert (entry["event"], entry["peer"], entry["process"]) == (message, value, "caldav")


def test_traceback_is_kept() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        entry = json.loads(formatted("json", "failed", exc_info=(type(error), error, error.__traceback__)))
    assert "ValueError: broken" in entry["traceback"]
