"""What `odradek serve --control` runs: a broker of this package in the foreground, with its control over HTTP.

With --ephemeral the data is in memory, so that snapshots work; else it is in the data directory as always.
"""

from __future__ import annotations

import gc
import ipaddress
import json
import os
import secrets
import signal
import threading

from odradek.broker.config import ConfigError, ConfigSource, parse_address
from odradek.broker.settings import ServeSettings, StartupError
from odradek.storage.errors import StorageError
from odradek.testing.broker import Broker
from odradek.testing.calls import Session
from odradek.testing.control import Control

NOT_HANDED_ON = frozenset(
    {"listeners", "advertised.listeners", "listener.security.protocol.map", "log.dirs", "broker.id"}
)
"""Configs that the testing broker sets by itself."""


def serve_controlled(
    settings: ServeSettings, *, control: str, token: str | None, in_memory: bool, as_json: bool
) -> None:
    """Serve until the first SIGINT or SIGTERM. Raises StartupError, ConfigError."""
    gc.enable()  # the command line turned it off for the start
    host, port = parse_address("--control", control)
    if not _is_loopback(host) and token is None:
        raise ConfigError(f"--control {control} can be reached from elsewhere: choose a token with --control-token")
    if len(settings.listeners) != 1:
        raise ConfigError("--control serves one listener")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: _stop(stop, number))
    broker = _broker(settings, in_memory)
    try:
        with broker:
            served = Control(Session(broker), host, port, token or secrets.token_urlsafe(18))
            try:
                print(_ready(broker, served, settings, in_memory, as_json), flush=True)
                stop.wait()
            finally:
                served.close()
    except StorageError as error:
        raise StartupError(str(error)) from error
    except OSError as error:
        raise StartupError(f"cannot listen: {error.strerror or error}; choose other addresses") from error


def _stop(stop: threading.Event, number: int) -> None:
    if stop.is_set():  # the second time, at once
        os._exit(128 + number)
    stop.set()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _broker(settings: ServeSettings, in_memory: bool) -> Broker:
    static = settings.config.layer(ConfigSource.STATIC_BROKER_CONFIG)
    (listener,) = settings.listeners
    advertise = next((endpoint.address for endpoint in settings.advertised), None)
    return Broker(
        topics={name: count or -1 for name, count in settings.topics},
        config={name: value for name, value in static.items() if name not in NOT_HANDED_ON},
        version=settings.as_version,
        data_dir=None if in_memory else settings.data_dir,
        host=listener.host,
        port=listener.port,
        advertise=advertise,
    )


def _ready(broker: Broker, control: Control, settings: ServeSettings, in_memory: bool, as_json: bool) -> str:
    data_dir = "memory" if in_memory else settings.data_dir
    if not as_json:
        where = "memory until then" if in_memory else data_dir
        return (
            f"Odradek is ready on {broker.bootstrap}, its control at {control.url} with the token {control.token}. "
            f"Ctrl-C stops it; data is in {where}."
        )
    return json.dumps(
        {
            "bootstrap": broker.bootstrap,
            "pid": os.getpid(),
            "cluster_id": broker.cluster_id,
            "data_dir": None if in_memory else data_dir,
            "control": control.url,
            "token": control.token,
        }
    )
