"""The control of a testing broker over HTTP: POST /<verb> with a JSON object of arguments, answered by one of results.

    curl -H "Authorization: Bearer $TOKEN" -d '{"topic": "orders", "value": "{}"}' $CONTROL/produce
    curl -H "Authorization: Bearer $TOKEN" $CONTROL/                                 what verbs there are

C1  Nobody without the token is heard: whoever may control the broker may read and change all that is in it.
C2  Every answer is JSON. What goes wrong is {"error": {"code": ..., "message": ...}}, never a traceback.
C3  A body is at most BODY_BYTES.
"""

from __future__ import annotations

import hmac
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from odradek.testing.administration import Refused
from odradek.testing.calls import BadCall, Session, description
from odradek.testing.inspection import NotThere
from odradek.testing.verbs import VERBS
from odradek.testing.waiting import NotSeen

log = logging.getLogger(__name__)

BODY_BYTES = 16 << 20
"""Far above any record that a test writes by hand, and still nothing that hurts."""


class Answered(Exception):
    """A request that ends with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Control:
    """An HTTP server in threads of its own, from the constructor to `close`."""

    def __init__(self, session: Session, host: str, port: int, token: str) -> None:
        """Raises OSError when it cannot listen there."""
        self.session = session
        self.token = token
        self._server = _Server((host, port), _Handler)
        self._server.control = self
        self.address: tuple[str, int] = self._server.server_address[:2]  # type: ignore[assignment]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="odradek-control")
        self._thread.start()

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, verb: str, body: bytes) -> dict[str, Any]:
        """Run a verb. Raises Answered."""
        if verb not in VERBS:
            raise Answered(404, "UNKNOWN_VERB", f"there is no verb {verb!r}; GET / lists them")
        try:
            arguments = json.loads(body or b"{}")
        except ValueError as error:
            raise Answered(400, "BAD_REQUEST", f"the body is not JSON: {error}") from None
        if not isinstance(arguments, dict):
            raise Answered(400, "BAD_REQUEST", "the body is to be a JSON object of arguments")
        try:
            return self.session.call(verb, arguments)
        except (BadCall, ValueError, OverflowError) as error:
            raise Answered(400, "BAD_REQUEST", f"{verb}: {error}") from None
        except NotThere as error:
            raise Answered(404, "NOT_THERE", str(error)) from None
        except NotSeen as error:
            raise Answered(408, "NOT_SEEN", str(error)) from None
        except Refused as error:
            raise Answered(409, error.code.name, str(error)) from None
        except RuntimeError as error:  # the broker is down, or on a disk
            raise Answered(409, "NOT_POSSIBLE", str(error)) from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    control: Control


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._respond(b"", is_get=True)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > BODY_BYTES:
            self.close_connection = True
            self._send(413, _error("TOO_LARGE", f"a body is at most {BODY_BYTES} bytes, and says how long it is"))
            return
        self._respond(self.rfile.read(int(length)), is_get=False)

    def _respond(self, body: bytes, *, is_get: bool) -> None:
        try:
            self._authorize()
            verb = self.path.split("?")[0].strip("/")
            if is_get and verb:
                raise Answered(405, "METHOD_NOT_ALLOWED", f"POST /{verb}; GET / lists the verbs")
            result = {"verbs": description()} if is_get else self.server.control.answer(verb, body)
            self._send(200, result)
        except Answered as error:
            self._send(error.status, _error(error.code, str(error)))
        except OSError:  # the caller is gone
            self.close_connection = True
        except Exception:
            log.exception("%s %s failed", self.command, self.path)
            self._send(500, _error("INTERNAL", "a defect of ours; the broker's log says more"))

    def _authorize(self) -> None:
        """C1."""
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.server.control.token.encode()):
            raise Answered(401, "UNAUTHORIZED", "send the token: Authorization: Bearer TOKEN")

    def _send(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(data)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself, such as another method: as JSON too (C2)."""
        self.close_connection = True
        self._send(code, _error("BAD_REQUEST", message or "the request makes no sense"))

    def log_message(self, format: str, *arguments: object) -> None:
        log.debug(format, *arguments)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}
