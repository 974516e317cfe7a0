"""The Kafka protocol, without any input or output: what travels over a connection and what is written into a log.

In reading order:

    schema.py       how a message is declared; the types of its fields
    apis/           every request and response, one module per API; `request_class(key)`
    codec.py        codecs are compiled at first use: the common part,
    encoder.py      messages to bytes,
    decoder.py      bytes to messages
    frames.py       size-delimited frames out of a byte stream; request and response headers
    batches.py      record batches as opaque values: header, checksum, offsets patched in place
    batch_header.py its header alone, which records.py needs too
    checksum.py     CRC-32C
    records.py      the records inside a batch, for those who must look
    compression.py  gzip, snappy, lz4 and zstd as Kafka's clients understand them
    partitioner.py  which partition a producer sends a key to
    control.py      the values of control records: transaction markers, leader changes, snapshot frames
    errors.py       error codes, and the two exceptions that a peer can cause
    uuids.py        topic, directory and member ids

This folder imports nothing of ours.
"""
