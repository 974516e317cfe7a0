"""Requests as bytes on a socket, for what no client library would send.

    connection.py            a connection that speaks frames, and requests made of Kafka's own message definitions
    test_api_versions.py     ApiVersions and its quirks
    test_every_version.py    every version of every API, each in a small scenario
    test_answers.py          answers that other brokers got wrong
    test_bad_input.py        what is not a request, or not one that can be served

The definitions are those that kafka-python ships, so a misunderstanding of ours cannot hide on both sides.
"""
