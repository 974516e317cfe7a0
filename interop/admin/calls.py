"""Calls of an admin client, and what came of each as one line of text."""

import concurrent.futures
import re
from collections.abc import Callable, Iterator
from typing import Any

import confluent_kafka

Calls = Iterator[tuple[str, Callable[[], Any]]]
"""What to call it, beginning with the name of the method, and the call."""

VARIABLE = [
    (r"'(log_dir|cluster_id|topic_id)': (UUID\()?'[^']*'\)?", r"'\1': 'VARIES'"),
    (r"'(total_bytes|usable_bytes|port|leader_epoch|high_watermark|log_end_offset)': \d+", r"'\1': 0"),
    (r"'(last_caught_up_timestamp|last_fetch_timestamp|finalized_epoch)': -?\d+", r"'\1': 0"),
    (r"'listeners': \[[^]]*\]", "'listeners': []"),
    (r"(error_message'?[:=] ?)(\"[^\"]*\"|'[^']*')", r"\1MESSAGE"),
    (r"(\[Error \d+\] \w+): [^\"]*(?=[\"'])", r"\1"),
    (r"<confluent_kafka.admin._records.DeletedRecords object at 0x\w+>", "DELETED"),
]
"""What differs from run to run, the addresses of controllers (Odradek has one inside), and the words of messages."""


def line(what: str, call: Callable[[], Any]) -> str:
    said = f"{what}: {outcome(call)}"
    for pattern, word in VARIABLE:
        said = re.sub(pattern, word, said)
    return said


def outcome(call: Callable[[], Any]) -> str:
    """What a call returned or how it failed; a dict of futures, which is in no order, becomes one of their outcomes."""
    try:
        result = call()
        if isinstance(result, dict) and all(isinstance(each, concurrent.futures.Future) for each in result.values()):
            outcomes = {str(key): outcome(lambda each=each: each.result(20)) for key, each in result.items()}  # type: ignore[misc]
            return str(dict(sorted(outcomes.items())))
        return text(result)
    except confluent_kafka.KafkaException as error:
        return str(error.args[0].name())
    except Exception as error:
        return type(error).__name__


def text(value: Any) -> str:
    """As str does, but in an order that does not depend on hashes."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{key!r}: {text(each)}" for key, each in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(sorted(map(text, value))) + "]"
    return repr(value)
