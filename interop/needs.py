"""What a test needs from the machine besides Python.

Where it is missing a test is skipped with the reason, except under CI: there everything has to be present, so that a
green run means that every client was tried.
"""

import os
import shutil
from typing import NoReturn

import pytest


def program(name: str) -> str:
    """The path of an installed program; skips (in CI: fails) the test if there is none of that name."""
    path = shutil.which(name)
    if path is None:
        lacking(f"{name} is not installed")
    return path


def lacking(reason: str) -> NoReturn:
    """Skips the running test because the machine lacks something; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI has to have it", pytrace=False)
    pytest.skip(reason)
