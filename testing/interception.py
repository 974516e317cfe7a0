"""The broker's table of APIs with a step before every handler: requests are noted, and faults strike.

The broker takes its table from whoever makes it, so it does not know. Only a half-sent reply reaches below the
handlers: the transport, which is ours too, is told where to stop.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from odradek.broker.dispatch import Api, Call, Handler, Result
from odradek.testing.events import ErrorAnswered, FaultStruck
from odradek.testing.failing import errors_in, join, refuse, split
from odradek.testing.faults import Faults, Kind, Rule
from odradek.testing.requests import RequestLog, describe
from odradek.testing.views import Request
from odradek.wire.apis.produce import ProduceRequest
from odradek.wire.schema import Message

if TYPE_CHECKING:
    from odradek.testing.network import StablePort

FRAME_BYTES = 8
"""Size and correlation id: sent before the first byte of a reply's body."""


class Interception:
    """What stands between the connections and the handlers of one broker."""

    def __init__(self, faults: Faults, requests: RequestLog, port: StablePort) -> None:
        self._faults = faults
        self._requests = requests
        self._port = port

    def table(self, served: Mapping[int, Api]) -> Mapping[int, Api]:
        """The table that is served, with us before every handler."""
        return {
            key: dataclasses.replace(api, handler=partial(self._handle, api.handler)) for key, api in served.items()
        }

    def _handle(self, handler: Handler, request: Message, call: Call) -> Result | Awaitable[Result]:
        seen = describe(request, call)
        self._requests.append(seen)
        rules = self._faults.matching(seen)
        for rule in rules:
            call.broker.events.note(FaultStruck(seen.client_id, seen.api, seen.topics, rule.what))
        result = self._suffer(seen, rules, handler, request, call) if rules else handler(request, call)
        if result is None or isinstance(result, (Message, bytes)):
            _note_errors(result, seen, call)
            return result
        return self._wait(result, seen, call)

    async def _wait(self, result: Awaitable[Result], seen: Request, call: Call) -> Result:
        with self._requests.waits(seen):
            answer = await result
        _note_errors(answer, seen, call)
        return answer

    async def _suffer(self, seen: Request, rules: list[Rule], handler: Handler, request: Message, call: Call) -> Result:
        for rule in rules:
            if rule.kind is Kind.DELAY:
                await call.broker.clock.sleep_until(call.now_ms + rule.delay_ms)
            elif rule.kind is Kind.HOLD and not rule.is_removed:
                rule.waiting.append(seen)
                try:
                    await rule.released.wait()
                finally:
                    rule.waiting.remove(seen)
        for rule in rules:
            if rule.kind is Kind.FAIL:
                return await self._fail(rule, handler, request, call)
            if rule.kind is Kind.DISCONNECT:
                return await self._disconnect(rule, handler, request, call)
        return await _finished(handler(request, call))

    async def _fail(self, rule: Rule, handler: Handler, request: Message, call: Call) -> Result:
        image = call.broker.metadata.image

        def is_meant(topic: str | bytes) -> bool:
            if isinstance(topic, bytes):
                known = image.topics_by_id.get(topic)
                return known is not None and rule.is_about(known.name)
            return rule.is_about(topic)

        meant, rest = (request, None) if rule.topic == "*" else split(request, is_meant)
        refusal = refuse(meant, call.version, rule.code)
        if refusal is None:
            return await _finished(handler(request, call))  # a request whose response cannot tell of errors
        served = None if rest is None else await _finished(handler(rest, call))
        if isinstance(request, ProduceRequest) and request.acks == 0:
            call.close = True
            return None
        if served is None:
            return refusal
        return join(refusal, _decoded(served, call))

    async def _disconnect(self, rule: Rule, handler: Handler, request: Message, call: Call) -> Result:
        result = None if rule.lost == "request" else await _finished(handler(request, call))
        if rule.lost == "half-reply" and result is not None:
            transport = self._port.transports.get(str(call.connection))
            if transport is not None:
                size = len(result) if isinstance(result, bytes) else sum(map(len, result.encode_parts(call.version)))
                transport.cut_after(FRAME_BYTES + size // 2)
                return result
        call.close = True
        return None


def _note_errors(answer: Result, seen: Request, call: Call) -> None:
    """An error that a client is told is an event; bytes were encoded beforehand, as there is nothing to tell."""
    if isinstance(answer, Message):
        codes = errors_in(answer)
        if codes:
            call.broker.events.note(ErrorAnswered(seen.client_id, seen.api, seen.topics, codes))


async def _finished(result: Result | Awaitable[Result]) -> Result:
    return result if result is None or isinstance(result, (Message, bytes)) else await result


def _decoded(result: Message | bytes, call: Call) -> Any:
    return result if isinstance(result, Message) else call.api.request.response.decode(result, call.version)
