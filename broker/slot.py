"""The place of one reply of a coordinator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from ..wire.errors import KafkaError

if TYPE_CHECKING:
    from ..storage.producers import VerificationGuard


class Slot:
    """Filled once, by the decision on the request or by a later one; a `Caller`, as decisions know it.

    A handler that is cancelled while it waits leaves its slot behind, to be filled for nobody.
    """

    __slots__ = ("_event", "client_host", "client_id", "error", "guard", "response", "version")

    def __init__(
        self,
        version: int = 0,
        client_id: str = "",
        client_host: str = "",
        guard: VerificationGuard | None = None,
    ) -> None:
        self.version = version
        self.client_id = client_id
        self.client_host = client_host
        self.guard = guard
        """Goes with what the decision appends, if that is part of a transaction."""
        self.response: Any = None
        self.error: KafkaError | None = None
        self._event: trio.Event | None = None

    def fill(self, response: Any) -> None:
        assert self.response is None, f"a second reply: {response}"
        self.response = response
        self._wake()

    def fail(self, error: KafkaError) -> None:
        assert self.response is None, f"refused after a reply: {error}"
        self.error = error
        self._wake()

    def _wake(self) -> None:
        if self._event is not None:
            self._event.set()

    async def wait(self) -> Any:
        """The reply, when it comes. Raises the KafkaError that came instead."""
        if self.response is None and self.error is None:
            self._event = trio.Event()
            await self._event.wait()
        if self.error is not None:
            raise self.error
        return self.response
