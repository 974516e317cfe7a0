"""The admin surface as client libraries see it, compared with what Apache Kafka 4.3.1 answers.

test_java.py      every method of Java's Admin (../java/AdminCalls.java calls them), against java.txt
test_python.py    what the Python libraries' admin clients can do beyond the suite's common shape, and refusals: calls
                  of kafka_python.py, confluent.py and aio.py, written down by calls.py, against NAME.txt
test_versions.py  what kafka-broker-api-versions prints
"""
