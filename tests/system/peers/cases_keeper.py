# SPDX-License-Identifier: Apache-2.0
"""Cases that look at the spool or hold its keeper still (--ctl)."""

import os
import signal
import time

import agentlink_wire as wire
from agentlink_peer import Unreachable, case, check, until
from cases_advance import advance
from cases_streams import state_is


@case(alone=True)
def keeper_repeats_not_stored(spool):
    """Repeats are counted as duplicate and not as stored."""
    link, stream = spool.opened()
    batch = link.deliver(stream, 10)
    until(lambda: spool.listener("stored") >= 10, "10 stored")
    stored, twice = spool.listener("stored"), spool.listener("duplicate")
    link.data(stream, batch)
    link.expect("ACK", stream.number, seq=10)
    until(lambda: spool.listener("duplicate") == twice + 10, "10 duplicate")
    check(spool.listener("stored") == stored, "a repeat was counted as stored")


@case(alone=True)
def keeper_waits_ack_repeated(spool):
    """While the disk is away, nothing new is acknowledged, the ACK is repeated
    unchanged every 5 s, PING is answered, and all is acknowledged afterwards."""
    link, stream = spool.opened()
    link.deliver(stream)
    with spool.stopped("keeper"):
        link.data(stream, stream.new_batch())
        began, seen = time.monotonic(), []
        while len(seen) < 3 and time.monotonic() - began < 20:
            m = link.receive(20)
            if m.kind == "ACK":
                check(m.seq == 3, f"{m}: not durable yet")
                seen.append(time.monotonic() - began)
        check(len(seen) == 3, f"ACKs after {seen}")
        gaps = [b - a for a, b in zip(seen, seen[1:])]
        check(all(4 <= g <= 6.5 for g in gaps), f"ACKs after {seen}")
    link.settled(stream)


@case(alone=True)
def keeper_waits_credit(spool):
    """Who goes far beyond the window while nothing is acknowledged gets ERROR
    CREDIT; who keeps within is not cut off, and nothing is lost."""
    link, stream = spool.opened()
    link.deliver(stream)
    good, kept = spool.opened()
    good.deliver(kept)
    with spool.stopped("keeper"):
        for _ in range(max(72, link.credit[1] + 8) + 1):
            link.data(stream, stream.new_batch(1))
        link.expect_error("CREDIT")
        for _ in range(min(good.credit[1], 30)):
            good.data(kept, kept.new_batch(1))
        good.alive()
    good.settled(kept)
    link = spool.link()
    m = link.open(stream, next_seq=4)
    taken = len(stream.stored) - (stream.next - 1 - m.last)
    del stream.stored[taken:]


@case(alone=True)
def keeper_killed(spool):
    """Agents stay connected while the keeper is killed and comes back, and what
    they sent meanwhile is acknowledged, once."""
    link, stream = spool.opened()
    link.deliver(stream)
    pid = spool.role("keeper")
    with spool.stopped("keeper"):
        for _ in range(20):
            link.data(stream, stream.new_batch())
        link.alive()
        os.kill(pid, signal.SIGKILL)
    link.settled(stream, 30)
    for _ in range(5):
        link.deliver(stream)
    until(lambda: spool.role("keeper") != pid, "another keeper")
    state_is(spool.link().open(stream), stream, new=False)


@case(alone=True)
def keeper_killed_while_sending(spool):
    """The keeper is killed five times under load: every batch is acknowledged on
    the same connection."""
    link, stream = spool.opened()
    for _ in range(5):
        pid = spool.role("keeper")
        for n in range(30):
            link.data(stream, stream.new_batch())
            if n == 15:
                os.kill(pid, signal.SIGKILL)
        link.settled(stream, 30)
        until(lambda: spool.status()["ready"], "ready again", 30)
        link.alive()


@case(alone=True)
def keeper_away_open(spool):
    """STREAM_OPEN while the disk is away is answered once it is back."""
    link, stream = spool.link(), spool.stream()
    with spool.stopped("keeper"):
        link.send(
            "STREAM_OPEN", stream=1, epoch=stream.epoch, next_seq=1, name=stream.name
        )
        link.alive()
    stream.number = 1
    state_is(link.expect("STREAM_STATE", 1), stream, new=True)
    link.deliver(stream)


@case(alone=True)
def receiver_killed(spool):
    """A receiver that is killed comes back; what it acknowledged is there, what
    it did not is sent again and stored once."""
    link, stream = spool.opened()
    link.deliver(stream)
    batches = [stream.new_batch() for _ in range(20)]
    for batch in batches:
        link.data(stream, batch)
    os.kill(spool.role("receiver-0"), signal.SIGKILL)
    link.expect_end(30)
    got = link.acks.get(stream.number, 0)
    until(lambda: _connects(spool), "a new connection", 30)
    link = spool.link()
    m = link.open(stream, next_seq=4, acked=3, head=batches[0].fields["prev_head"])
    check(m.last >= got, f"{m}: {got} was acknowledged")
    for batch in batches:
        if batch.first > m.last:
            link.data(stream, batch)
    link.expect_ack(stream.number, stream.next - 1)


def _connects(spool):
    try:
        spool.connect().close()
        return True
    except Unreachable:
        return False


@case(alone=True)
def keeper_alarms(spool):
    """FORK and ROLLBACK show as warnings of the status."""
    link, stream = spool.opened()
    link.deliver(stream)
    link.refused(stream, stream.batch(prev_head=b"\1" * 16), "FORK")
    advance(link, stream, 4, 9, wire.ACKED_HERE)
    link.settled(stream)

    def shown():
        text = str(spool.status().get("warnings", "")).upper()
        return "FORK" in text and "ROLLBACK" in text

    until(shown, "warnings of FORK and ROLLBACK")
