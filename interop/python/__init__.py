"""The Python clients in the suite's shape.

kafka_python.py   kafka-python: every byte of it is Python
confluent.py      confluent-kafka: librdkafka, the client that most languages wrap
aio.py            aiokafka: asyncio, run in a thread of its own
"""
