"""Stock clients against a broker: Odradek by default, Apache Kafka or any other address when asked.

    needs.py      what a test needs from the machine, and what happens where it is missing
    broker.py     what a broker is to a test: an address, and for some a process that can be stopped and killed
    odradek.py    Odradek as its users start it, a process of the installed package
    kafka.py      Apache Kafka 4.3.1, fetched by Maven: a broker, and Kafka's command line tools
    ledger.py     what clients write to a directory, and what every broker that serves it has to answer
    client.py     what a client is to a test: one shape for producers, consumers and admins of every language
    conftest.py   the fixtures, and `--broker=odradek|kafka|HOST:PORT`
    python/       kafka-python, confluent-kafka and aiokafka in that shape, and what only one of them can do
    java/         the Java client in that shape, in one JVM for the whole run, and the console tools
    kcat/         kcat 1.7.1 with its old librdkafka
    programs/     whole programs in Go and Node with franz-go, sarama and kafkajs
    raw/          requests as bytes on a socket, for what no client would send
    test_handover*.py   one directory under both brokers in turn, and docs/handover.md followed to the letter
    admin/        every method of Java's Admin, and the Python admin clients, beside Apache Kafka's answers
    test_*.py     what every client must be able to do, run for each of them
    crash/        the broker killed hundreds of times under load: `python -m interop.crash`
    bench/        measurements beside Apache Kafka: `python -m interop.bench`

A test is right when it passes on Apache Kafka: `pytest interop --broker=kafka`.
"""
