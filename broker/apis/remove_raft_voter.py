"""RemoveRaftVoter (key 81), v0: one voter less in the metadata quorum (KIP-853).

The quorum is this node alone, so there is nobody to remove. Errors: INCONSISTENT_CLUSTER_ID, INVALID_REQUEST (no
voter), UNSUPPORTED_VERSION (kraft.version 0), VOTER_NOT_FOUND (also for the last voter, as with Kafka).
"""

from __future__ import annotations

from ...coordinator.features import KRAFT_VERSION
from ...wire import uuids
from ...wire.apis.remove_raft_voter import RemoveRaftVoterRequest, RemoveRaftVoterResponse
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api


@api(RemoveRaftVoterRequest)
def remove_raft_voter(request: RemoveRaftVoterRequest, call: Call) -> RemoveRaftVoterResponse:
    why = _refusal(request, call)
    return RemoveRaftVoterResponse(error_code=why.code, error_message=why.text)


def _refusal(request: RemoveRaftVoterRequest, call: Call) -> KafkaError:
    cluster = call.broker.metadata
    if request.cluster_id is not None and request.cluster_id != cluster.cluster_id:
        return KafkaError(ErrorCode.INCONSISTENT_CLUSTER_ID)
    if request.voter_id < 0 or request.voter_directory_id == uuids.ZERO:
        return KafkaError(ErrorCode.INVALID_REQUEST, "Remove voter request didn't include a valid voter")
    if not cluster.image.features.get(KRAFT_VERSION):
        return KafkaError(
            ErrorCode.UNSUPPORTED_VERSION,
            "Cluster doesn't support removing voter because the kraft.version feature is 0",
        )
    return KafkaError(ErrorCode.VOTER_NOT_FOUND, f"Cannot remove voter {request.voter_id} from the set of voters")
