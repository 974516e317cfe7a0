"""What can go wrong for a user: one line on stderr that ends with the next step, and exit code 1.

Wrong usage is click's own and has exit code 2.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from ..wire.errors import ErrorCode


class Failure(click.ClickException):
    """What stops a command."""

    def show(self, file: Any = None) -> None:
        click.echo(f"odradek: {' '.join(self.message.split())}", file=file or sys.stderr)


NEXT_STEPS: Final = {
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION: "`odradek topics` lists what is there",
    ErrorCode.TOPIC_ALREADY_EXISTS: "delete it first, or add --if-missing",
    ErrorCode.GROUP_ID_NOT_FOUND: "`odradek groups` lists what is there",
    ErrorCode.NON_EMPTY_GROUP: "stop its consumers first",
    ErrorCode.UNKNOWN_MEMBER_ID: "the group has members; stop its consumers first",
    ErrorCode.COORDINATOR_NOT_AVAILABLE: "try again in a moment",
    ErrorCode.OFFSET_OUT_OF_RANGE: "`odradek topics describe TOPIC` shows the offsets there are",
    ErrorCode.INVALID_REPLICATION_FACTOR: "`odradek cluster` lists the brokers",
    ErrorCode.INVALID_CONFIG: "`odradek config WORD` explains the names",
}


_KNOWN: Final = {int(code): code for code in ErrorCode}


class Refused(Failure):
    """The cluster answered with an error code."""

    def __init__(self, what: str, code: int, message: str | None = None) -> None:
        self.code = code
        known = _KNOWN.get(code)
        if known is None:
            super().__init__(
                f"{what}: error {code}, which only newer versions of Kafka know: {message or 'no message'}"
            )
            return
        text = (message or known.text).rstrip(".")
        step = NEXT_STEPS.get(known)
        super().__init__(f"{what}: {text} ({known.name})" + (f"; {step}" if step else ""))


def check(what: str, code: int, message: str | None = None) -> None:
    """Raise Refused unless the code says that all is well."""
    if code != ErrorCode.NONE:
        raise Refused(what, code, message)


class Failures:
    """Failures of some of the things that were asked for: the others are done, and the exit code is 1."""

    def __init__(self) -> None:
        self._count = 0

    def note(self, failure: Failure) -> None:
        failure.show()
        self._count += 1

    def check(self, what: str, code: int, message: str | None = None) -> bool:
        """Whether all is well; if not, it is noted."""
        try:
            check(what, code, message)
        except Refused as refused:
            self.note(refused)
            return False
        return True

    def finish(self) -> None:
        """End the command with exit code 1 if anything failed."""
        if self._count:
            raise click.exceptions.Exit(1)
