"""One broker for all tests of this folder, as good as new for each."""

from tests.testing.conftest import _shared, broker

__all__ = ["_shared", "broker"]
