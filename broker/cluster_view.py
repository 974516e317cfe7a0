"""The cluster as one client may see it: which brokers it can reach through its listener, and at which address.

Our own address is what the connection is advertised: the configured one, or the one that the client connected to.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..coordinator.image import BrokerRegistration, ClusterImage, PartitionRegistration


class ClusterView:
    """Addresses of the live brokers on one listener.

    `addresses` has host and port of every unfenced broker that has the listener, `unfenced` the ids of all unfenced
    ones.
    """

    __slots__ = ("_image", "addresses", "unfenced")

    def __init__(self, image: ClusterImage, node_id: int, listener: str, own_address: tuple[str, int]) -> None:
        self._image = image
        self.unfenced = {broker.id for broker in image.brokers.values() if not broker.fenced}
        self.addresses: dict[int, tuple[str, int]] = {}
        for broker_id in self.unfenced:
            if broker_id == node_id:
                self.addresses[broker_id] = own_address
            elif (address := self.address(image.brokers[broker_id], listener)) is not None:
                self.addresses[broker_id] = address

    @staticmethod
    def address(broker: BrokerRegistration, listener: str) -> tuple[str, int] | None:
        """Where another broker listens under this name."""
        for endpoint in broker.endpoints:
            if endpoint.name == listener:
                return endpoint.host, endpoint.port
        return None

    def alive(self) -> Iterator[tuple[BrokerRegistration, str, int]]:
        """Every broker that the client can be sent to, with host and port."""
        for broker_id, (host, port) in sorted(self.addresses.items()):
            yield self._image.brokers[broker_id], host, port

    def offline(self, partition: PartitionRegistration) -> list[int]:
        """Replicas on brokers that are not alive, or in log directories that are offline."""
        return [
            replica
            for replica, directory in zip(partition.replicas, partition.directories, strict=True)
            if replica not in self.addresses or not self._image.brokers[replica].has_online(directory)
        ]
