"""The Java side of the suite.

host.py         one JVM for the whole run (Host.java), and how to talk to it
client.py       Kafka's Java client in the suite's common shape (Clients.java, Admins.java)
test_tools.py   Kafka's command line tools (Tools.java runs them in the same JVM)
"""
