"""What a thread allocates for one moment goes back to the system at once (glibc mallopt).

A password's hash takes 19 MiB (argon2id). glibc learns from such a block to keep the next ones, in an arena
of each thread: two workers that verified a few passwords kept 600 MiB (docs/decisions/0040).
"""

from __future__ import annotations

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE_OCTETS: Final = 1 << 20
_ARENAS: Final = 2


def give_back() -> None:
    """Map every large block by itself, for good, and let threads share arenas; other C libraries need no telling."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_OCTETS)
    libc.mallopt(_M_TRIM_THRESHOLD, _LARGE_OCTETS)
    libc.mallopt(_M_ARENA_MAX, _ARENAS)
