"""Fuzz one target, or each of them for a while: `python -m tests.fuzz mime --seconds 600`.

Needs the extra `fuzz` (atheris). A crash stops the run and is written to `tests/corpora/fuzz/TARGET/`: mend it, keep it.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

CORPORA: Final = Path(__file__).parents[1] / "corpora" / "fuzz"
SEEDS: Final = Path(__file__).with_name("seeds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", default="", help="one of them; without it, each in turn")
    parser.add_argument("--seconds", type=int, default=60, help="of each target")
    parser.add_argument("--octets", type=int, default=4096, help="of one input at most")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.target:
        _fuzz(arguments.target, arguments.seconds, arguments.octets)
        return
    from tests.fuzz.targets import TARGETS

    for name in TARGETS:  # each in a process of its own: libFuzzer ends it
        more = ["--seconds", str(arguments.seconds), "--octets", str(arguments.octets)]
        if subprocess.run([sys.executable, "-m", "tests.fuzz", name, *more], check=False).returncode:
            sys.exit(f"{name} broke: its input is in {CORPORA / name}")


def _fuzz(name: str, seconds: int, octets: int) -> None:
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

    with atheris.instrument_imports(include=["storage.formats", "servers"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    kept = CORPORA / name
    kept.mkdir(parents=True, exist_ok=True)
    seeds = [str(place) for place in (kept, SEEDS / name) if place.is_dir()]
    with tempfile.TemporaryDirectory() as found:  # the first folder takes what is interesting, the others are read
        options = [f"-max_total_time={seconds}", f"-max_len={octets}", "-timeout=10", f"-artifact_prefix={kept}/"]
        atheris.Setup([sys.argv[0], *options, found, *seeds], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
