"""lnrpc.State: served without a macaroon, even while the wallet is locked."""

from collections.abc import Iterator

import grpc

from lightning.proto import methods
from lightning.proto import state_pb2 as pb
from sandbox.lnd.services import Behaviours
from sandbox.lnd.world import Node


def behaviours(node: Node) -> Behaviours:
    def state() -> str:
        return node.options.wallet_state

    def get_state(_request: pb.GetStateRequest, _context: grpc.ServicerContext) -> pb.GetStateResponse:
        return pb.GetStateResponse(state=state())

    def subscribe_state(
        _request: pb.SubscribeStateRequest, _context: grpc.ServicerContext
    ) -> Iterator[pb.SubscribeStateResponse]:
        yield pb.SubscribeStateResponse(state=state())

    return {methods.GET_STATE: get_state, methods.SUBSCRIBE_STATE: subscribe_state}
