# SPDX-License-Identifier: Apache-2.0
"""agentlink_wire - the bytes of agentlink, from its document alone.

Messages and codes are not typed in here: they are read from the lines of
doc/protocol-agentlink.md, so that what the cases test is what is written.
Frames, columns, ranges, digests and heads are written by hand from the same
page, doc/format-batch.md and doc/format-digest.md.  Nothing here does I/O but
the reading of the page.
"""

import hashlib
import pathlib
import re
import struct

import zstandard

PAGE = pathlib.Path(__file__).resolve().parents[3] / "doc/protocol-agentlink.md"

CRITICAL = 0x01
NEW = 0x01
FINAL = 0x01
GREASE_TYPES = range(0x5A, 0x100, 0x10)
GREASE_TLVS = range(0x0A0A, 0x8000, 0x1010)
ZERO_HEAD = bytes(16)
LOST, ACKED_HERE, ACKED_ELSEWHERE, CORRUPT = 1, 2, 3, 4


class Malformed(Exception):
    """Bytes that the document does not allow."""


# ---- the page ----

FIELD = r"[a-z0-9_]+ (?:u8|u16|u32|u64|i64|bool|\d+ bytes|(?:string|text) \d+)"


def _messages(page):
    """NAME -> (type, [(field, form)])."""
    found = {}
    line = re.compile(rf"^    ([A-Z_]+) (\d+): ({FIELD}(?:, {FIELD})*)$", re.M)
    for name, number, fields in line.findall(page):
        found[name] = (
            int(number),
            [tuple(f.split(" ", 1)) for f in fields.split(", ")],
        )
    return found


def _codes(page):
    """NAME -> number, from the table of section 7."""
    table = page.split("## 7. Codes")[1].split("## 8.")[0]
    rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", table, re.M)
    return {name: int(number) for number, name in rows}


_TEXT = PAGE.read_text(encoding="utf-8")
MESSAGES = _messages(_TEXT)
CODES = _codes(_TEXT)
NAMES = {number: name for name, (number, _) in MESSAGES.items()}
CODE_NAMES = {number: name for name, number in CODES.items()}
WITH_PAYLOAD = ("DATA", "CHAIN_DATA")


# ---- CRC32C ----


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC = _crc_table()


def crc32c(data):
    crc, table = 0xFFFFFFFF, _CRC
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# ---- fields ----

_FIXED = {
    "u8": ">B",
    "u16": ">H",
    "u32": ">I",
    "u64": ">Q",
    "i64": ">q",
    "bool": ">B",
}


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(2 * value if value >= 0 else -2 * value - 1)


def read_varint(data, at):
    value = shift = 0
    for n in range(10):
        if at + n >= len(data):
            raise Malformed("a varint is cut off")
        byte = data[at + n]
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if (byte == 0 and n) or value >> 64:
                raise Malformed("a varint is longer than needed")
            return value, at + n + 1
    raise Malformed("a varint is too long")


def _put(form, value):
    if form in _FIXED:
        return struct.pack(_FIXED[form], value)
    if form.endswith("bytes"):
        return bytes(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(len(value)) + value


def _get(form, data, at):
    if form in _FIXED:
        size = struct.calcsize(_FIXED[form])
        if at + size > len(data):
            raise Malformed(f"no room for a {form}")
        return struct.unpack_from(_FIXED[form], data, at)[0], at + size
    kind = form.split(" ")
    if kind[1] == "bytes":
        size = int(kind[0])
    else:
        size, at = read_varint(data, at)
        if size > int(kind[1]):
            raise Malformed(f"{form} of {size} bytes")
    if at + size > len(data):
        raise Malformed(f"no room for {form}")
    value = data[at : at + size]
    return (_text(value) if kind[0] == "text" else value), at + size


def _text(value):
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Malformed("a text is not UTF-8") from e
    if any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in text):
        raise Malformed("a text has control characters")
    return text


def tlv(kind, value=b""):
    return struct.pack(">HH", kind, len(value)) + value


def _read_tlvs(data):
    at, found = 0, []
    while at < len(data):
        if at + 4 > len(data):
            raise Malformed("a TLV is cut off")
        kind, size = struct.unpack_from(">HH", data, at)
        if at + 4 + size > len(data):
            raise Malformed("a TLV is cut off")
        found.append((kind, data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


# ---- messages and frames ----


class Message:
    """One message as it came: fields are attributes."""

    def __init__(self, kind, stream, fields, tlvs=(), payload=b""):
        self.kind, self.stream = kind, stream
        self.fields, self.tlvs, self.payload = fields, tlvs, payload

    def __getattr__(self, name):
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def code_name(self):
        return CODE_NAMES.get(self.fields.get("code"), "?")

    def __str__(self):
        shown = dict(self.fields)
        if "code" in shown:
            shown["code"] = self.code_name
        for key, value in shown.items():
            if isinstance(value, bytes):
                shown[key] = value[:16].hex()
        inner = " ".join(f"{k}={v}" for k, v in shown.items())
        return f"{self.kind}[{self.stream}] {inner}"


def body(kind, /, tlvs=b"", payload=b"", **fields):
    """The payload of a frame; fields that are not given are zero."""
    _, forms = MESSAGES[kind]
    out = bytearray()
    for field, form in forms:
        value = fields.pop(field, None)
        if value is None:
            size = int(form.split()[0]) if form.endswith("bytes") else 0
            value = bytes(size) if form not in _FIXED else 0
        out += _put(form, value)
    if fields:
        raise TypeError(f"{kind} has no {', '.join(fields)}")
    if kind in WITH_PAYLOAD:
        out += struct.pack(">H", len(tlvs))
    return bytes(out) + tlvs + payload


def frame(kind, payload=b"", stream=0, flags=0, check=None, crc=None, length=None):
    """A frame; check, crc and length are what they must be, or as given."""
    length = len(payload) if length is None else length
    crc = crc32c(payload) if crc is None else crc
    head = struct.pack(">IBBHII", length, kind, flags, 0, stream, crc)
    if check is None:
        check = crc32c(head) & 0xFFFF
    return head[:6] + struct.pack(">H", check) + head[8:] + payload


def message(kind, /, stream=0, critical=False, tlvs=b"", payload=b"", **fields):
    """A whole frame of a message."""
    return frame(
        MESSAGES[kind][0],
        body(kind, tlvs, payload, **fields),
        stream,
        CRITICAL if critical else 0,
    )


def read_frame(data):
    """(kind, flags, stream, payload, bytes used), or None: not all there."""
    if len(data) < 16:
        return None
    length, kind, flags, check, stream, crc = struct.unpack_from(">IBBHII", data)
    head = bytes(data[:6]) + b"\0\0" + bytes(data[8:16])
    if crc32c(head) & 0xFFFF != check:
        raise Malformed("the check of a frame is wrong")
    if len(data) < 16 + length:
        return None
    payload = bytes(data[16 : 16 + length])
    if crc32c(payload) != crc:
        raise Malformed("the crc of a frame is wrong")
    return kind, flags, stream, payload, 16 + length


def parse(kind, stream, payload):
    """A Message; of an unknown kind one without a name."""
    name = NAMES.get(kind)
    if name is None:
        return Message(f"type {kind}", stream, {}, (), payload)
    at, fields = 0, {}
    for field, form in MESSAGES[name][1]:
        fields[field], at = _get(form, payload, at)
    if name not in WITH_PAYLOAD:
        return Message(name, stream, fields, _read_tlvs(payload[at:]))
    size, at = _get("u16", payload, at)
    if at + size > len(payload):
        raise Malformed("the TLVs are longer than the message")
    tlvs = _read_tlvs(payload[at : at + size])
    return Message(name, stream, fields, tlvs, payload[at + size :])


# ---- what is in a batch ----


def columns(records, runs=None, received=None, events=None):
    """Columns, version 1; times are lists of deltas, one a record."""
    data = b"".join(records)
    lens = b"".join(varint(len(r)) for r in records)
    runs = runs or [(0, len(records))]
    runs = b"".join(varint(r) + varint(n) for r, n in runs)
    got = b"".join(map(zigzag, received)) if received else b""
    had = b"".join(map(zigzag, events)) if events else b""
    flags = (1 if received else 0) | (2 if events else 0)
    head = struct.pack(
        "<BBHIIIIIII",
        1,
        flags,
        0,
        len(records),
        len(data),
        len(lens),
        len(runs),
        len(got),
        len(had),
        0,
    )
    return head + data + lens + runs + got + had


def read_columns(data):
    """(records, runs) of columns, all of it checked."""
    version, flags, zero, count, *sizes, last = struct.unpack_from("<BBHIIIIIII", data)
    if version != 1 or flags > 3 or zero or last or 32 + sum(sizes) != len(data):
        raise Malformed("the columns' header")
    at, parts = 32, []
    for size in sizes:
        parts.append(data[at : at + size])
        at += size
    lens, runs = _row(parts[1]), _row(parts[2])
    runs = list(zip(runs[::2], runs[1::2]))
    if len(lens) != count or sum(n for _, n in runs) != count:
        raise Malformed("the columns' counts")
    records, at = [], 0
    for size in lens:
        records.append(parts[0][at : at + size])
        at += size
    if at != len(parts[0]):
        raise Malformed("the columns' lengths")
    return records, runs


def _row(data):
    at, out = 0, []
    while at < len(data):
        value, at = read_varint(data, at)
        out.append(value)
    return out


def content_digest(records):
    digest = hashlib.sha256()
    for record in records:
        digest.update(varint(len(record)))
        digest.update(record)
    return digest.digest()


def head_after(head, first_seq, count, digest):
    return hashlib.sha256(
        b"agentlink head v1" + head + struct.pack(">QI", first_seq, count) + digest
    ).digest()[:16]


def zstd(data, level=1, **options):
    """One frame, its content size present."""
    options.setdefault("write_content_size", True)
    return zstandard.ZstdCompressor(level=level, **options).compress(data)


def ranges(*rows):
    """Ranges without a chain: rows of (stream, first_seq, count[, head])."""
    out = varint(0) + varint(len(rows))
    for stream, first, count, *head in rows:
        out += varint(stream) + varint(first) + varint(count)
        out += varint(1 if head else 0) + varint(0)
        out += head[0] if head else b""
    return out
