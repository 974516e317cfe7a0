"""ApiVersions: which APIs and versions the broker speaks; the first request of most clients.

Its response always has header version 0, and a version that the broker does not know is answered in version 0.
"""

from ..schema import Message, Struct, boolean, field, int16, int32, int64, string


class ApiVersionsRequest(Message, key=18, versions=(0, 4), flexible=3):
    client_software_name: string = field(since=3)
    client_software_version: string = field(since=3)


class ApiVersion(Struct):
    api_key: int16
    min_version: int16
    max_version: int16


class SupportedFeatureKey(Struct):
    name: string
    min_version: int16
    max_version: int16


class FinalizedFeatureKey(Struct):
    name: string
    max_version_level: int16
    min_version_level: int16


class ApiVersionsResponse(Message, answers=ApiVersionsRequest):
    error_code: int16
    api_keys: list[ApiVersion]
    throttle_time_ms: int32 = field(since=1)
    supported_features: list[SupportedFeatureKey] = field(since=3, tag=0)
    finalized_features_epoch: int64 = field(since=3, tag=1, default=-1)
    finalized_features: list[FinalizedFeatureKey] = field(since=3, tag=2)
    zk_migration_ready: boolean = field(since=3, tag=3)
