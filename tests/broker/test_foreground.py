"""What a broker does to the process that is its own: garbage collection, the limit of open files."""

import subprocess
import sys

import pytest

CHECK = """
import gc, resource
from odradek.broker import foreground
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(foreground.allow_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "files", "raised"),
    [("256", "hard", None, None), ("256", "256", 128, 256), ("256", "1000", 500, 1000)],
)
def test_half_of_the_files_that_a_process_may_open_are_for_logs(
    soft: str, hard: str, files: int | None, raised: int | None
) -> None:
    code = CHECK.format(soft=soft, hard=hard)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    allowed, limit = map(int, done.stdout.split())
    if files is None:  # the machine's hard limit decides
        assert allowed == min(limit, 65_536) // 2
        assert limit > 256
    else:
        assert (allowed, limit) == (files, raised)


def test_what_a_start_has_made_is_passed_over_by_the_collector() -> None:
    code = """
import gc
gc.disable()
from odradek.broker import foreground
foreground.settle()
print(gc.isenabled(), gc.get_freeze_count() > 10_000, gc.get_threshold() == foreground.GC_THRESHOLDS)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]
