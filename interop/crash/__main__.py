"""Kill the broker over and over under load, and check that it kept its promises.

    python -m interop.crash --rounds 200 --seed 1

A round is a life of the broker: it starts on what the last one left, clients go on where they were, it dies as the
schedule says. Every --check-every rounds the load comes to an end and everything that was written since the last time
is read back. At the end the broker is stopped cleanly, and Kafka's dump tool reads the files. The directory is kept
when something is wrong. 200 rounds take some six minutes.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence

from .group import Group
from .load import Load
from .schedule import Death, schedule
from .verdict import Verdict, check_files
from .victim import Victim


class Run:
    def __init__(self, directory: pathlib.Path, seed: int) -> None:
        self.kills: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        """How often the broker died where it was aimed at."""
        self.group_checks = 0
        self.victim = Victim(directory)
        self.load = Load(self.victim.bootstrap, [str(path) for path in self.victim.directories], seed)
        self.group = Group(self.victim.bootstrap, ["idempotent", "leader-only", "retained"])
        self.verdict = Verdict(self.victim.bootstrap, self.load)

    def begin(self) -> None:
        self.victim.start()
        assert self.victim.is_ready()
        self.load.create_topics()
        self.load.transactions.finish()
        self.group.make_internal_topic()
        for topic in ("__transaction_state", "__consumer_offsets"):
            self.load.shrink_segments(topic)
        self.load.parts.append(self.group)

    def round(self, death: Death) -> None:
        """The broker, which runs, dies and is started again; perhaps it dies in that already."""
        if death.starting:
            self.victim.kill()
            self._count(death, True)
            self.victim.start()
            self.victim.lives_for(death.after_ms / 1000)
            self.victim.kill()
            self._count(death, True)
        else:
            if death.aim:
                self.victim.kill()
                self._count(Death("any moment", 0), True)
                self.victim.start(death.aim)
                died = not self.victim.is_ready() or not self.victim.lives_for(death.after_ms / 1000)
            else:
                self.victim.lives_for(death.after_ms / 1000)
                died = False
            self.victim.kill()
            self._count(death, died or not death.aim)
        self.victim.start()
        assert self.victim.is_ready()
        self.group_checks += self.group.check(1.0)

    def _count(self, death: Death, hit: bool) -> None:
        self.kills[death.what] += 1
        self.hits[death.what] += hit

    def report(self) -> str:
        verdict = self.verdict
        lines = [f"{'':14}{'kills':>7}{'on the spot':>13}"]
        lines += [f"{what:14}{count:7}{self.hits[what]:13}" for what, count in sorted(self.kills.items())]
        lines.append(f"{'all':14}{sum(self.kills.values()):7}{sum(self.hits.values()):13}")
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(verdict.outcomes.items()))
        lines += [
            f"records: {verdict.acknowledged} acknowledged, {verdict.records} read back, none lost",
            f"repeated by producers that are not idempotent: {verdict.repeated}",
            f"transactions: {outcomes}",
            f"topics: {len(self.load.churn.kept)} created, {len(self.load.churn.deleted)} more created and deleted",
            f"moves asked for: {self.load.mover.asked}",
            f"group: {self.group.commits} commits, looked up after {self.group_checks} starts, never back",
        ]
        return "\n".join(lines)


def run(directory: pathlib.Path, seed: int, rounds: int, check_every: int) -> Run:
    deaths = schedule(seed, rounds)
    run = Run(directory, seed)
    try:
        run.begin()
        for first in range(0, rounds, check_every):
            with run.load.running():
                for number, death in enumerate(deaths[first : first + check_every], first):
                    print(f"{number}: {death.what} {death.aim or f'after {death.after_ms:.0f} ms'}", file=sys.stderr)
                    run.round(death)
            run.verdict.check()
            assert run.group.check(20)
        run.victim.stop()
        check_files(run.victim.directories)
    finally:
        run.victim.kill()
    return run


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m interop.crash", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=200, help="lives of the broker (200)")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule and of what is written (1)")
    parser.add_argument("--check-every", type=int, default=25, help="rounds between two checks of everything (25)")
    options = parser.parse_args(arguments)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="odradek-crash-"))
    began = time.monotonic()
    try:
        done = run(directory, options.seed, options.rounds, options.check_every)
    except BaseException:
        print(f"seed {options.seed}: the files are in {directory}", file=sys.stderr)
        raise
    print(done.report())
    print(f"seed {options.seed}, {options.rounds} rounds, {time.monotonic() - began:.0f} s")
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
