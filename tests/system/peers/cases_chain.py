# SPDX-License-Identifier: Apache-2.0
"""Cases of section 8: another spool hands its records over."""

import secrets
import struct
import uuid

import agentlink_wire as wire
from agentlink_peer import Stream, case, check


class Child:
    """A child spool that makes its records up."""

    def __init__(self, spool, identity=None, incarnation=None):
        self.spool = spool
        self.identity = identity or spool.identity("spool")
        self.incarnation = incarnation or secrets.token_bytes(16)
        self.origin = uuid.uuid4()
        self.next = 1
        self.link = None

    def connect(self, next_rec=None, start=1):
        """CHAIN_OPEN; the CHAIN_STATE."""
        self.link = self.spool.link(self.identity, capabilities=3)
        check(self.link.hello_ok.capabilities & 1, "no CHAIN in HELLO_OK")
        self.link.send(
            "CHAIN_OPEN",
            incarnation=self.incarnation,
            next_rec=next_rec or self.next,
            start_rec=start,
        )
        return self.link.expect("CHAIN_STATE", 0)

    def define(self, ref, stream):
        self.link.send(
            "CHAIN_DEF",
            ref=ref,
            origin=self.origin.bytes,
            epoch=stream.epoch,
            name=stream.name,
            listener="agents",
            peer="192.0.2.7:50123",
            identity=f"spool:agent:{self.origin}",
        )
        stream.number = ref
        return stream

    def stream(self, ref):
        return self.define(ref, self.spool.stream(label=f"-{ref}"))

    def batch(self, *parts, first=None):
        """(frame maker, count, digest) of a batch: parts are (stream, count)."""
        records, rows, runs = [], [], []
        for n, (stream, count) in enumerate(parts):
            some = stream.batch(count)
            records += some.records
            rows.append((stream.number, some.first, count, some.head))
            runs.append((n, count))
            stream.take(some)
        return ChainBatch(first or self.next, records, rows, runs)

    def send(self, batch, **changed):
        self.link.send_bytes(batch.frame(**changed))
        self.next = max(self.next, batch.to)

    def acked(self, *spans):
        """CHAIN_ACKs until all of these half-open spans are covered."""
        missing = {n for first, to in spans for n in range(first, to)}
        while missing:
            m = self.link.expect("CHAIN_ACK", 0)
            got = set(range(m.fields["from"], m.to))
            check(got, f"{m}: nothing")
            missing -= got

    def deliver(self, *parts, **fields):
        batch = self.batch(*parts, **fields)
        self.send(batch)
        self.acked((batch.first, batch.to))
        return batch


class ChainBatch:
    def __init__(self, first, records, rows, runs):
        self.raw = wire.columns(records, runs)
        self.first, self.to = first, first + len(records)
        self.digest = wire.content_digest(records)
        self.ranges = wire.ranges(*rows)

    def frame(self, **changed):
        fields = {
            "first_rec": self.first,
            "count": self.to - self.first,
            "codec": 1,
            "raw_len": len(self.raw),
            "received_first_ns": 10**18,
            "received_last_ns": 10**18 + 5,
            "content_digest": self.digest,
            "ranges": self.ranges,
            "payload": wire.zstd(self.raw),
        }
        return wire.message("CHAIN_DATA", **{**fields, **changed})


def intervals(m):
    """[(from, to, digest)] of a CHAIN_STATE."""
    check(m.code == 0, f"{m}")
    check(len(m.intervals) == 48 * m.n, f"{m}: n and intervals differ")
    out = [
        struct.unpack_from(">QQ32s", m.intervals, at)
        for at in range(0, len(m.intervals), 48)
    ]
    for a, b in zip(out, out[1:]):
        check(a[1] < b[0], f"{m}: intervals touch or are not sorted")
    return out


@case()
def chain_usual(spool):
    """A child hands batches of several streams over; CHAIN_ACK covers them; after
    a reconnect CHAIN_STATE has them as one interval with the last digest."""
    child = Child(spool)
    check(intervals(child.connect()) == [], "a new child is known")
    one, two = child.stream(1), child.stream(2)
    child.deliver((one, 5))
    child.deliver((one, 3), (two, 4), (one, 2))
    last = child.deliver((two, 1))
    child.link.close()
    got = intervals(child.connect())
    check(got == [(1, child.next, last.digest)], f"{got}")
    child.define(1, one)
    child.deliver((one, 5))


@case()
def chain_repeat(spool):
    """A chain batch that is there is acknowledged and not stored again."""
    child = Child(spool)
    child.connect()
    one = child.stream(1)
    batches = [child.deliver((one, n)) for n in (3, 4, 5)]
    for batch in batches:
        child.send(batch)
        child.acked((batch.first, batch.to))
    child.link.close()
    child.connect()
    child.define(1, one)
    for batch in batches:
        child.send(batch)
        child.acked((batch.first, batch.to))


@case()
def chain_partial(spool):
    """A chain batch of which a part is there: CHAIN_NACK PARTIAL and a fresh
    CHAIN_STATE; rebuilt, it is taken."""
    child = Child(spool)
    child.connect()
    one = child.stream(1)
    done = child.deliver((one, 5))
    over = Stream(one.name, epoch=one.epoch, first=3, head=one.head)
    over.number = 1
    child.send(child.batch((over, 6), first=3))
    m = child.link.expect("CHAIN_NACK", 0, code="PARTIAL")
    check(m.first_rec == 3, f"{m}")
    got = intervals(child.link.expect("CHAIN_STATE", 0))
    check(got == [(1, 6, done.digest)], f"{got}")
    child.next = 6
    child.deliver((one, 3))


@case()
def chain_any_order(spool):
    """Batches may leave numbers out and come in any order; SKIP fills a hole and
    is acknowledged."""
    child = Child(spool)
    child.connect()
    late = child.batch((child.stream(1), 5), first=1)
    early = child.batch((child.stream(2), 5), first=11)
    child.send(early)
    child.acked((11, 16))
    child.send(late)
    child.acked((1, 6))
    child.link.send("SKIP", **{"from": 6, "count": 5, "reason": 2, "text": "gone"})
    child.acked((6, 11))
    child.link.close()
    got = [(a, b) for a, b, _ in intervals(child.connect())]
    check(got == [(1, 16)], f"{got}")


@case()
def chain_digest_wrong(spool):
    """A chain batch whose digest is wrong: CHAIN_NACK DIGEST; good, it is taken."""
    child = Child(spool)
    child.connect()
    one = child.stream(1)
    batch = child.batch((one, 5))
    child.send(batch, content_digest=bytes(32))
    m = child.link.expect("CHAIN_NACK", 0, code="DIGEST")
    check(m.first_rec == batch.first, f"{m}")
    child.send(batch)
    child.acked((batch.first, batch.to))


@case()
def chain_payload_wrong(spool):
    """A chain batch whose payload does not unpack, or lacks its end: CHAIN_NACK
    DIGEST, and the connection stays; good, it is taken."""
    child = Child(spool)
    child.connect()
    batch = child.batch((child.stream(1), 5))
    for payload in (b"rubbish", wire.zstd(batch.raw)[:-3], wire.zstd(batch.raw[:-1])):
        child.send(batch, payload=payload)
        m = child.link.expect("CHAIN_NACK", 0, code="DIGEST")
        check(m.first_rec == batch.first, f"{m}")
    child.send(batch)
    child.acked((batch.first, batch.to))


@case()
def chain_incarnations(spool):
    """Another incarnation of a child is another child; a child whose numbers end
    below what the parent has must take a new one."""
    child = Child(spool)
    child.connect()
    child.deliver((child.stream(1), 5))
    child.link.close()
    wiped = Child(spool, child.identity)
    check(intervals(wiped.connect()) == [], "a new incarnation is known")
    wiped.deliver((wiped.stream(1), 5))
    wiped.link.close()
    m = child.connect(next_rec=3)
    if m.code == 0:
        check(intervals(m)[-1][1] > 3, f"{m}")
    else:
        check(m.code_name == "INCARNATION", f"{m}")


@case()
def chain_of_an_agent(spool):
    """An agent's certificate does not permit chain messages."""
    link = spool.link(capabilities=3)
    link.send("CHAIN_OPEN", incarnation=secrets.token_bytes(16), next_rec=1, start_rec=1)
    m = link.receive()
    check(m and m.kind in ("ERROR", "CHAIN_STATE") and m.code, f"{m} came")


@case()
def chain_order_of_messages(spool):
    """CHAIN_DATA, CHAIN_DEF or SKIP before CHAIN_OPEN, a second CHAIN_OPEN, and
    ranges of a ref that was not defined, end the connection or are refused."""
    child = Child(spool)
    for message in (
        wire.message("SKIP", **{"from": 1, "count": 5, "reason": 1}),
        wire.message("CHAIN_DATA", first_rec=1, count=1, ranges=wire.ranges((1, 1, 1))),
    ):
        link = spool.link(child.identity, capabilities=3)
        link.send_bytes(message)
        link.expect_error()
    child.connect()
    child.link.send("CHAIN_OPEN", incarnation=child.incarnation, next_rec=1, start_rec=1)
    child.link.expect_error("MALFORMED")
    child.connect()
    stranger = Stream("never defined")
    stranger.number = 7
    child.send(child.batch((stranger, 3)))
    m = child.link.receive()
    check(m and m.kind in ("ERROR", "CHAIN_NACK"), f"{m} came")


@case()
def chain_ranges_wrong(spool):
    """Ranges that do not add up to count, with a chain, without any, or that the
    runs do not fit: refused, and nothing is stored."""
    child = Child(spool)
    child.connect()
    one = child.stream(1)
    batch = child.batch((one, 5))
    one.stored.clear()
    for bad in (
        wire.ranges((1, 1, 4)),
        wire.ranges((1, 1, 6)),
        wire.ranges(),
        wire.varint(1) + bytes(32) + wire.varint(1) + wire.varint(5) + batch.ranges[1:],
        wire.ranges((1, 1, 2), (1, 3, 3)),
        batch.ranges + b"\0",
        b"",
    ):
        child.send(batch, ranges=bad)
        m = child.link.receive()
        check(m and m.kind in ("ERROR", "CHAIN_NACK"), f"{bad.hex()}: {m} came")
        child.link.close()
        check(intervals(child.connect(next_rec=6)) == [], "it was stored")
        child.define(1, one)


@case()
def chain_intervals_1024(spool):
    """1,024 intervals of a child are kept; what would make one more is LATER
    until gaps are filled."""
    child = Child(spool)
    child.connect(next_rec=10**6)
    one = child.stream(1)
    sent = []
    for n in range(1024):
        sent.append(child.batch((one, 1), first=1 + 2 * n))
        child.send(sent[-1])
        if len(sent) == 16:
            child.acked(*((b.first, b.to) for b in sent))
            sent = []
    held = child.batch((one, 1), first=5001)
    child.send(held)
    m = child.link.expect("CHAIN_NACK", 0, code="LATER")
    check(m.first_rec == 5001, f"{m}")
    child.link.send("SKIP", **{"from": 2, "count": 1, "reason": 1})
    child.acked((2, 3))
    child.send(held)
    child.acked((5001, 5002))
    child.link.close()
    check(child.connect(next_rec=10**6).n == 1024, "other than 1024 intervals")


@case()
def chain_and_agents_apart(spool):
    """What comes through a child is no reason to refuse the agent itself: the
    stream of the same agent is new to its own connection."""
    link, stream = spool.opened()
    child = Child(spool)
    child.origin = link.identity.uuid
    child.connect()
    twin = Stream(stream.name, epoch=secrets.token_bytes(16))
    spool.streams.append(twin)
    child.define(1, twin)
    child.deliver((twin, 5))
    own = Stream(stream.name, epoch=twin.epoch)
    m = link.open(own)
    check(m.flags & wire.NEW and m.last == 0, f"{m}")
    link.deliver(stream)


@case(alone=True)
def chain_credit(spool):
    """A child that goes far beyond its window while nothing is acknowledged gets
    ERROR CREDIT, with batches as with SKIPs; the spool goes on, and nothing is
    stored twice."""
    for what in ("batches", "skips"):
        child = Child(spool)
        child.connect()
        batch = child.deliver((child.stream(1), 3))
        skip = wire.message("SKIP", **{"from": 1, "count": 3, "reason": 1})
        sent = batch.frame() if what == "batches" else skip
        with spool.stopped("keeper"):
            for _ in range(max(72, child.link.credit[1] + 8) + 1):
                child.link.send_bytes(sent)
            child.link.expect_error("CREDIT")
        check([i[:2] for i in intervals(child.connect())] == [(1, 4)], "not as before")
        child.deliver((child.stream(1), 3))


@case()
def chain_number_0(spool):
    """There is no record 0: CHAIN_DATA and SKIP of it end the connection, and
    hinder nobody else."""
    link, stream = spool.opened()
    link.deliver(stream)
    child = Child(spool)
    child.connect()
    one = child.stream(1)
    zero = ChainBatch(0, [b"a"], [(1, 1, 1, bytes(16))], [(0, 1)])
    child.link.send_bytes(zero.frame())
    child.link.expect_error("MALFORMED")
    child.connect()
    child.link.send("SKIP", **{"from": 0, "count": 3, "reason": 1})
    child.link.expect_error("MALFORMED")
    link.deliver(stream)
    link.alive()
    child.connect()
    child.define(1, one)
    child.deliver((one, 3))
