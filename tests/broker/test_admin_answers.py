"""Every admin request of admin_cases.py gets the error codes that Apache Kafka 4.3.1 gave to it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from odradek.wire.errors import ErrorCode

from .admin_cases import CASES, codes_of
from .harness import broker, run

ANSWERS = Path(__file__).parents[1] / "data" / "cluster" / "answers.tsv"
NAMES = {code.value: code.name for code in ErrorCode}


def test_error_codes_are_kafkas(tmp_path: Path) -> None:
    """Order among the elements of a response is nobody's promise, so codes are compared without it."""
    _, *rows = (line.split("\t") for line in ANSWERS.read_text().splitlines())
    expected = {name: Counter(codes.split()) for name, codes in rows}

    async def check() -> dict[str, str]:
        wrong = {}
        options = {"auto_create_topics_enable": "false", "offsets_topic_num_partitions": 3}
        async with broker(tmp_path, **options) as (_, connect):
            peer = await connect()
            for case in CASES:
                answer = await peer.ask(case.request, case.sent_version)
                codes = [NAMES[code] for code in codes_of(answer)]
                if Counter(codes) != expected[case.name]:
                    wrong[case.name] = f"{' '.join(codes)}, Kafka: {' '.join(expected[case.name].elements())}"
        return wrong

    assert run(check) == {}
    assert len(CASES) == len(expected) == len({case.name for case in CASES})
