"""A few rounds of the crash harness; hundreds are run by hand: `python -m interop.crash`."""

import pathlib

from . import needs
from .crash.__main__ import run
from .crash.schedule import AIMS, APPENDS, schedule
from .crash.verdict import COMPLAINTS


def test_what_was_acknowledged_is_there_after_some_kills(tmp_path: pathlib.Path) -> None:
    needs.program("java")
    needs.program("mvn")
    done = run(tmp_path, seed=5, rounds=3, check_every=3)
    assert sum(done.kills.values()) >= 3
    assert done.verdict.acknowledged > 100
    assert sum(done.verdict.outcomes.values())
    assert done.group.commits
    assert done.group_checks


def test_one_seed_is_one_schedule_and_every_aim_comes_up() -> None:
    deaths = schedule(3, 1000)
    assert deaths == schedule(3, 1000) != schedule(4, 1000)
    assert {death.what for death in deaths} == {"any moment", "start"} | {aim.what for aim in (*APPENDS, *AIMS)}


def test_complaints_of_the_dump_tool_are_seen() -> None:
    assert COMPLAINTS.search("baseOffset: 0 lastOffset: 1 isvalid: false")
    assert not COMPLAINTS.search("baseOffset: 0 lastOffset: 1 isvalid: true")
