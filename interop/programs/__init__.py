"""Programs in other languages, each with its most used client: franz.go, sarama.go, kafkajs.mjs.

Each is one file that checks what it sees by itself: it creates a topic, writes with every codec that its client has,
reads as a group, commits, runs transactions, asks as an admin, and cleans up. It takes a broker's address and a word
that makes its names its own, and prints `done`. packages.py fetches the clients and builds.
"""
