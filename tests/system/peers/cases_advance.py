# SPDX-License-Identifier: Apache-2.0
"""Cases of section 4.4: what the agent declares instead of sending it."""

import secrets

import agentlink_wire as wire
from agentlink_peer import case, check
from cases_streams import state_is


def advance(link, stream, first, to, reason=wire.LOST, head=None, **fields):
    """ADVANCE; the stream goes on behind it."""
    head = secrets.token_bytes(16) if head is None else head
    link.send(
        "ADVANCE",
        stream=stream.number,
        **{"from": first, "to": to, "reason": reason, "head": head, **fields},
    )
    if to >= stream.next:
        stream.next, stream.head = to + 1, head


@case()
def advance_lost(spool):
    """ADVANCE lost moves last and head, is acknowledged, and DATA goes on behind
    it, also after a reconnect."""
    link, stream = spool.opened()
    link.deliver(stream)
    advance(link, stream, 4, 8, text="outbox full")
    link.settled(stream)
    link.deliver(stream)
    advance(link, stream, stream.next, stream.next + 2**40)
    link.settled(stream)
    link.close()
    link = spool.link()
    state_is(link.open(stream), stream, new=False)
    link.deliver(stream)


@case()
def advance_corrupt(spool):
    """ADVANCE corrupt over a batch of which the agent's own copy is bad."""
    link, stream = spool.opened()
    link.deliver(stream)
    link.refused(stream, stream.batch(), "DIGEST", content_digest=bytes(32))
    advance(link, stream, 4, 6, wire.CORRUPT)
    link.settled(stream)
    link.deliver(stream)


@case()
def advance_acked_elsewhere(spool):
    """ADVANCE acked-elsewhere names the other spool."""
    link, stream = spool.opened()
    advance(
        link, stream, 1, 70, wire.ACKED_ELSEWHERE, spool=secrets.token_bytes(16)
    )
    link.settled(stream)
    link.deliver(stream)


@case()
def advance_acked_here(spool):
    """ADVANCE acked-here, after the spool has forgotten, is taken too."""
    link, stream = spool.opened()
    advance(link, stream, 1, 70, wire.ACKED_HERE)
    link.settled(stream)
    link.deliver(stream)
    state_is(spool.link().open(stream), stream, new=False)


@case()
def advance_behind(spool):
    """ADVANCE up to what the spool has is acknowledged and changes nothing."""
    link, stream = spool.opened()
    link.deliver(stream, 10)
    advance(link, stream, 3, 7)
    link.expect("ACK", stream.number, seq=10)
    advance(link, stream, 10, 10)
    link.expect("ACK", stream.number, seq=10)
    link.deliver(stream)
    state_is(spool.link().open(stream), stream, new=False)


@case()
def advance_over_the_end(spool):
    """ADVANCE from within what the spool has to beyond moves last."""
    link, stream = spool.opened()
    link.deliver(stream, 10)
    advance(link, stream, 5, 20)
    link.settled(stream)
    link.deliver(stream)


@case()
def advance_ends_a_gap(spool):
    """After NACK GAP an ADVANCE over what is missing makes the spool listen
    again."""
    link, stream = spool.opened()
    link.deliver(stream)
    missing = stream.batch(5)
    stream.next, stream.head = missing.last + 1, missing.head
    later = stream.new_batch()
    link.data(stream, later)
    link.expect("NACK", stream.number, code="GAP", resume_at=4)
    link.send(
        "ADVANCE",
        stream=stream.number,
        **{"from": 4, "to": 8, "reason": wire.LOST, "head": missing.head},
    )
    link.data(stream, later)
    link.settled(stream)


@case()
def advance_leaves_a_gap(spool):
    """ADVANCE that begins beyond the next number is refused as a gap."""
    link, stream = spool.opened()
    link.deliver(stream)
    link.send(
        "ADVANCE",
        stream=stream.number,
        **{"from": 10, "to": 12, "reason": wire.LOST, "head": stream.head},
    )
    m = link.expect("NACK", stream.number, code="GAP", resume_at=4)
    check(m.first_seq == 10 and m.head == stream.head, f"{m}")
    link.deliver(stream)


@case()
def advance_between_batches(spool):
    """DATA, ADVANCE and DATA sent at one go are taken in order."""
    link, stream = spool.opened()
    for n in range(20):
        link.data(stream, stream.new_batch(1 + n % 3))
        advance(link, stream, stream.next, stream.next + n)
    link.settled(stream)
    state_is(spool.link().open(stream), stream, new=False)


@case()
def advance_head_counts(spool):
    """The head that ADVANCE carries is the one that the next batch must name."""
    link, stream = spool.opened()
    before = stream.head
    advance(link, stream, 1, 5)
    link.settled(stream)
    link.refused(stream, stream.batch(prev_head=before), "FORK")
    link.data(stream, stream.new_batch())
    link.settled(stream)


@case()
def advance_forms(spool):
    """ADVANCE with from 0, to below from, to past the end, or an unknown reason:
    ERROR MALFORMED."""
    for first, to, reason in (
        (0, 5, 1),
        (5, 4, 1),
        (1, 2**64 - 1, 1),
        (1, 5, 0),
        (1, 5, 5),
    ):
        link, stream = spool.opened()
        link.send(
            "ADVANCE",
            stream=stream.number,
            **{"from": first, "to": to, "reason": reason},
        )
        link.expect_error("MALFORMED")
