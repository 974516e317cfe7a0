"""Envelope: a broker forwards a client's request to the controller, with the principal that sent it."""

from ..schema import Message, bytes_, int16


class EnvelopeRequest(Message, key=58, versions=(0, 0), flexible=0):
    request_data: bytes_
    request_principal: bytes_ | None
    client_host_address: bytes_


class EnvelopeResponse(Message, answers=EnvelopeRequest):
    response_data: bytes_ | None = None
    error_code: int16
