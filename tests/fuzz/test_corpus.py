"""Every input that once broke a reader, and the seeds: read again (SYS-17)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import CORPORA, SEEDS
from tests.fuzz.targets import TARGETS

KEPT = sorted(
    (place.parent.name, place) for folder in (CORPORA, SEEDS) for place in folder.glob("*/*") if place.is_file()
)


@pytest.mark.parametrize(("target", "place"), KEPT, ids=[f"{target}-{place.name}" for target, place in KEPT])
def test_it_no_longer_breaks(target: str, place: Path) -> None:
    TARGETS[target](place.read_bytes())


def test_every_target_has_seeds() -> None:
    assert {target for target, _ in KEPT} == set(TARGETS)
