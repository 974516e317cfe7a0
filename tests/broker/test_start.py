"""What a start does without: modules that `odradek serve` must not import, because each costs its user time and memory.

A start is mostly imports. The time to the ready line is recorded in the report (`--junit-xml`) and printed with `-rP`;
it depends on the machine, so nothing here fails for it.
"""

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest

NOT_NEEDED = {
    "asyncio": "trio is the event loop",
    "concurrent.futures": "worker threads are trio's",
    "multiprocessing": "there is one process",
    "unittest": "tests are not in the product",
    "pytest": "tests are not in the product",
    "hypothesis": "tests are not in the product",
    "http": "no HTTP is spoken",
    "urllib.request": "nothing is downloaded",
    "xml": "no XML is read",
    "sqlite3": "data is in logs",
    "decimal": "numbers are integers",
    "importlib.metadata": "a version is printed when it is asked for; `wire/checksum.py` does not ask",
    "email": "what importlib.metadata would bring along",
    "argparse": "click reads the command line",
    "csv": "no tables are read",
    "zipfile": "nothing is packed",
    "difflib": "a misspelt name is looked for when there is one",
    "rich": "tables are for other commands",
    "odradek.commands": "it is the broker that is started, not what asks it",
    "odradek.broker.config.document": "pages are for `odradek config`",
}

FROM_OTHERS = {
    "trio": "sockets, timers, tasks",
    "attr": "trio",
    "attrs": "trio",
    "idna": "trio",
    "outcome": "trio",
    "sniffio": "trio",
    "sortedcontainers": "trio",
    "exceptiongroup": "trio before Python 3.11",
    "click": "the command line",
    "cramjam": "the codecs; of crc32c only the extension, which is nobody's module",
}
"""Every module of somebody else's that a start may import, and who needs it."""

SCRIPT = """
    import sys
    from odradek.broker import foreground
    from odradek.broker.__main__ import main

    def ready_json(ready):
        return " ".join(sys.modules)

    foreground.ready_json = ready_json
    main(prog_name="odradek")
"""


def test_a_start_imports_only_what_serving_needs(record_property: Callable[[str, object], None]) -> None:
    options = ["serve", "--ephemeral", "--listen", "127.0.0.1:0", "--ready-json"]
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        loaded = set(process.stdout.readline().split())
        ready_ms = round((time.perf_counter() - began) * 1000)
        process.terminate()
    record_property("ready_ms", ready_ms)
    print(f"ready after {ready_ms} ms with {len(loaded)} modules")
    assert "odradek.broker.server" in loaded
    assert {name: why for name, why in NOT_NEEDED.items() if name in loaded} == {}
    others = {name.split(".")[0] for name in loaded} - sys.stdlib_module_names - {"odradek", "__main__"}
    assert {name for name in others - FROM_OTHERS.keys() if not name.startswith("_")} == set()  # _: pip's hooks


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["serve", "-c", "num.partition=3"]])
def test_what_is_answered_without_a_broker_is_answered_without_its_modules(arguments: list[str]) -> None:
    code = f"""
        import sys
        from odradek.broker.__main__ import main
        try:
            main({arguments})
        except SystemExit:
            print(" ".join(sys.modules), file=sys.__stderr__)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    loaded = done.stderr.splitlines()[-1].split()
    assert "odradek.broker.__main__" in loaded
    assert "trio" not in loaded
    assert "odradek.broker.server" not in loaded
