"""RemoveRaftVoter (key 81), v0: one voter less in the metadata quorum (KIP-853).

Errors: UNSUPPORTED_VERSION: the quorum is this node alone, and stays so. INCONSISTENT_CLUSTER_ID.
"""

from __future__ import annotations

from ...wire.apis.remove_raft_voter import RemoveRaftVoterRequest, RemoveRaftVoterResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(RemoveRaftVoterRequest)
def remove_raft_voter(request: RemoveRaftVoterRequest, call: Call) -> RemoveRaftVoterResponse:
    if request.cluster_id is not None and request.cluster_id != call.broker.metadata.cluster_id:
        return RemoveRaftVoterResponse(
            error_code=ErrorCode.INCONSISTENT_CLUSTER_ID, error_message=ErrorCode.INCONSISTENT_CLUSTER_ID.text
        )
    return RemoveRaftVoterResponse(
        error_code=ErrorCode.UNSUPPORTED_VERSION,
        error_message="This cluster has one controller, inside the broker; it cannot be removed",
    )
