"""A process that must not outlive the one that started it asks the kernel to see to that (Linux prctl)."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_libc: Final = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Have this process get the signal `number` when its parent, whose id is `parent`, ends for whatever reason."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os.kill(os.getpid(), number)


def bound_to_this_process(unblock: frozenset[signal.Signals] = frozenset()) -> Callable[[], None]:
    """Give a `preexec_fn` that binds the child to this process, and lets the signals `unblock` through again."""
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, unblock)
        end_with_parent(parent)

    return prepare
