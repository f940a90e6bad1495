#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""agentlink_peer - a second agentlink client, and what it holds a spool to.

Written from doc/protocol-agentlink.md alone; it shares no line with the
programs.  The cases are in cases_*.py, each a function whose first line says
what must be so; this file is the client and the command:

    agentlink_peer.py --server HOST:PORT --ca FILE
        --cert FILE --key FILE     one identity for all cases, one at a time; or
        --ca-key FILE              a new identity for each case, many at a time
        [--ctl 'spoolctl --socket PATH']  cases that look at or stop the spool
        [--deny-list FILE --pid PID]      cases that change it and reload
        [--stop PID]                      cases that end the spool
        [--expect DIR]             write what must be stored: a file a stream,
                                   records as u32 little-endian length, bytes
        [--slow] [--list] [CASE...]       CASE: the beginning of a name

The last line says how many passed, failed, were skipped.  Exit 0 or 1.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import secrets
import shlex
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid

import agentlink_wire as wire

ALPN = "agentlink/1"
TIMEOUT = 20


class Failed(Exception):
    """The spool does not do what the document says."""


class Skipped(Exception):
    """What the case needs is not there."""


class Unreachable(Failed):
    """Nobody listens; never what a case expects."""


def check(condition, what):
    if not condition:
        raise Failed(what)


# ---- batches and streams ----


class Batch:
    """Consecutive records, and what DATA says of them."""

    def __init__(self, first, records, packed, prev_head, **fields):
        raw = wire.columns(records)
        self.first, self.records = first, records
        self.last = first + len(records) - 1
        self.payload = wire.zstd(raw) if packed else raw
        self.fields = {
            "first_seq": first,
            "count": len(records),
            "codec": 1 if packed else 0,
            "raw_len": len(raw),
            "content_digest": wire.content_digest(records),
            "prev_head": prev_head,
            **fields,
        }
        self.head = wire.head_after(
            prev_head, first, len(records), wire.content_digest(records)
        )

    def frame(self, number, payload=None, tlvs=b"", **changed):
        return wire.message(
            "DATA",
            stream=number,
            tlvs=tlvs,
            payload=self.payload if payload is None else payload,
            **{**self.fields, **changed},
        )


class Stream:
    """What the agent knows of a stream and epoch of its own."""

    _numbers = itertools.count(1)

    def __init__(self, name, first=1, head=wire.ZERO_HEAD, epoch=None):
        self.name, self.epoch = name, epoch or secrets.token_bytes(16)
        self.next, self.head, self.acked = first, head, first - 1
        self.number = None
        self.stored = []  # what must come out at the other end

    def records(self, count, size=0):
        """Records that nobody else sends."""
        return [
            f"{self.name} {self.epoch.hex()[:6]} {self.next + i}".encode().ljust(
                size, b"."
            )
            for i in range(count)
        ]

    def batch(self, records=3, packed=True, **fields):
        """The next batch, not yet taken: a count of records, or records."""
        if isinstance(records, int):
            records = self.records(records)
        fields.setdefault("prev_head", self.head)
        return Batch(self.next, records, packed, **fields)

    def take(self, batch):
        """This batch is the stream's: go on behind it."""
        self.next, self.head = batch.last + 1, batch.head
        self.stored += batch.records
        return batch

    def new_batch(self, records=3, packed=True, **fields):
        return self.take(self.batch(records, packed, **fields))

    def new_epoch(self):
        return Stream(self.name)


# ---- a connection ----


class Link:
    """A connection to the spool.  Messages that may come at any time (CREDIT,
    PING, an ACK said again) are dealt with on the way."""

    def __init__(self, spool, identity=None, hello=True, context=None, **fields):
        self.identity = identity or spool.identity()
        self.ended = None
        self.rest = b""
        self.credit = (0, 0)
        self.max_frame = 2 << 20
        self.hello_ok = None
        self.greeted = False  # HELLO_OK has come
        self.grease = 0  # what came that has no meaning
        self.acks = {}
        self.numbers = itertools.count(1)
        self.socket = spool.connect(context or spool.context(self.identity))
        spool.links.append(self)
        if hello:
            self.say_hello(**fields)
            self.hello_ok = self.expect("HELLO_OK")
            self.max_frame = self.hello_ok.max_frame

    def say_hello(self, **fields):
        usual = {
            "min_version": 1,
            "max_version": 1,
            "capabilities": 2,
            "agent": self.identity.uuid.bytes,
            "boot": secrets.token_bytes(16),
            "max_frame": 2 << 20,
            "software": "agentlink_peer",
            "host": "test",
        }
        self.send("HELLO", **{**usual, **fields})

    def close(self):
        self.socket.close()

    def send(self, kind, **fields):
        self.send_bytes(wire.message(kind, **fields))

    def send_bytes(self, data):
        try:
            self.socket.settimeout(TIMEOUT)
            self.socket.sendall(data)
        except (OSError, ssl.SSLError) as e:
            # What the spool said before it closed is still to be read.
            if isinstance(e, TimeoutError):
                raise Failed("the spool takes no bytes") from e
            self.ended = self.ended or str(e)

    def _more(self, deadline):
        """Some more bytes; False at the end of the connection."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)
        try:
            got = self.socket.recv(1 << 16)
        except TimeoutError:
            raise
        except (OSError, ssl.SSLError) as e:
            self.ended = str(e)
            return False
        if not got:
            self.ended = "closed"
        self.rest += got
        return bool(got)

    def receive(self, timeout=TIMEOUT):
        """The next message; None at the end; TimeoutError."""
        deadline = time.monotonic() + timeout
        while True:
            found = wire.read_frame(self.rest)
            if not found and not self._more(deadline):
                check(not self.rest, "the connection ended inside a frame")
                return None
            if not found:
                continue
            kind, flags, stream, payload, used = found
            self.rest = self.rest[used:]
            check(flags <= 1, f"flags {flags} in a frame")
            check(len(payload) <= self.max_frame, "a frame above max_frame")
            m = self._noted(wire.parse(kind, stream, payload))
            self.grease += sum(kind in wire.GREASE_TLVS for kind, _ in m.tlvs)
            if kind in wire.NAMES or flags & wire.CRITICAL:
                return m
            # Unknown types are skipped, once there was a HELLO_OK.
            check(self.greeted, f"{m} came before HELLO_OK")
            check(kind in wire.GREASE_TYPES, f"{m} has no meaning")
            self.grease += 1

    def _noted(self, m):
        if "credit_bytes" in m.fields:
            self.credit = (m.credit_bytes, m.credit_batches)
        self.greeted |= m.kind == "HELLO_OK"
        if m.kind == "ACK":
            before = self.acks.get(m.stream, 0)
            check(m.seq >= before, f"{m} after an ACK of {before}")
            self.acks[m.stream] = m.seq
        if m.kind == "STREAM_STATE":
            self.acks[m.stream] = m.last
        if m.kind == "PING":
            now = time.time_ns()
            self.send("PONG", t1=m.t1, t2=now, t3=now)
        return m

    def expect(self, kind, stream=None, timeout=TIMEOUT, **fields):
        """The next message that says something new must be this one."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                m = self.receive(deadline - time.monotonic())
            except TimeoutError:
                raise Failed(f"no {kind} came in {timeout} s") from None
            if m is None:
                raise Failed(f"the connection ended ({self.ended}), not {kind}")
            if m.kind == kind and (stream is None or m.stream == stream):
                break
            if m.kind not in ("CREDIT", "PING", "ACK"):
                raise Failed(f"{m} came, not {kind}")
        for name, value in fields.items():
            got = m.code_name if name == "code" else m.fields[name]
            if name == "code" and isinstance(value, tuple):
                check(got in value, f"{m}: code is not one of {value}")
            else:
                check(got == value, f"{m}: {name} is not {value}")
        return m

    def expect_ack(self, number, seq, timeout=TIMEOUT):
        """ACKs of a stream until one covers seq; none may go beyond."""
        deadline = time.monotonic() + timeout
        while self.acks.get(number, 0) < seq:
            self.expect("ACK", number, deadline - time.monotonic())
        got = self.acks[number]
        check(got == seq, f"ACK of {got}, but only {seq} was sent")

    def expect_error(self, *codes, timeout=TIMEOUT):
        """A fatal ERROR of one of these codes, and the end."""
        m = self.expect("ERROR", code=codes or tuple(wire.CODES), timeout=timeout)
        check(m.fatal == 1, f"{m} is not fatal")
        self.expect_end(timeout)
        return m

    def expect_end(self, timeout=TIMEOUT):
        """The end without anything that confirms; an ERROR may come first."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                m = self.receive(deadline - time.monotonic())
            except TimeoutError:
                raise Failed("the connection stays") from None
            if m is None:
                return
            allowed = ("ERROR", "GOODBYE", "CREDIT", "PING", "ACK", "DRAIN")
            check(m.kind in allowed, f"{m} came, not the end")

    def alive(self):
        """Everything before was taken, and nothing was said against it."""
        t1 = secrets.randbits(60)
        self.send("PING", t1=t1)
        return self.expect("PONG", 0, t1=t1)

    # -- streams --

    def open(self, stream, number=None, **fields):
        """STREAM_OPEN as the stream stands; the STREAM_STATE."""
        stream.number = number or next(self.numbers)
        usual = {
            "epoch": stream.epoch,
            "next_seq": stream.next,
            "acked": stream.acked,
            "head": stream.head,
            "name": stream.name,
        }
        self.send("STREAM_OPEN", stream=stream.number, **{**usual, **fields})
        m = self.expect("STREAM_STATE", stream.number)
        if m.code == 0:
            check(m.epoch == stream.epoch, f"{m}: another epoch")
        return m

    def data(self, stream, batch, **changed):
        self.send_bytes(batch.frame(stream.number, **changed))

    def refused(self, stream, batch, *codes, resume_at=None, **changed):
        """This DATA gets a NACK; the stream goes on where it was."""
        self.data(stream, batch, **changed)
        m = self.expect("NACK", stream.number, code=codes)
        check(m.first_seq == batch.first, f"{m}: not of {batch.first}")
        want = stream.next if resume_at is None else resume_at
        check(m.resume_at == want, f"{m}: resume_at is not {want}")
        if want == stream.next:
            check(m.head == stream.head, f"{m}: another head")
        return m

    def deliver(self, stream, records=3, **fields):
        """The next batch, until it is acknowledged."""
        batch = stream.new_batch(records, **fields)
        self.data(stream, batch)
        self.settled(stream)
        return batch

    def settled(self, stream, timeout=TIMEOUT):
        self.expect_ack(stream.number, stream.next - 1, timeout)
        stream.acked = stream.next - 1


# ---- the spool, seen from outside ----


class Identity:
    def __init__(self, cert, key, owner):
        self.cert, self.key, self.uuid = cert, key, owner


class Spool:
    """The server, and what a case may do with it."""

    def __init__(self, options, name="case"):
        self.options, self.name = options, name
        host, _, port = options.server.rpartition(":")
        self.address = (host.strip("[]"), int(port))
        self.links, self.streams = [], []
        self.given = None
        if options.cert:
            self.given = Identity(options.cert, options.key, _owner(options.cert))

    def identity(self, kind="agent"):
        """The one of this case; with --ca-key a new one."""
        if kind == "agent" and self.given:
            return self.given
        owner = uuid.uuid4()
        made = self.issue(f"URI:spool:{kind}:{owner}", owner=owner)
        if kind == "agent":
            self.given = made
        return made

    def issue(self, san, owner=None, eku="clientAuth", ca=None, ca_key=None):
        """A certificate of any kind."""
        ca, ca_key = ca or self.options.ca, ca_key or self.options.ca_key
        if not ca_key:
            raise Skipped("needs --ca-key")
        base = os.path.join(self.options.work, secrets.token_hex(8))
        with open(base + ".ext", "w", encoding="ascii") as f:
            f.write("basicConstraints=critical,CA:FALSE\n")
            f.write(f"extendedKeyUsage={eku}\n" if eku else "")
            f.write(f"subjectAltName={san}\n" if san else "")
        _openssl(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x",
            "-keyout",
            base + ".key",
            "-out",
            base + ".csr",
        )
        _openssl(
            f"x509 -req -days 2 -set_serial 0x{secrets.token_hex(8)}",
            *("-CA", ca, "-CAkey", ca_key, "-extfile", base + ".ext"),
            *("-in", base + ".csr", "-out", base + ".pem"),
        )
        return Identity(base + ".pem", base + ".key", owner or uuid.uuid4())

    def context(self, identity=None, alpn=(ALPN,), version=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = context.maximum_version = version
        context.load_verify_locations(self.options.ca)
        if identity:
            context.load_cert_chain(identity.cert, identity.key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def connect(self, context=None):
        try:
            plain = socket.create_connection(self.address, TIMEOUT)
        except OSError as e:
            raise Unreachable(f"cannot connect: {e}") from None
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            return plain
        return context.wrap_socket(plain, server_hostname=self.address[0])

    def link(self, identity=None, **fields):
        return Link(self, identity, **fields)

    def stream(self, *args, label="", **fields):
        """A stream that only this case has; it is checked at the end."""
        s = Stream(f"{self.name}{label}-{secrets.token_hex(4)}", *args, **fields)
        self.streams.append(s)
        return s

    def opened(self, **fields):
        """The usual beginning: a connection with a new stream."""
        link, stream = self.link(**fields), self.stream()
        link.open(stream)
        return link, stream

    def new_epoch(self, stream):
        s = stream.new_epoch()
        self.streams.append(s)
        return s

    def close(self):
        for link in self.links:
            link.close()

    # -- what only --ctl can --

    def status(self):
        if not self.options.ctl:
            raise Skipped("needs --ctl")
        run = shlex.split(self.options.ctl) + ["status", "--output", "json"]
        deadline = time.monotonic() + TIMEOUT
        while True:
            done = subprocess.run(
                run, capture_output=True, timeout=TIMEOUT, check=False
            )
            if done.returncode == 0:
                return json.loads(done.stdout)
            # The keeper is away for a moment.
            late = time.monotonic() > deadline
            check(done.returncode == 5 and not late, done.stderr.decode())
            time.sleep(0.05)

    def role(self, name):
        """The pid of a role; waits for one that is coming back."""
        found = []

        def look():
            roles = self.status()["roles"]
            found[:] = [r["pid"] for r in roles if r["role"] == name and r["pid"]]
            return found

        until(look, f"a role {name}")
        return found[0]

    def listener(self, count):
        """A counter of all listeners together."""
        return sum(one[count] for one in self.status()["listeners"])

    def stopped(self, role):
        return _Stopped(self.role(role))


class _Stopped:
    """with spool.stopped("keeper"): it does nothing meanwhile."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


def _openssl(words, *more):
    subprocess.run(
        ["openssl", *words.split(), *more], check=True, capture_output=True
    )


def _owner(cert):
    text = subprocess.run(
        ["openssl", "x509", "-in", cert, "-noout", "-ext", "subjectAltName"],
        check=True,
        capture_output=True,
    ).stdout.decode()
    return uuid.UUID(text.split("URI:spool:")[1].split(",")[0].strip()[-36:])


def until(condition, what, timeout=TIMEOUT):
    """Look again and again until it is so."""
    deadline = time.monotonic() + timeout
    while not condition():
        check(time.monotonic() < deadline, f"in vain: {what}")
        time.sleep(0.05)


# ---- the cases ----

CASES = []


def case(alone=False, slow=False):
    """A case; alone: nothing else runs meanwhile."""

    def register(function):
        function.alone, function.slow = alone, slow
        CASES.append(function)
        return function

    return register


class Runner:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}

    def run(self, cases):
        workers = 12 if self.options.ca_key else 1
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            list(pool.map(self.one, (c for c in cases if not c.alone)))
        for c in cases:
            if c.alone:
                self.one(c)
        said = ", ".join(
            f"{self.counts[k]} {v}"
            for k, v in (("PASS", "passed"), ("FAIL", "failed"), ("SKIP", "skipped"))
        )
        print(f"agentlink cases: {said}")
        return self.counts["FAIL"] == 0 and self.counts["PASS"] > 0

    def one(self, function):
        spool = Spool(self.options, function.__name__)
        verdict, why = "PASS", ""
        began = time.monotonic()
        try:
            if function.slow and not self.options.slow:
                raise Skipped("slow")
            function(spool)
            self.write_expected(spool)
        except Skipped as e:
            verdict, why = "SKIP", str(e)
        except (Failed, wire.Malformed) as e:
            verdict, why = "FAIL", str(e)
        except Exception as e:  # whatever it is, the other cases go on
            steps = traceback.extract_tb(e.__traceback__)
            at = next(f for f in reversed(steps) if "cases_" in f.filename)
            verdict, why = "FAIL", f"{type(e).__name__}: {e}, at {at.line}"
        finally:
            spool.close()
        with self.lock:
            self.counts[verdict] += 1
            took = time.monotonic() - began
            sentence = " ".join(function.__doc__.split())
            print(f"{verdict} {function.__name__} ({took:.1f} s): {sentence}")
            if why:
                print(f"     {why}", flush=True)

    def write_expected(self, spool):
        if not self.options.expect:
            return
        for n, stream in enumerate(spool.streams):
            if not stream.stored:
                continue
            path = pathlib.Path(self.options.expect, f"{spool.name}.{n}")
            with open(path, "wb") as f:
                for record in stream.stored:
                    f.write(struct.pack("<I", len(record)) + record)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--ca", required=True)
    for name in ("cert", "key", "ca-key", "ctl", "expect", "deny-list", "limits", "pid", "stop"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    if not options.cert and not options.ca_key:
        parser.error("either --cert and --key, or --ca-key")
    wanted = [
        c
        for c in CASES
        if not options.cases or any(c.__name__.startswith(w) for w in options.cases)
    ]
    if options.list:
        for c in wanted:
            print(f"{c.__name__}: {' '.join(c.__doc__.split())}")
        return 0
    with tempfile.TemporaryDirectory() as options.work:
        return 0 if Runner(options).run(wanted) else 1


if __name__ == "__main__":
    # The cases import this file by its name: let them find this one.
    sys.modules["agentlink_peer"] = sys.modules["__main__"]
    import cases_tls
    import cases_frames
    import cases_streams
    import cases_data
    import cases_advance
    import cases_chain
    import cases_keeper
    import cases_deny
    import cases_course
    import cases_stop
    import cases_faults
    import cases_limits

    sys.exit(main())
