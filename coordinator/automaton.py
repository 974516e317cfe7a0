"""Ways through a text, followed all at once: what a regular expression becomes.

A state consumes a character, passes an assertion, or forks. However many ways lead through the states, each of them is
entered at most once for each position of the text, so a match takes at most `states * length` steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

STATES_LIMIT: Final = 2000
"""States of a compiled expression: what somebody writes has dozens."""


class PatternError(ValueError):
    """The text is no regular expression that we know."""


Accepts = Callable[[str], bool]
Holds = Callable[[str, int], bool]
"""Whether an assertion holds at a position of the text."""


@dataclass(slots=True)
class State:
    """Either a character is consumed, or an assertion is passed, or the way forks."""

    accepts: Accepts | None = None
    holds: Holds | None = None
    next: tuple[State, ...] = ()


Emit = Callable[["Compiler", State], State]
"""A piece of a pattern: given the state behind it, makes its own states and returns the first."""


class Compiler:
    """Makes states, within the limit."""

    def __init__(self) -> None:
        self._left = STATES_LIMIT

    def state(self, *following: State, accepts: Accepts | None = None, holds: Holds | None = None) -> State:
        self._left -= 1
        if self._left < 0:
            raise PatternError("the expression is too large")
        return State(accepts, holds, following)


class Automaton:
    """The states of one expression."""

    __slots__ = ("_end", "_start")

    def __init__(self, whole: Emit) -> None:
        """Raises PatternError if there are too many."""
        self._end = State()
        self._start = whole(Compiler(), self._end)

    def fullmatch(self, text: str) -> bool:
        """Whether the whole text matches."""
        current = self._closure([self._start], text, 0)
        for position, character in enumerate(text, 1):
            reached = [state.next[0] for state in current if state.accepts is not None and state.accepts(character)]
            if not reached:
                return False
            current = self._closure(reached, text, position)
        return any(state is self._end for state in current)

    def _closure(self, states: Iterable[State], text: str, position: int) -> list[State]:
        """The states that wait for a character (or the end), reached without one."""
        waiting: list[State] = []
        seen: set[int] = set()
        stack = list(states)
        while stack:
            state = stack.pop()
            if id(state) in seen:
                continue
            seen.add(id(state))
            if state.accepts is not None or state is self._end:
                waiting.append(state)
            elif state.holds is None or state.holds(text, position):
                stack.extend(state.next)
        return waiting


def consume(accepts: Accepts) -> Emit:
    """One character."""
    return lambda compiler, after: compiler.state(after, accepts=accepts)


def require(holds: Holds) -> Emit:
    """An assertion about the position."""
    return lambda compiler, after: compiler.state(after, holds=holds)


def in_sequence(pieces: list[Emit]) -> Emit:
    """One piece after the other."""

    def emit(compiler: Compiler, after: State) -> State:
        for piece in reversed(pieces):
            after = piece(compiler, after)
        return after

    return emit


def either(pieces: list[Emit]) -> Emit:
    """One of the pieces."""
    return lambda compiler, after: compiler.state(*(piece(compiler, after) for piece in pieces))


def repeat(piece: Emit, least: int, most: int | None) -> Emit:
    """The piece so many times; without end if there is no most."""

    def emit(compiler: Compiler, after: State) -> State:
        if most is None:
            loop = compiler.state()
            loop.next = (piece(compiler, loop), after)
            after = loop
        for _ in range(0 if most is None else most - least):
            after = compiler.state(piece(compiler, after), after)
        for _ in range(least):
            after = piece(compiler, after)
        return after

    return emit
