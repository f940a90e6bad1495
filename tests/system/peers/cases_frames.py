# SPDX-License-Identifier: Apache-2.0
"""Cases of section 3 and of the messages that belong to no stream."""

import secrets
import struct
import time

import agentlink_wire as wire
from agentlink_peer import Failed, case, check


@case()
def frame_check_wrong(spool):
    """A header whose check is wrong: ERROR MALFORMED."""
    for good in (wire.message("PING", t1=1), wire.message("CREDIT")):
        link = spool.link()
        link.send_bytes(good[:6] + bytes([good[6] ^ 1]) + good[7:])
        link.expect_error("MALFORMED")


@case()
def frame_crc_wrong(spool):
    """A payload whose crc is wrong: ERROR MALFORMED; nothing of it is stored."""
    link, stream = spool.opened()
    batch = bytearray(stream.batch().frame(stream.number))
    batch[-1] ^= 1
    link.send_bytes(bytes(batch))
    link.expect_error("MALFORMED")
    link = spool.link()
    check(link.open(stream).last == 0, "something was stored")
    link.send_bytes(wire.frame(200, b"", crc=1))
    link.expect_error("MALFORMED")


@case()
def frame_every_header_bit(spool):
    """Any one bit of a frame header that is turned is found."""
    good = wire.message("PING", t1=1)
    for bit in (0, 31, 32, 39, 40, 47, 48, 63, 64, 95, 96, 127):
        bad = bytearray(good)
        bad[bit // 8] ^= 0x80 >> bit % 8
        link = spool.link()
        link.send_bytes(bytes(bad) + bytes(64))
        link.expect_error("MALFORMED", "TOO_LARGE")


@case()
def frame_over_max_frame(spool):
    """A length above max_frame is TOO_LARGE as soon as the header is there."""
    link = spool.link()
    size = link.hello_ok.max_frame + 1
    link.send_bytes(wire.frame(200, b"", length=size, crc=0))
    link.expect_error("TOO_LARGE")
    link = spool.link(hello=False)
    link.send_bytes(wire.frame(1, b"", length=(2 << 20) + 1, crc=0))
    link.expect_error("TOO_LARGE")


@case()
def frame_of_max_frame(spool):
    """A frame of exactly max_frame bytes is taken, DATA too."""
    link, stream = spool.opened()
    link.send_bytes(wire.frame(201, bytes(link.hello_ok.max_frame)))
    link.alive()
    records = stream.records(3, size=600000)
    for _ in range(2):
        batch = stream.batch(records, packed=False)
        frame = batch.frame(stream.number)
        over = len(frame) - 16 - link.hello_ok.max_frame
        records[2] = records[2][:-over] if over > 0 else records[2] + b"." * -over
    check(len(frame) == 16 + link.hello_ok.max_frame, "the test is wrong")
    stream.take(batch)
    link.send_bytes(frame)
    link.settled(stream)


@case()
def frame_unknown_ignored(spool):
    """Unknown types and GREASE are skipped, at any place, also the reserved
    OFFER types and with flag bits that nobody knows."""
    link, stream = spool.opened()
    for kind in (0, 17, 18, 31, 99, 255, *wire.GREASE_TYPES):
        junk = secrets.token_bytes(secrets.randbelow(200))
        link.send_bytes(wire.frame(kind, junk, stream=secrets.randbelow(3)))
    link.send_bytes(wire.frame(0x5A, b"x", flags=0xFE))
    link.alive()
    link.deliver(stream)


@case()
def frame_grease_comes(spool):
    """Now and then the spool itself sends what has no meaning, and never marks
    it as critical."""
    link = spool.link()
    for _ in range(2000):
        if link.grease:
            return
        link.alive()
    raise Failed("nothing without a meaning came in 2,000 answers")


@case()
def frame_unknown_critical(spool):
    """An unknown type with CRITICAL: ERROR UNKNOWN_TYPE."""
    for kind in (17, 99, 0x5A):
        link = spool.link()
        link.send_bytes(wire.frame(kind, b"", flags=wire.CRITICAL))
        link.expect_error("UNKNOWN_TYPE")


@case()
def frame_known_critical(spool):
    """CRITICAL on a known type changes nothing."""
    link = spool.link()
    link.send("PING", critical=True, t1=5)
    link.expect("PONG", t1=5)


@case()
def tlvs_everywhere(spool):
    """Every message may have TLVs behind its fields; DATA before its payload."""
    link, stream = spool.link(), spool.stream()
    some = wire.tlv(0x0A0A, b"abc") + wire.tlv(0x0123)
    link.send(
        "STREAM_OPEN",
        stream=1,
        tlvs=some,
        epoch=stream.epoch,
        next_seq=1,
        name=stream.name,
    )
    stream.number = 1
    link.expect("STREAM_STATE", 1, code="OK")
    batch = stream.new_batch()
    link.send_bytes(batch.frame(1, tlvs=some))
    link.settled(stream)
    link.send("PING", tlvs=some, t1=3)
    link.expect("PONG", t1=3)
    link.send("STATUS", tlvs=some)
    link.send("STREAM_CLOSE", stream=1, tlvs=some)
    link.alive()


@case()
def tlvs_critical_refused(spool):
    """A critical TLV ends the connection with VERSION or MALFORMED, in PING and
    in DATA, which is not stored."""
    bad = wire.tlv(0x8123, b"abc")
    link, stream = spool.opened()
    link.send("PING", tlvs=bad, t1=3)
    link.expect_error("VERSION", "MALFORMED")
    link = spool.link()
    link.open(stream)
    link.send_bytes(stream.batch().frame(stream.number, tlvs=bad))
    link.expect_error("VERSION", "MALFORMED")
    check(spool.link().open(stream).last == 0, "it was stored")


@case()
def message_forms(spool):
    """Messages that are cut off, with a value that is not allowed or a flag that
    is not defined: ERROR MALFORMED."""
    for frame in (
        wire.frame(11, bytes(7)),
        wire.frame(3, bytes(20), stream=1),
        wire.message("STREAM_OPEN", stream=1, next_seq=0, name="x"),
        wire.message("STREAM_OPEN", stream=1, next_seq=1, name=""),
        wire.message("STREAM_OPEN", stream=1, next_seq=1, name="n" * 256),
        wire.message("STREAM_OPEN", stream=1, next_seq=1, name=b"\xff\xfe"),
        wire.message("STREAM_OPEN", stream=1, next_seq=1, name="a\tb"),
        wire.message("STREAM_OPEN", stream=0, next_seq=1, name="x"),
        wire.frame(16, bytes(31)),
        wire.frame(14, struct.pack(">HI", 0, 0)),
    ):
        link = spool.link()
        link.send_bytes(frame)
        link.expect_error("MALFORMED")


VALID = {
    "HELLO_OK": {"version": 1, "max_frame": 1 << 20, "max_records": 1},
    "STREAM_STATE": {"stream": 1},
    "ACK": {"stream": 1},
    "NACK": {"stream": 1, "code": 1, "first_seq": 1, "resume_at": 1},
}


@case()
def message_from_the_wrong_side(spool):
    """What only the spool may say is UNSUPPORTED from an agent."""
    for kind in ("HELLO_OK", "STREAM_STATE", "ACK", "NACK", "CREDIT", "DRAIN"):
        link, _ = spool.opened()
        link.send_bytes(wire.message(kind, **VALID.get(kind, {})))
        link.expect_error("UNSUPPORTED")


@case()
def ping_pong(spool):
    """PONG gives t1 back, with the times of the spool in between."""
    link = spool.link()
    began = time.time_ns()
    link.send("PING", t1=began)
    m = link.expect("PONG", 0, t1=began)
    check(began - 10**9 < m.t2 <= m.t3 < time.time_ns() + 10**9, f"{m}")
    link.send("PING", t1=-(2**63))
    link.expect("PONG", 0, t1=-(2**63))


@case()
def status_taken(spool):
    """STATUS is taken."""
    link = spool.link()
    link.send("STATUS", queued_records=12, queued_bytes=3456, oldest_ms=78, lost=1)
    link.alive()


@case()
def goodbye_ends(spool):
    """GOODBYE ends the connection without an error."""
    link, stream = spool.opened()
    link.deliver(stream)
    link.send("STREAM_CLOSE", stream=stream.number)
    link.send("GOODBYE", text="bye")
    while (m := link.receive()) is not None:
        check(m.kind in ("GOODBYE", "CREDIT", "ACK"), f"{m} came")
    check(link.ended == "closed", link.ended)


@case()
def error_from_agent(spool):
    """An ERROR that is not fatal changes nothing; a fatal one ends."""
    link, stream = spool.opened()
    code = wire.CODES["INTERNAL"]
    link.send("ERROR", code=code, fatal=0, text="only for the log")
    link.deliver(stream)
    link.send("ERROR", code=code, fatal=1, text="the end")
    link.expect_end()
