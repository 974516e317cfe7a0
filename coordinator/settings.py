"""What the group coordinator is configured with, under the names and with the defaults of Kafka's broker configs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """Each field is the config of the same name with dots, except where its line says otherwise."""

    group_min_session_timeout_ms: int = 6_000
    group_max_session_timeout_ms: int = 1_800_000
    group_initial_rebalance_delay_ms: int = 3_000
    group_max_size: int = 2_147_483_647
    offset_metadata_max_bytes: int = 4_096
    offsets_retention_ms: int = 604_800_000
    """offsets.retention.minutes in milliseconds."""
    offsets_retention_check_interval_ms: int = 600_000
