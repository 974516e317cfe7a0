"""What users' own tests import: a broker in the test's process.

    from odradek.testing import Broker

Importing this package costs nothing; what is used is imported when it is first asked for.

| module | what it is |
|---|---|
| broker | `Broker`: the public face; start here |
| plugin | the pytest plugin: fixtures, marker, section in the report of a failed test |
| node | the product's broker, started and ended on one port; snapshots |
| loop, clock, disk, network | what the product's broker is given instead of the machine's |
| interception, faults, failing, requests | the step before every handler: faults strike, requests are noted |
| serving, control, calls, verbs | `odradek serve --control`: the same methods over HTTP with JSON |
| administration, inspection, waits, report | what the methods of `Broker` do, in the broker's thread |
| explaining, events | what clients see, and why: `Broker.explain` |
| views | the values they return |
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odradek.testing.administration import Refused
    from odradek.testing.broker import Broker
    from odradek.testing.faults import Fault, Hold
    from odradek.testing.inspection import NotThere
    from odradek.testing.node import Snapshot
    from odradek.testing.views import Committed, Group, Member, Offsets, Record, Request, Topic, Transaction
    from odradek.testing.waiting import NotSeen

__all__ = [
    "Broker",
    "Committed",
    "Fault",
    "Group",
    "Hold",
    "Member",
    "NotSeen",
    "NotThere",
    "Offsets",
    "Record",
    "Refused",
    "Request",
    "Snapshot",
    "Topic",
    "Transaction",
]

_MODULES = {"Broker": "broker", "NotSeen": "waiting", "NotThere": "inspection", "Refused": "administration"}
_MODULES |= {"Snapshot": "node", "Fault": "faults", "Hold": "faults"}
"""Where names come from that are not in views."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"odradek.testing.{_MODULES.get(name, 'views')}"), name)
