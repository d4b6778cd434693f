"""Units of several connections in batches: who comes meanwhile goes with the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from servers.line.joint import MOST, Joint
from servers.line.session import NOTHING, Reply


class Loop:
    """What a reactor and its threads do, one thing after the other when it is told to."""

    def __init__(self) -> None:
        self.due: list[Callable[[], Any]] = []

    def callLater(self, _seconds: float, work: Callable[..., Any], *values: Any) -> None:
        self.due.append(lambda: work(*values))

    def callFromThread(self, work: Callable[..., Any], *values: Any) -> None:
        self.due.append(lambda: work(*values))

    def callInThread(self, work: Callable[..., Any], *values: Any) -> None:
        self.due.append(lambda: work(*values))

    def turn(self) -> None:
        self.due.pop(0)()


def collected(run: Any) -> tuple[Loop, Joint, list[tuple[Any, Any]]]:
    loop = Loop()
    return loop, Joint(loop, loop, run), []


def test_who_comes_meanwhile_goes_with_the_next_batch() -> None:
    batches: list[int] = []

    def run(units: Iterable[tuple[Any, Any]]) -> list[Reply | Exception | None]:
        batches.append(len(list(units)))
        return [NOTHING] * batches[-1]

    loop, joint, answers = collected(run)

    def add(number: int) -> None:
        joint.add(None, number, lambda found: answers.append((number, found)))

    add(1)
    add(2)
    loop.turn()  # the batch begins
    loop.turn()  # and ends
    for number in range(3, 3 + MOST + 1):
        add(number)
    while loop.due:
        loop.turn()
    assert batches == [2, MOST, 1]
    assert [number for number, _ in answers] == list(range(1, MOST + 4))
    add(99)
    while loop.due:
        loop.turn()
    assert batches == [2, MOST, 1, 1]


def test_an_error_is_everybodys_and_one_answer_that_fails_is_its_own() -> None:
    error = ValueError()

    def run(units: Iterable[tuple[Any, Any]]) -> list[Reply | Exception | None]:
        for _ in units:
            pass
        raise error

    loop, joint, answers = collected(run)

    def fails(_found: Any) -> None:
        raise ZeroDivisionError

    joint.add(None, 1, fails)
    joint.add(None, 2, lambda found: answers.append((2, found)))
    while loop.due:
        loop.turn()
    assert answers == [(2, error)]


def test_who_comes_while_others_are_taken_goes_along() -> None:
    batches: list[list[int]] = []

    def run(units: Iterable[tuple[Any, Any]]) -> list[Reply | Exception | None]:
        batches.append([])
        for _, number in units:
            batches[-1].append(number)
            if number in (1, 5):
                add(number + 1)
        return [NOTHING] * len(batches[-1])

    loop, joint, answers = collected(run)

    def add(number: int) -> None:
        joint.add(None, number, lambda found: answers.append((number, found)))

    for number in (1, 5):
        add(number)
        while loop.due:
            loop.turn()
    assert batches == [[1, 2], [5, 6]]
    assert answers == [(number, NOTHING) for number in (1, 2, 5, 6)]
