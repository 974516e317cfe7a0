"""The broker is killed, hundreds of times, under everything that stock clients do; then its promises are checked.

    python -m interop.crash --rounds 200 --seed 1

    __main__.py     the command: rounds of load, kill, start again; what was found
    schedule.py     when and where the broker dies: made of a seed beforehand, so that one seed repeats one schedule
    mortal.py       `odradek serve` that kills itself at a given operation on the disk: in the middle of a roll, a move
    victim.py       that process, to be started, awaited and killed
    load.py         producers of all kinds, transactions, topics that come and go, a partition that moves
    group.py        a consumer group that commits what it has read
    verdict.py      reads back what the load says was acknowledged

What must hold after any number of kills:

P1  A record that was acknowledged is there, at the offset that the producer was told. Idempotent producers' records are
    there exactly once, in order; those of others at least once, and without repetitions in order. No offset is missing.
P2  Of each key of a compacted topic the last acknowledged record or a later one is there.
P3  A transaction is there as a whole or not at all: as the producer was told, if it was; and it ends.
P4  The committed offset of a group never goes back.
P5  A topic that was created is there; one that was deleted stays away.
P6  Kafka's own dump tool finds nothing wrong with the files.
"""
