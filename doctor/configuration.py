"""What is wrong in a server.properties: names, values, ports, directories, and the limits of this machine."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Final

from ..broker.config import BROKER_CONFIGS, ConfigError, Endpoint, parse_properties, unknown_name
from ..broker.options import ServeOptions, gather
from ..commands.client import Cluster
from ..commands.errors import Failure
from . import directories
from .findings import Finding, fine, note, problem
from .listening import resolve

FEW_FILES: Final = 4096
"""Each connection needs one, and a partition three to be written to without opening files again."""

EXPLAIN: Final = "`odradek config WORD` explains the names"


def examine(options: ServeOptions) -> Iterator[Finding]:
    """What `odradek serve` would complain about with these options, and what it would not."""
    try:
        settings, notes = gather(options)
    except ConfigError as error:
        yield from (problem(complaint, EXPLAIN) for complaint in _complaints(options) or [str(error)])
        return
    yield fine(f"the configuration is valid; the broker would be node {settings.config.node_id}")
    yield from (note(text) for text in notes)
    yield from directories.examine(settings.config.log_dirs, settings.config.node_id)
    is_running = any(directories.in_use(path) for path in settings.config.log_dirs)
    for endpoint in settings.listeners:
        yield from _examine_port(endpoint, is_running)
    for endpoint in settings.advertised:
        yield from _examine_advertised(endpoint)
    yield from _examine_limits()


def compare(options: ServeOptions, bootstrap: str) -> Iterator[Finding]:
    """Whether the broker at an address is the one whose data this is; nothing where that cannot be told."""
    try:
        with closing(Cluster(bootstrap)) as cluster:
            theirs = cluster.metadata([]).cluster_id
        paths = gather(options)[0].config.log_dirs
    except (Failure, ConfigError):
        return  # told already
    ours = {cluster_id for path in paths if (cluster_id := directories.identity(path).get("cluster.id"))}
    if ours and theirs not in ours:
        step = "it has another log.dirs, or you mean another address"
        yield problem(
            f"the broker at {bootstrap} runs cluster {theirs}, and this is the data of {', '.join(ours)}", step
        )


def _complaints(options: ServeOptions) -> list[str]:
    """Everything that is wrong; a start stops at the first. Nothing if there is no reading it at all."""
    try:
        pairs = _pairs(options)
    except (OSError, ConfigError):
        return []
    complaints, valid = [], {}
    for name, value in pairs.items():
        try:
            if name not in BROKER_CONFIGS:
                raise ConfigError(unknown_name(name))
            BROKER_CONFIGS[name].parse(value)
        except ConfigError as error:
            complaints.append(str(error))
        else:
            valid[name] = value
    try:
        gather(replace(options, config_file=None, configs=[f"{name}={value}" for name, value in valid.items()]))
    except ConfigError as error:
        complaints.append(str(error))
    return complaints


def _pairs(options: ServeOptions) -> dict[str, str]:
    """Names and values, without the names in the file that a start passes over. Raises OSError, ConfigError."""
    pairs = {}
    if options.config_file is not None:
        with open(options.config_file, encoding="utf-8", errors="surrogateescape") as file:
            pairs = {name: value for name, value in parse_properties(file.read()).items() if name in BROKER_CONFIGS}
    for pair in options.configs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise ConfigError(f"-c {pair}: write it as name=value")
        pairs[name.strip()] = value
    return pairs


def _examine_port(endpoint: Endpoint, is_running: bool) -> Iterator[Finding]:
    if endpoint.port == 0:
        yield fine(f"listener {endpoint.listener} takes any free port")
        return
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as bound:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((endpoint.host, endpoint.port))
    except OSError as error:
        yield _not_bound(endpoint, error, is_running)
    else:
        yield fine(f"{endpoint.address} is free to listen on")


def _not_bound(endpoint: Endpoint, error: OSError, is_running: bool) -> Finding:
    if error.errno == errno.EADDRINUSE:
        if is_running:
            return fine(f"{endpoint.address} is taken, as is to be expected while a broker runs on the directory")
        step = f"stop what listens there, or take another port (--listen {endpoint.host}:0 takes any)"
        return problem(f"{endpoint.address} is taken by another program", step)
    if error.errno == errno.EADDRNOTAVAIL:
        step = "listen on 0.0.0.0, or on an address of this machine"
        return problem(f"{endpoint.host} is no address of this machine", step)
    if error.errno == errno.EACCES:
        return problem(f"this user may not listen on port {endpoint.port}", "take a port from 1024 on")
    why = error.strerror or str(error)
    return problem(f"cannot listen on {endpoint.address} ({why})", "name another address with --listen HOST:PORT")


def _examine_advertised(endpoint: Endpoint) -> Iterator[Finding]:
    try:
        resolve(endpoint.host, endpoint.port)
    except (socket.gaierror, UnicodeError):
        yield note(
            f"{endpoint.address} is advertised, and {endpoint.host} cannot be resolved here",
            "fine if clients can; `odradek doctor --bootstrap HOST:PORT` tells where they are",
        )
    else:
        yield fine(f"clients are sent to {endpoint.address}")


def _examine_limits() -> Iterator[Finding]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEW_FILES:
        step = "raise it (ulimit -Hn, or LimitNOFILE= of systemd) for many partitions or clients"
        yield note(f"a process may have {hard} files open", step)
