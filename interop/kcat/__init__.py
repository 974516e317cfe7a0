"""kcat 1.7.1 as Debian ships it, with librdkafka 2.0.2 of 2022: the old client that everybody has.

client.py     kcat as the writer and reader of the cross-client tests
test_kcat.py  what people do with it in a terminal
"""
