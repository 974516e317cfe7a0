"""AddRaftVoter (key 80), v0-1: one more voter for the metadata quorum (KIP-853).

v1 an answer before the change is committed
Errors: INCONSISTENT_CLUSTER_ID, INVALID_REQUEST (no voter, or no address of its controller listener), DUPLICATE_VOTER,
UNSUPPORTED_VERSION: the quorum is this node alone, and stays so.
"""

from __future__ import annotations

from ...coordinator.features import KRAFT_VERSION
from ...wire import uuids
from ...wire.apis.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api


@api(AddRaftVoterRequest)
def add_raft_voter(request: AddRaftVoterRequest, call: Call) -> AddRaftVoterResponse:
    why = _refusal(request, call)
    return AddRaftVoterResponse(error_code=why.code, error_message=why.text)


def _refusal(request: AddRaftVoterRequest, call: Call) -> KafkaError:
    cluster, config = call.broker.metadata, call.broker.config
    if request.cluster_id is not None and request.cluster_id != cluster.cluster_id:
        return KafkaError(ErrorCode.INCONSISTENT_CLUSTER_ID)
    if request.voter_id < 0 or request.voter_directory_id == uuids.ZERO:
        return KafkaError(ErrorCode.INVALID_REQUEST, "Add voter request didn't include a valid voter")
    names = [listener.name for listener in request.listeners]
    wanted, *_ = config["controller.listener.names"] or names or ["CONTROLLER"]
    if wanted not in names:
        return KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Add voter request didn't include the endpoint for the default listener {wanted}",
        )
    if not cluster.image.features.get(KRAFT_VERSION):
        return KafkaError(
            ErrorCode.UNSUPPORTED_VERSION, "Cluster doesn't support adding voter because the kraft.version feature is 0"
        )
    if request.voter_id == cluster.node_id:
        return KafkaError(ErrorCode.DUPLICATE_VOTER, f"The voter id {cluster.node_id} is already a voter")
    return KafkaError(
        ErrorCode.UNSUPPORTED_VERSION, "This cluster has one controller, inside the broker; no other can join it"
    )
