"""SaslHandshake: choose the SASL mechanism before authentication."""

from ..schema import Message, int16, string


class SaslHandshakeRequest(Message, key=17, versions=(0, 1)):
    mechanism: string


class SaslHandshakeResponse(Message, answers=SaslHandshakeRequest):
    error_code: int16
    mechanisms: list[string]
