# SPDX-License-Identifier: Apache-2.0
"""Cases of sections 4.2, 4.3 and 6: what a batch may be, and what not."""

import secrets
import struct

import zstandard

import agentlink_wire as wire
from agentlink_peer import case, check

MIB = 1 << 20


def refused_then_good(spool, code, **changed):
    """A batch with this changed is refused; the good one is taken after it."""
    link, stream = spool.opened()
    link.deliver(stream)
    batch = stream.batch()
    link.refused(stream, batch, code, **changed)
    link.data(stream, stream.take(batch))
    link.settled(stream)


def packed_as(spool, raw, payload, code, raw_len=None):
    """These bytes as codec 1 are refused with this code."""
    link, stream = spool.opened()
    batch = stream.batch()
    raw_len = len(raw) if raw_len is None else raw_len
    link.refused(stream, batch, code, payload=payload, raw_len=raw_len, codec=1)
    link.deliver(stream)


def usual(spool):
    """Some columns, for cases that spoil the packing."""
    return wire.columns(spool.stream().records(50))


@case()
def data_raw_and_packed(spool):
    """Batches go raw and as zstd of any level, with and without a checksum."""
    link, stream = spool.opened()
    link.deliver(stream, packed=False)
    for level in (-5, 1, 3, 9, 19):
        batch = stream.new_batch(100)
        raw = wire.columns(batch.records)
        packed = wire.zstd(raw, level, write_checksum=level % 2 == 0)
        link.data(stream, batch, payload=packed)
    link.settled(stream)


@case()
def data_any_bytes(spool):
    """Records may be empty, and hold any bytes."""
    link, stream = spool.opened()
    everything = bytes(range(256)) * 3
    link.deliver(stream, [b"%s 1 " % stream.name.encode() + everything])
    link.deliver(stream, [f"{stream.name} {n}\r\n\x1a\0".encode() for n in range(9)])
    link.deliver(stream, [b""], packed=False)
    link.deliver(stream, [b"", stream.name.encode() + b" last", b""])


@case()
def data_times_severities_path(spool):
    """Receive times, event times, severities, paths and flags are taken."""
    link, stream = spool.opened()
    batch = stream.batch(4)
    raw = wire.columns(batch.records, received=[0, 5, 3, -2], events=[9, 0, 1, 2**40])
    stream.take(batch)
    link.data(
        stream,
        batch,
        payload=wire.zstd(raw),
        raw_len=len(raw),
        event_min_ns=10**18,
        event_max_ns=10**18 + 2**40,
        severities=0xFF,
        flags=0x0C,
        path=b"/var/log/\xff\x00 \n.log",
    )
    link.settled(stream)
    link.deliver(stream, path="/" + "p" * 4095)


@case()
def data_values_not_allowed(spool):
    """Values that the document does not allow in DATA: MALFORMED, as NACK or as
    the end; nothing is stored."""
    for changed in (
        {"first_seq": 0},
        {"count": 0},
        {"first_seq": 2**64 - 2},
        {"flags": 0x01},
        {"flags": 0x80},
        {"severities": 0x100},
        {"path": b"p" * 4097},
    ):
        link, stream = spool.opened()
        link.data(stream, stream.batch(), **changed)
        m = link.receive()
        allowed = ("MALFORMED", "GAP") if "first_seq" in changed else ("MALFORMED",)
        check(m and m.kind in ("ERROR", "NACK"), f"{changed}: {m} came")
        check(m.code_name in allowed, f"{changed}: {m}")
        link.close()
        check(spool.link().open(stream).last == 0, f"{changed}: it was stored")


@case()
def digest_wrong(spool):
    """A content digest that does not match: NACK DIGEST, nothing is stored, and
    the good batch is taken afterwards."""
    refused_then_good(spool, "DIGEST", content_digest=secrets.token_bytes(32))


@case()
def digest_wrong_thrice(spool):
    """A digest that is wrong again and again is refused each time."""
    link, stream = spool.opened()
    batch = stream.batch()
    for _ in range(3):
        link.refused(stream, batch, "DIGEST", content_digest=bytes(32))
    link.close()
    link = spool.link()
    check(link.open(stream).last == 0, "something was stored")
    link.deliver(stream)


@case()
def digest_before_head(spool):
    """Digest and head both wrong: DIGEST comes first."""
    wrong = {"content_digest": bytes(32), "prev_head": b"\1" * 16}
    refused_then_good(spool, "DIGEST", **wrong)


@case()
def count_wrong(spool):
    """A count that is not that of the columns: NACK MALFORMED."""
    for count in (1, 2, 4, 1000):
        refused_then_good(spool, "MALFORMED", count=count)


@case()
def raw_len_wrong(spool):
    """A raw_len that is not that of the columns: NACK MALFORMED."""
    link, stream = spool.opened()
    for packed in (True, False):
        batch = stream.batch(packed=packed)
        for raw_len in (0, batch.fields["raw_len"] - 1, batch.fields["raw_len"] + 1):
            link.refused(stream, batch, "MALFORMED", raw_len=raw_len)
    link.deliver(stream)


@case()
def codec_unknown(spool):
    """A codec that was not announced: NACK UNSUPPORTED."""
    for codec in (2, 9, 255):
        refused_then_good(spool, "UNSUPPORTED", codec=codec)


@case()
def payload_empty_or_rubbish(spool):
    """No payload, or rubbish, raw or packed: NACK MALFORMED."""
    for codec in (0, 1):
        for payload in (b"", b"x", secrets.token_bytes(100)):
            refused_then_good(
                spool, "MALFORMED", payload=payload, codec=codec, raw_len=len(payload)
            )


@case()
def zstd_cut_off(spool):
    """A zstd frame that is cut off: NACK MALFORMED."""
    raw = usual(spool)
    packed = wire.zstd(raw)
    for size in (1, 4, 6, len(packed) // 2, len(packed) - 1):
        packed_as(spool, raw, packed[:size], "MALFORMED")


@case()
def zstd_trailing_bytes(spool):
    """Bytes behind the frame, a second frame, a skippable one in front or
    behind: NACK MALFORMED."""
    raw = usual(spool)
    skippable = struct.pack("<II", 0x184D2A50, 4) + b"skip"
    packed = wire.zstd(raw)
    for bad in (
        packed + b"\0",
        packed + wire.zstd(b""),
        wire.zstd(b"") + packed,
        skippable + packed,
        packed + skippable,
        wire.zstd(raw[:40]) + wire.zstd(raw[40:]),
    ):
        packed_as(spool, raw, bad, "MALFORMED")


@case()
def zstd_no_content_size(spool):
    """A frame without content size, or with another one: NACK MALFORMED."""
    raw = usual(spool)
    streamed = zstandard.ZstdCompressor().compressobj()
    packed_as(spool, raw, streamed.compress(raw) + streamed.flush(), "MALFORMED")
    packed_as(spool, raw, wire.zstd(raw + b"\0"), "MALFORMED")
    packed_as(spool, raw, wire.zstd(raw[:-1]), "MALFORMED")


@case()
def zstd_dictionary(spool):
    """A frame that names a dictionary: NACK MALFORMED."""
    raw = usual(spool)
    samples = [b"%d agentlink records %d" % (n * n, n) * 9 for n in range(900)]
    words = zstandard.train_dictionary(2048, samples)
    packed_as(spool, raw, wire.zstd(raw, dict_data=words), "MALFORMED")


@case()
def zstd_checksum_wrong(spool):
    """A wrong checksum at the end of the frame: NACK MALFORMED."""
    raw = usual(spool)
    packed = bytearray(wire.zstd(raw, write_checksum=True))
    packed[-1] ^= 1
    packed_as(spool, raw, bytes(packed), "MALFORMED")


@case()
def zstd_bits_turned(spool):
    """A frame with any byte changed is refused or unpacks to other records, and
    is never stored."""
    link, stream = spool.opened()
    batch = stream.batch(20)
    for at in range(0, len(batch.payload), 3):
        bad = bytearray(batch.payload)
        bad[at] ^= 0x55
        link.refused(stream, batch, "MALFORMED", "DIGEST", payload=bytes(bad))
    link.data(stream, stream.take(batch))
    link.settled(stream)


def bomb(size, window_log=0):
    """A frame of zeros, made of RLE blocks of 128 KiB: ever so small."""
    out = bytearray(b"\x28\xb5\x2f\xfd")
    if window_log:
        out += bytes([0x80, (window_log - 10) << 3]) + struct.pack("<I", size)
    else:
        out += b"\xa0" + struct.pack("<I", size)  # single segment
    while size:
        now = min(size, 128 << 10)
        size -= now
        head = now << 3 | 1 << 1 | (0 if size else 1)
        out += struct.pack("<I", head)[:3] + b"\0"
    return bytes(out)


@case()
def zstd_bombs(spool):
    """Bombs are refused before they are unpacked: more than 1,000 times smaller
    than raw_len, and raw_len above the limit."""
    packed_as(spool, b"", bomb(8 * MIB), "TOO_LARGE", raw_len=8 * MIB)
    packed_as(spool, b"", bomb(MIB + 1), "TOO_LARGE", raw_len=MIB + 1)
    packed_as(spool, b"", bomb(9 * MIB + 1), "TOO_LARGE", raw_len=9 * MIB + 1)
    packed_as(spool, b"", bomb(1 << 30), "TOO_LARGE", raw_len=1 << 30)
    packed_as(spool, b"", bomb(1 << 30), "MALFORMED", raw_len=1000)
    packed_as(spool, b"", wire.zstd(bytes(8 * MIB)), "TOO_LARGE", raw_len=8 * MIB)


@case()
def zstd_window(spool):
    """A window above 8 MiB is refused, whatever the content's size; 8 MiB is
    taken."""
    for log in (24, 27, 31, 41):
        packed_as(spool, b"", bomb(1000, log), "TOO_LARGE", raw_len=1000)
    link, stream = spool.opened()
    records = [secrets.token_bytes(600) for _ in range(10)]
    batch = stream.new_batch(records)
    raw = wire.columns(records)
    packed = b"\x28\xb5\x2f\xfd\x80" + bytes([(23 - 10) << 3])
    packed += struct.pack("<I", len(raw))
    packed += struct.pack("<I", len(raw) << 3 | 1)[:3] + raw  # one raw block
    link.data(stream, batch, payload=packed)
    link.settled(stream)


@case()
def record_of_1_mib(spool):
    """A record of 1 MiB less one, and of 1 MiB, is taken; one byte more is
    TOO_LARGE, raw or packed."""
    link, stream = spool.opened()
    some = secrets.token_hex(1000).encode()  # no more than 1,000 times smaller
    text = b"".join(b"%d %s " % (n, some) for n in range(MIB // 2000))[: MIB + 1]
    link.deliver(stream, [text[: MIB - 1]])
    link.deliver(stream, [text[:MIB]])
    link.deliver(stream, [text[:MIB]], packed=False)
    for packed in (True, False):
        batch = stream.batch([b"before", text, b"after"], packed)
        link.refused(stream, batch, "TOO_LARGE")
    link.deliver(stream)


@case()
def records_10000(spool):
    """10,000 records in a batch are taken, one more is TOO_LARGE."""
    link, stream = spool.opened()
    link.deliver(stream, 10000)
    link.refused(stream, stream.batch(10001), "TOO_LARGE")
    link.deliver(stream)


@case()
def raw_of_8_mib(spool):
    """Records of 8 MiB together are taken, one byte more is TOO_LARGE."""
    link, stream = spool.opened()
    some = (stream.name.encode() + secrets.token_bytes(40)).ljust(100, b"-")
    # Some of it is random, so that it is not 1,000 times smaller packed.
    records = [some * 8192 + secrets.token_bytes(9000) for _ in range(10)]
    left = 8 * MIB - sum(map(len, records))
    records.append(some * (left // 100) + b"e" * (left % 100))
    check(sum(map(len, records)) == 8 * MIB, "the test is wrong")
    link.deliver(stream, records)
    link.refused(stream, stream.batch([*records, b"1"]), "TOO_LARGE")
    link.deliver(stream)


@case()
def columns_not_well_formed(spool):
    """Columns that break any rule of section 6.1: NACK MALFORMED, raw or
    packed."""
    link, stream = spool.opened()
    good = wire.columns(stream.records(3))
    bytes_len, lens_len = struct.unpack_from("<II", good, 8)
    lens = 32 + bytes_len
    runs = lens + lens_len

    def put(at, *values):
        return good[:at] + bytes(values) + good[at + len(values) :]

    def grown(at, more, field):
        size = struct.unpack_from("<I", good, field)[0]
        bad = bytearray(good[:at] + more + good[at:])
        struct.pack_into("<I", bad, field, size + len(more))
        return bytes(bad)

    several = [
        put(0, 0),
        put(0, 2),
        put(1, 4),
        put(1, 1),
        put(1, 2),
        put(2, 1),
        put(4, 2),
        put(4, 0),
        put(28, 1),
        put(20, 1),
        put(lens, good[lens] + 1),
        put(lens, good[lens] - 1),
        put(runs, 1),
        put(runs + 1, 2),
        put(runs + 1, 4),
        good + b"\0",
        good[:-1],
        good[:31],
        grown(lens, b"x", 8),
        grown(runs, b"\0", 12),
        grown(len(good), b"\0\0", 16),
        grown(len(good), b"\0\1", 16),
        grown(len(good), b"\0", 20),
        good[: runs + 1] + b"\x83\0",
    ]
    for n, bad in enumerate(several):
        packed = n % 2 == 1
        link.refused(
            stream,
            stream.batch(),
            "MALFORMED",
            payload=wire.zstd(bad) if packed else bad,
            codec=int(packed),
            raw_len=len(bad),
        )
    link.deliver(stream)


@case()
def columns_time_forms(spool):
    """Time columns with too few, too many or cut off deltas: NACK MALFORMED."""
    link, stream = spool.opened()
    records = stream.records(3)
    for times in ([1, 2], [1, 2, 3, 4], [1, 2, 2**70]):
        for column in ("received", "events"):
            bad = wire.columns(records, **{column: times})
            link.refused(
                stream,
                stream.batch(),
                "MALFORMED",
                payload=bad,
                codec=0,
                raw_len=len(bad),
            )
    link.deliver(stream)
