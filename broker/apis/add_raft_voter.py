"""AddRaftVoter (key 80), v0-1: one more voter for the metadata quorum (KIP-853).

v1 an answer before the change is committed
Errors: UNSUPPORTED_VERSION: the quorum is this node alone, and stays so. INCONSISTENT_CLUSTER_ID.
"""

from __future__ import annotations

from ...wire.apis.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(AddRaftVoterRequest)
def add_raft_voter(request: AddRaftVoterRequest, call: Call) -> AddRaftVoterResponse:
    if request.cluster_id is not None and request.cluster_id != call.broker.metadata.cluster_id:
        return AddRaftVoterResponse(
            error_code=ErrorCode.INCONSISTENT_CLUSTER_ID, error_message=ErrorCode.INCONSISTENT_CLUSTER_ID.text
        )
    return AddRaftVoterResponse(
        error_code=ErrorCode.UNSUPPORTED_VERSION,
        error_message="This cluster has one controller, inside the broker; no other can join it",
    )
