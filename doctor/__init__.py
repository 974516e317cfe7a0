"""`odradek doctor`: what keeps clients from a broker, or a broker from starting, in words with a next step.

Nothing is changed, and nothing is left behind: a check connects, asks and reads.

    findings.py        what a check finds, and how it is printed
    address.py         can clients reach the broker, and where does it send them? Any Kafka's
    listening.py       what answers at an address: Kafka's protocol, TLS, HTTP, or nobody
    configuration.py   what is wrong in a server.properties, with the ports and the limits of this machine
    directories.py     what is wrong in a data directory
    command.py         the command
"""
