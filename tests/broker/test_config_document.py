"""The pages made from the tables."""

from pathlib import Path

from odradek.broker.config.document import markdown, plain
from odradek.broker.config.profile import profile_lines

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "configuration.md"


def test_the_page_in_docs_is_the_one_that_the_tables_make() -> None:
    assert PAGE.read_text() == markdown(), "run: odradek config --markdown > docs/configuration.md"


def test_the_readme_shows_the_development_profile() -> None:
    block = "".join(f"    {line}\n" for line in profile_lines())
    assert block in (ROOT / "README.md").read_text()


def test_names_are_found_by_what_they_mean() -> None:
    found = plain(["tombstones"])
    assert "log.cleaner.delete.retention.ms=86400000\n" in found
    assert "\ndelete.retention.ms=86400000\n    topic, long" in found
    assert plain(["retention", "xyzzy"]) == ""


def test_what_has_no_effect_is_marked() -> None:
    assert "Without effect" in plain(["num.io.threads"])
    assert "Without effect" not in plain(["delete.topic.enable"])
    assert "| *`num.io.threads`* |" in markdown()
    assert "internal.segment.bytes" not in markdown()
