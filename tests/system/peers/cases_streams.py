# SPDX-License-Identifier: Apache-2.0
"""Cases of sections 4.1 to 4.3: opening, resuming, repeats, gaps, forks."""

import secrets

import agentlink_wire as wire
from agentlink_peer import Stream, case, check


def state_is(m, stream, new):
    """STREAM_STATE says where the stream stands."""
    check(m.code == 0, f"{m}")
    check(bool(m.flags & wire.NEW) == new, f"{m}: NEW is wrong")
    check(m.last == stream.next - 1, f"{m}: last is not {stream.next - 1}")
    check(m.head == stream.head, f"{m}: another head")


@case()
def open_new(spool):
    """A stream that the spool does not know is NEW, with last 0 and no head."""
    link, stream = spool.link(), spool.stream()
    state_is(link.open(stream), stream, new=True)


@case()
def open_new_at_500(spool):
    """A new stream starts where the agent says: at 500, with the head before."""
    link = spool.link()
    stream = spool.stream(first=500, head=secrets.token_bytes(16))
    state_is(link.open(stream), stream, new=True)
    link.deliver(stream)
    link.close()
    state_is(spool.link().open(stream), stream, new=False)


@case()
def resume_after_reconnect(spool):
    """After a reconnect STREAM_STATE has the last durable sequence and its head,
    and the stream goes on there."""
    link, stream = spool.opened()
    link.deliver(stream, 100)
    link.deliver(stream, 80)
    link.close()
    link = spool.link()
    state_is(link.open(stream), stream, new=False)
    link.deliver(stream)


@case()
def resume_without_ack_read(spool):
    """What was sent and not yet acknowledged is there whole or not at all after
    a reconnect, and is completed without repeats."""
    link, stream = spool.opened()
    batches, heads = [], {0: stream.head}
    for _ in range(20):
        batches.append(stream.new_batch(10))
        heads[stream.next - 1] = stream.head
        link.data(stream, batches[-1])
    link.close()
    link = spool.link()
    m = link.open(stream)
    check(m.last in heads and m.head == heads[m.last], f"{m}: inside a batch")
    for batch in batches:
        if batch.first > m.last:
            link.data(stream, batch)
    link.expect_ack(stream.number, stream.next - 1)


@case()
def repeat_acknowledged(spool):
    """A batch that is stored already is acknowledged and not stored again."""
    link, stream = spool.opened()
    batches = [link.deliver(stream) for _ in range(3)]
    link.close()
    link = spool.link()
    link.open(stream)
    for batch in batches:
        link.data(stream, batch)
    link.expect("ACK", stream.number, seq=stream.next - 1)
    link.deliver(stream)


@case()
def many_repeats_at_once(spool):
    """Repeats and new batches mixed on one connection keep their order."""
    link, stream = spool.opened()
    old = link.deliver(stream)
    for _ in range(10):
        link.data(stream, old)
        link.data(stream, stream.new_batch())
        link.data(stream, old)
    link.settled(stream)


@case()
def gap_refused(spool):
    """A gap gets NACK GAP with resume_at and head; later DATA is ignored until
    one comes with first_seq = resume_at."""
    link, stream = spool.opened()
    link.deliver(stream)
    held = stream.new_batch()
    later = [stream.new_batch() for _ in range(3)]
    link.data(stream, later[0])
    m = link.expect("NACK", stream.number, code="GAP")
    check(m.first_seq == later[0].first, f"{m}: first_seq")
    check(m.resume_at == held.first, f"{m}: resume_at")
    check(m.head == held.fields["prev_head"], f"{m}: head")
    link.data(stream, later[1])
    link.data(stream, later[2])
    link.alive()
    for batch in (held, *later):
        link.data(stream, batch)
    link.settled(stream)


@case()
def gap_of_a_new_stream(spool):
    """A stream that said it begins at 1 cannot begin at 9."""
    link, stream = spool.opened()
    ahead = Stream(stream.name, 9, epoch=stream.epoch)
    link.send_bytes(ahead.batch().frame(stream.number))
    m = link.expect("NACK", stream.number, code="GAP", resume_at=1)
    check(m.head == wire.ZERO_HEAD, f"{m}: head")
    link.deliver(stream)


@case()
def fork_refused(spool):
    """The next batch with another previous head: NACK FORK, not stored; the
    agent goes on under a new epoch."""
    link, stream = spool.opened()
    link.deliver(stream)
    batch = stream.batch(prev_head=secrets.token_bytes(16))
    link.refused(stream, batch, "FORK")
    again = spool.new_epoch(stream)
    state_is(link.open(again), again, new=True)
    link.deliver(again)


@case()
def fork_of_a_clone(spool):
    """Two machines with one history: the second's own batch is refused as FORK,
    and the first goes on."""
    link, stream = spool.opened()
    link.deliver(stream)
    clone = Stream(stream.name, stream.next, stream.head, stream.epoch)
    link.deliver(stream)
    clone.new_batch([b"of the clone"] * 3)
    other = spool.link()
    other.send(
        "STREAM_OPEN",
        stream=1,
        epoch=clone.epoch,
        next_seq=clone.next,
        head=clone.head,
        name=clone.name,
    )
    state_is(other.expect("STREAM_STATE", 1), stream, new=False)
    other.send_bytes(clone.batch().frame(1))
    m = other.expect("NACK", 1, code="FORK", resume_at=stream.next)
    check(m.head == stream.head, f"{m}: another head")
    other.close()
    link.send("STREAM_CLOSE", stream=stream.number)
    link.open(stream)
    link.deliver(stream)


@case()
def partial_overlap_refused(spool):
    """A batch that is stored in part: NACK PARTIAL with resume_at."""
    link, stream = spool.opened()
    link.deliver(stream, 5)
    over = Stream(stream.name, 3, epoch=stream.epoch).batch(6)
    link.send_bytes(over.frame(stream.number))
    m = link.expect("NACK", stream.number, code="PARTIAL")
    check(m.first_seq == 3 and m.resume_at == 6, f"{m}")
    check(m.head == stream.head, f"{m}: another head")
    link.deliver(stream)


@case()
def sequence_before_content(spool):
    """The sequence is judged before form, digest and head."""
    link, stream = spool.opened()
    link.deliver(stream, 5)
    ahead = Stream(stream.name, 20, epoch=stream.epoch).batch()
    link.send_bytes(
        ahead.frame(stream.number, content_digest=bytes(32), payload=b"rubbish")
    )
    link.expect("NACK", stream.number, code="GAP", resume_at=6)


@case()
def data_not_open(spool):
    """DATA, ADVANCE and STREAM_CLOSE on a stream that is not open: NOT_OPEN."""
    for message in (
        Stream("nobody").batch().frame(7),
        wire.message("ADVANCE", stream=7, **{"from": 1, "to": 2, "reason": 1}),
        wire.message("STREAM_CLOSE", stream=7),
    ):
        link, _ = spool.opened()
        link.send_bytes(message)
        link.expect_error("NOT_OPEN")


@case()
def data_before_stream_state(spool):
    """DATA right behind STREAM_OPEN, before its answer, is NOT_OPEN, or the
    answer was faster."""
    link, stream = spool.link(), spool.stream()
    batch = stream.batch()
    opening = wire.message(
        "STREAM_OPEN", stream=1, epoch=stream.epoch, next_seq=1, name=stream.name
    )
    link.send_bytes(opening + batch.frame(1))
    m = link.receive()
    if m.kind == "STREAM_STATE":
        m = link.receive()
    if m.kind == "ACK":
        stream.take(batch)
        return
    check(m.kind == "ERROR" and m.code_name == "NOT_OPEN", f"{m} came")
    link.expect_end()


@case()
def stream_numbers(spool):
    """Numbers go from 1 to 1,024: 0 is MALFORMED, 1,025 gets STREAM_LIMIT and
    leaves the others alone."""
    link = spool.link()
    last, over = spool.stream(label="-1024"), spool.stream(label="-1025")
    check(link.open(last, 1024).code == 0, "1024 was refused")
    m = link.open(over, 1025)
    check(m.code_name == "STREAM_LIMIT", f"{m}")
    check(m.last == 0 and m.head == wire.ZERO_HEAD, f"{m}: the rest is not zero")
    link.deliver(last)
    link.send_bytes(over.batch().frame(1025))
    link.expect_error("NOT_OPEN")


@case()
def stream_open_twice(spool):
    """Opening a number that is open: ERROR MALFORMED."""
    link, stream = spool.opened()
    link.send("STREAM_OPEN", stream=stream.number, next_seq=1, name="another")
    link.expect_error("MALFORMED")


@case()
def stream_number_again(spool):
    """A number is free again once STREAM_CLOSE was sent."""
    link, stream = spool.opened()
    link.deliver(stream)
    for n in range(5):
        link.send("STREAM_CLOSE", stream=stream.number)
        other = spool.stream(label=f"-{n}")
        state_is(link.open(other, stream.number), other, new=True)
        link.deliver(other)


@case()
def stream_closed(spool):
    """After STREAM_CLOSE DATA is NOT_OPEN; the stream can be opened again, also
    after FINAL."""
    for flags in (0, wire.FINAL):
        link, stream = spool.opened()
        link.deliver(stream)
        link.send("STREAM_CLOSE", stream=stream.number, flags=flags)
        state_is(link.open(stream), stream, new=False)
        link.send("STREAM_CLOSE", stream=stream.number)
        link.data(stream, stream.batch())
        link.expect_error("NOT_OPEN")


@case()
def streams_1024_open(spool):
    """1,024 streams may be open at a time, opened all at once."""
    link = spool.link()
    streams = [spool.stream(label=f"-{n}") for n in range(1024)]
    link.send_bytes(
        b"".join(
            wire.message(
                "STREAM_OPEN", stream=n, epoch=s.epoch, next_seq=1, name=s.name
            )
            for n, s in enumerate(streams, 1)
        )
    )
    answered = set()
    for _ in streams:
        m = link.expect("STREAM_STATE", code="OK")
        answered.add(m.stream)
    check(answered == set(range(1, 1025)), "not every stream was answered")
    for number in (1, 500, 1024):
        stream = streams[number - 1]
        stream.number = number
        link.deliver(stream)


@case()
def names_are_any_text(spool):
    """Names of 255 bytes, in Japanese, with slashes and stars are taken."""
    link = spool.link()
    for name in ("n" * 255, "支店/ログ/*.log", " ", "/var/log/*.log"):
        stream = spool.stream()
        stream.name = (name + stream.name[-8:]) if len(name) < 200 else name
        state_is(link.open(stream), stream, new=True)
        link.deliver(stream)


@case()
def streams_of_two_agents(spool):
    """The same stream name and epoch of another agent is another stream."""
    link, stream = spool.opened()
    link.deliver(stream)
    other = spool.issue("URI:spool:agent:33333333-3333-4333-8333-333333333333")
    other.uuid = type(other.uuid)("33333333-3333-4333-8333-333333333333")
    twin = Stream(stream.name, epoch=stream.epoch)
    state_is(spool.link(other).open(twin), twin, new=True)


@case()
def interleaved_streams(spool):
    """DATA of many streams may be mixed; each keeps its order."""
    link = spool.link()
    streams = [spool.stream(label=f"-{n}") for n in range(8)]
    for stream in streams:
        link.open(stream)
    for n in range(6):
        for stream in streams:
            link.data(stream, stream.new_batch(1 + (n + stream.number) % 4))
    for stream in streams:
        link.settled(stream)


@case()
def epochs_the_8_newest(spool):
    """The 8 newest epochs of a name are kept; the 9th lets the oldest go."""
    link = spool.link()
    stream = spool.stream()
    epochs = [stream] + [spool.new_epoch(stream) for _ in range(8)]
    for one in epochs:
        state_is(link.open(one), one, new=True)
        link.deliver(one)
        link.send("STREAM_CLOSE", stream=one.number)
    for one in epochs[1:]:
        state_is(link.open(one), one, new=False)
        link.send("STREAM_CLOSE", stream=one.number)
    state_is(link.open(epochs[0]), epochs[0], new=True)


@case()
def newer_connection_has_the_stream(spool):
    """A stream belongs to the connection that opened it last; from the earlier
    one what carries on exactly, or is stored, is still taken."""
    old, stream = spool.opened()
    first = old.deliver(stream)
    number = stream.number
    new = spool.link()
    state_is(new.open(stream, 9), stream, new=False)
    old.send_bytes(first.frame(number))
    old.alive()
    batch = stream.new_batch()
    old.send_bytes(batch.frame(number))
    old.expect_ack(number, stream.next - 1)
    new.data(stream, batch)
    new.settled(stream)
    new.deliver(stream)


@case()
def credit_respected(spool):
    """500 batches within the window go through, and the window comes back."""
    link, stream = spool.opened()
    sizes = []
    for n in range(500):
        batch = stream.new_batch(1 + n % 7)
        size = len(batch.frame(1)) - 16
        while sizes and (
            sum(s for _, s in sizes) + size > link.credit[0]
            or len(sizes) + 1 > link.credit[1]
        ):
            link.expect("ACK", stream.number)
            done = link.acks[stream.number]
            sizes = [(last, s) for last, s in sizes if last > done]
        link.data(stream, batch)
        sizes.append((batch.last, size))
    link.settled(stream)
    check(link.credit[0] and link.credit[1], f"the window is {link.credit}")
