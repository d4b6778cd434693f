"""Structured logs on standard error: an event's name and its fields, as key=value pairs or as JSON.

The standard library's logging does it in one formatter, so no library is needed (docs/decisions/0043).
"""

from __future__ import annotations

import json
import logging
import time
from functools import lru_cache
from typing import Final

from conf.settings import Settings

_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record carries; anything else came as `extra`."""


def configure(settings: Settings, process: str) -> None:
    """Send this process's log to standard error as the settings say; `process` names it in every line."""
    handler = logging.StreamHandler()
    handler.setFormatter((_Json if settings.log_format == "json" else _Text)(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    # What no line tells need not be found out for each: thread, process, and the place in the source.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


class _Text(logging.Formatter):
    """`2026-01-31T09:00:00.123Z INFO caldav login principal=7 mechanism=PLAIN`"""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_word(value)}" for name, value in _fields(record).items())
        line = f"{_when(record)} {record.levelname} {self.process} {_flat(record.getMessage())}{fields}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class _Json(logging.Formatter):
    """One object per line: time, level, process, event, then the event's fields."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": _when(record),
            "level": record.levelname,
            "process": self.process,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in record.__dict__.items() if name not in _OWN}


def _when(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


@lru_cache(maxsize=4)
def _second(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))


def _word(value: object) -> str:
    """A value as one word; anything that could be taken for two is quoted, line breaks never pass."""
    text = str(value)
    plain = text.isprintable() and " " not in text and '"' not in text and "=" not in text
    return text if text and plain else json.dumps(text, ensure_ascii=True)


def _flat(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
