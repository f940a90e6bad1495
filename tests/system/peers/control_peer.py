#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A hostile caller of the control socket, written from doc/protocol-control.md.

control_peer.py SOCKET CASE: one of the functions below; exit status 0 when
the daemon did what the page says.
"""
import json
import socket
import struct
import sys

TIMEOUT = 20
REQUEST_MAX = 64 << 10


def call():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(TIMEOUT)
    s.connect(sys.argv[1])
    return s


def frame(payload, kind=1):
    return struct.pack(">IB", 1 + len(payload), kind) + payload


def request(verb, args=None, **more):
    return frame(json.dumps({"v": 1, "verb": verb, "args": args or {}, **more}).encode())


def exactly(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError(f"the end after {len(data)} of {n} bytes")
        data += piece
    return data


def answer(s):
    """The JSON that ends an answer; what streams before it is passed over."""
    while True:
        length, kind = struct.unpack(">IB", exactly(s, 5))
        payload = exactly(s, length - 1)
        if kind == 1:
            return json.loads(payload)


def code(s):
    return answer(s)["error"]["code"]


def ended(s):
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True


def malformed(data):
    s = call()
    s.sendall(data)
    assert code(s) == "REQUEST_MALFORMED"
    assert ended(s), "the connection stays"


def forms():
    """What is no request is answered so, and ends the connection."""
    big = b'{"v":1,"verb":"' + b"x" * REQUEST_MAX
    malformed(frame(big[: REQUEST_MAX + 1]))
    malformed(struct.pack(">I", 0xFFFFFFFF) + b"\x01")
    malformed(struct.pack(">I", 0x80000000) + b"\x01")
    malformed(struct.pack(">I", 0) + b"\x01")
    malformed(struct.pack(">I", 1) + b"\x01")
    for payload in (
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"v":1,"verb":"status"',
        b'{"v":1,"v":1,"verb":"status"}',
        b'{"v":2,"verb":"status"}',
        b'{"verb":"status"}',
        b"[" * 60000,
        b'{"v":1,"verb":"status\\u0000x"}',
    ):
        malformed(frame(payload)) if payload else None
    malformed(frame(b'{"v":1,"verb":"status"}', kind=2))
    malformed(frame(b'{"v":1,"verb":"status"}', kind=99))


def types():
    """Every argument of a wrong type is refused, and the next is answered."""
    verbs = (
        "status streams stream target target.pause target.resume target.retry "
        "target.remove target.rename queue.ls queue.peek store prove"
    ).split()
    odd = (None, True, 7, -1, 1 << 62, 1.5, "", "../../etc/passwd", "a\nb", "%n%s")
    odd += ("x" * 60000, [], ["archive"], {}, {"name": "archive"})
    s = call()
    for verb in verbs:
        for value in odd:
            keys = "name old new yes dry_run reason limit from_rec target listener"
            args = {key: value for key in keys.split()}
            for args in (args, value):
                data = frame(json.dumps({"v": 1, "verb": verb, "args": args}).encode())
                if len(data) > REQUEST_MAX:
                    continue
                s.sendall(data)
                said = answer(s)
                assert said["ok"] or said["error"]["code"], said
    for verb in odd:
        s.sendall(frame(json.dumps({"v": 1, "verb": verb}).encode()))
        assert not answer(s)["ok"]


def pieces():
    """A request may come byte by byte, and many may come at once."""
    s = call()
    for byte in request("status"):
        s.sendall(bytes([byte]))
    assert answer(s)["ok"]
    names = [f"t{i}" for i in range(300)]
    s.sendall(b"".join(request("target", {"name": name}) for name in names))
    for name in names:
        said = answer(s)
        assert said["error"]["code"] == "TARGET_UNKNOWN", said
        assert name in json.dumps(said), f"{said}, not of {name}"
    # The caller that asks much and reads nothing is not waited for.
    s.sendall(request("status") * 400)
    other = call()
    other.sendall(request("status"))
    assert answer(other)["ok"]


def idle():
    """16 that ask nothing, or half a request; they are held until a line comes."""
    held = [call() for _ in range(16)]
    for s in held[::2]:
        s.sendall(request("status")[:9])
    print("held", flush=True)
    sys.stdin.readline()


def denied():
    """Who has no right is told so, for every verb, and stays connected."""
    s = call()
    for verb in ("status", "target.pause", "queue.peek", "verify", "prove", "store"):
        s.sendall(request(verb, {"name": "archive", "limit": 1}))
        said = answer(s)
        assert said["error"]["code"] == "DENIED", said
        assert said["error"]["exit"] == 4, said


def reason():
    """A reason that would be a line of the log, and a format."""
    s = call()
    text = "%n%s%n \x1b[2J\r\n2026-11-26T00:00:00Z spoold[1]: error: forged"
    s.sendall(request("target.pause", {"name": "dead", "reason": text}))
    said = answer(s)
    assert said["ok"] or said["error"]["code"], said


if __name__ == "__main__":
    globals()[sys.argv[2]]()
