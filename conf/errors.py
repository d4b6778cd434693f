"""The one refusal of the configuration: every mistake of a file at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: its line (from 1; 0 when it concerns the whole file), the key, and what would be right."""

    line: int
    key: str
    text: str


class ConfError(Exception):
    """The file `path` cannot be used; `problems` are all of its mistakes, in the file's order."""

    def __init__(self, path: str, problems: tuple[Problem, ...]) -> None:
        self.path = path
        self.problems = problems
        super().__init__("\n".join(_sentence(path, problem) for problem in problems))


def _sentence(path: str, problem: Problem) -> str:
    where = f"{path}:{problem.line}" if problem.line else path
    return f"{where}: {problem.key}: {problem.text}" if problem.key else f"{where}: {problem.text}"
