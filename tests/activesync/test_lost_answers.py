"""Requests and answers get lost while several phones of one person work: all agree in the end (EAS-04, SYS-07)."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from servers.activesync.wbxml.element import Element
from tests.activesync.owner import Owner, shown
from tests.activesync.phone import Answer, Phone

SYNCS = 50
"""Of each phone while the line is bad."""

pytestmark = pytest.mark.slow


@dataclass
class Lossy(Phone):
    """One whose line loses some of the requests, and more of the answers."""

    chance: random.Random = field(default_factory=random.Random)
    requests: float = 0
    """The part of them that is lost."""
    answers: float = 0

    def request(self, method: str, query: str = "", body: Element | bytes | None = None, **headers: str) -> Answer:
        if self.chance.random() < self.requests:
            raise ConnectionError("the request is lost")
        answer = super().request(method, query, body, **headers)
        if self.chance.random() < self.answers:
            raise ConnectionError("the answer is lost")
        return answer


@pytest.mark.parametrize("seed", range(3))
def test_lost_answers(connect: Callable[..., Phone], seed: int) -> None:
    owners: list[Owner] = []
    for name in ("a", "b", "c"):
        phone = Lossy(connect().app, device=f"LOSSY{name}", window=7, chance=random.Random(f"{seed} line of {name}"))
        owner = Owner(phone, name, random.Random(f"{seed} {name}"))
        phone.folder_sync()
        owner.book = next(number for number, (_, kind) in phone.folders.items() if kind == 9)
        owner.exchange()
        phone.requests, phone.answers = 0.15, 0.3
        owners.append(owner)
    threads = [threading.Thread(target=work, args=(owner,)) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [owner.wrong for owner in owners] == [""] * len(owners)
    for owner in owners:
        assert isinstance(owner.phone, Lossy)
        owner.phone.requests = owner.phone.answers = 0
    for owner in [*owners, *owners]:  # what the last one says, the first one has to hear of
        owner.settle()
    wanted = Counter((first, title) for owner in owners for first, title in owner.contacts.items())
    for owner in owners:
        assert shown(owner) == wanted


def work(owner: Owner) -> None:
    """Use the phone until it was answered often enough."""
    while owner.syncs < SYNCS and not owner.wrong:
        try:
            owner.act()
            owner.exchange()
        except ConnectionError:
            continue
        except Exception as error:
            owner.wrong = repr(error)
