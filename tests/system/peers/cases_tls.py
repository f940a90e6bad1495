# SPDX-License-Identifier: Apache-2.0
"""Cases of sections 2 and 4: TLS, identity, HELLO, how many connections."""

import os
import secrets
import signal
import ssl
import time
import uuid

import agentlink_wire as wire
from agentlink_peer import Failed, Skipped, case, check, _openssl


def no_entry(spool, context, identity=None):
    """With this context nobody gets as far as HELLO_OK."""
    try:
        link = spool.link(identity or spool.identity(), hello=False, context=context)
    except (ssl.SSLError, OSError):
        return
    link.say_hello()
    m = None
    try:
        m = link.receive()
    except TimeoutError:
        raise Failed("neither refused nor answered") from None
    check(m is None or m.kind == "ERROR", f"{m} came")
    if m:
        link.expect_end()


@case()
def tls_usual(spool):
    """With the right certificate over TLS 1.3 and ALPN agentlink/1, HELLO is
    answered with the limits, and no ticket is issued."""
    link = spool.link()
    tls = link.socket
    check(tls.version() == "TLSv1.3", tls.version())
    check(tls.selected_alpn_protocol() == "agentlink/1", "another ALPN")
    ok = link.hello_ok
    check(ok.version == 1 and ok.capabilities & 2, f"{ok}")
    check(ok.max_records == 10000 and ok.max_record == 1 << 20, f"{ok}")
    check(ok.max_raw == 8 << 20 and ok.max_frame == 2 << 20, f"{ok}")
    check(ok.max_streams == 1024 and ok.keepalive_ms == 30000, f"{ok}")
    check(ok.credit_bytes and ok.credit_batches, f"{ok}: no window")
    check(ok.incarnation != bytes(16), f"{ok}")
    names = dict(tls.getpeercert()["subjectAltName"])
    own = names.get("URI", "").removeprefix("spool:spool:")
    check(uuid.UUID(bytes=ok.spool) == uuid.UUID(own), f"{ok}: not {own}")
    check(abs(ok.wall_ns - time.time_ns()) < 5e9, f"{ok}: wall_ns")
    link.alive()
    check(not tls.session.has_ticket, "a session ticket was issued")


@case()
def tls_no_client_certificate(spool):
    """Without a client certificate nobody gets in."""
    spool.identity()
    no_entry(spool, spool.context())


@case()
def tls_1_2_refused(spool):
    """TLS 1.2 is refused."""
    no_entry(
        spool, spool.context(spool.identity(), version=ssl.TLSVersion.TLSv1_2)
    )


@case()
def tls_no_alpn_refused(spool):
    """Without ALPN, or with another one, the handshake fails."""
    no_entry(spool, spool.context(spool.identity(), alpn=()))
    no_entry(spool, spool.context(spool.identity(), alpn=("http/1.1",)))
    spool.link(context=spool.context(spool.identity(), alpn=("h2", "agentlink/1")))


@case()
def tls_wrong_authority(spool):
    """A certificate of another authority is refused."""
    base = os.path.join(spool.options.work, secrets.token_hex(8))
    _openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2",
        *("-subj", "/CN=spoold test CA", "-keyout", base + ".key"),
        *("-out", base + ".pem"),
    )
    owner = uuid.uuid4()
    identity = spool.issue(
        f"URI:spool:agent:{owner}", owner, ca=base + ".pem", ca_key=base + ".key"
    )
    no_entry(spool, spool.context(identity), identity)


@case()
def tls_identity_must_be_one_uri(spool):
    """No URI, two URIs, another scheme, capitals, an all zero UUID: refused."""
    one = f"URI:spool:agent:{uuid.uuid4()}"
    for san in (
        "DNS:localhost",
        f"{one},URI:spool:agent:{uuid.uuid4()}",
        f"{one},URI:https://example.com/",
        f"URI:spool:other:{uuid.uuid4()}",
        f"URI:spool:agent:{str(uuid.uuid4()).upper()[:-1]}A",
        f"URI:spool:agent:{uuid.UUID(int=0)}",
        f"URI:spool:agent:{uuid.uuid4().hex}",
    ):
        owner = uuid.uuid4()
        try:
            owner = uuid.UUID(san.rpartition(":")[2])
        except ValueError:
            pass
        identity = spool.issue(san, owner)
        try:
            no_entry(spool, spool.context(identity), identity)
        except Failed as e:
            raise Failed(f"{san}: {e}") from None
    owner = uuid.uuid4()
    also = spool.issue(f"URI:spool:agent:{owner},DNS:pc-17,email:a@b.example", owner)
    spool.link(also)


@case()
def tls_client_auth_usage(spool):
    """A certificate whose extended key usage is not clientAuth is refused."""
    owner = uuid.uuid4()
    identity = spool.issue(f"URI:spool:agent:{owner}", owner, eku="serverAuth")
    no_entry(spool, spool.context(identity), identity)


@case()
def tls_plain_bytes(spool):
    """Bytes that are not TLS end the connection."""
    plain = spool.connect()
    plain.sendall(b"GET / HTTP/1.1\r\n\r\n" + wire.message("HELLO"))
    plain.settimeout(15)
    try:
        while plain.recv(4096):
            pass
    except ConnectionError:
        pass


@case()
def limit_handshake_10_s(spool):
    """Who does not finish the handshake is cut after 10 s."""
    plain = spool.connect()
    began = time.monotonic()
    plain.settimeout(20)
    plain.sendall(b"\x16\x03\x01\x02\x00\x01")
    try:
        check(plain.recv(1) == b"", "bytes came")
    except ConnectionError:
        pass
    took = time.monotonic() - began
    check(9 <= took <= 15, f"cut after {took:.1f} s")


@case()
def limit_hello_10_s(spool):
    """Who dribbles HELLO byte by byte is cut 10 s after the handshake."""
    link = spool.link(hello=False)
    began = time.monotonic()
    for byte in wire.message("HELLO", agent=link.identity.uuid.bytes)[:15]:
        link.send_bytes(bytes([byte]))
        try:
            m = link.receive(0.9)
        except TimeoutError:
            continue
        if m:
            check(m.kind == "ERROR" and m.code_name == "TIMEOUT", f"{m} came")
            link.expect_end()
        break
    check(link.ended, "15 s with half a HELLO")
    took = time.monotonic() - began
    check(9 <= took <= 14, f"cut after {took:.1f} s")


@case(slow=True)
def limit_frame_30_s(spool):
    """A frame that has begun and brings less than 30 KiB in 30 s is cut."""
    link, stream = spool.opened()
    frame = wire.frame(200, bytes(60000))
    link.send_bytes(frame[:100])
    began, at = time.monotonic(), 100
    while time.monotonic() - began < 70:
        try:
            m = link.receive(1)
        except TimeoutError:
            link.send_bytes(frame[at : at + 10])
            at += 10
            continue
        if m is None:
            break
    took = time.monotonic() - began
    check(28 <= took <= 65, f"cut after {took:.1f} s")


@case(slow=True)
def limit_silence_120_s(spool):
    """Silence of 120 s ends a connection."""
    link = spool.link()
    began = time.monotonic()
    link.expect_end(150)
    took = time.monotonic() - began
    check(115 <= took <= 135, f"ended after {took:.1f} s")


@case()
def hello_other_identity(spool):
    """HELLO with another UUID than the certificate's: ERROR IDENTITY."""
    link = spool.link(hello=False)
    link.say_hello(agent=uuid.uuid4().bytes)
    link.expect_error("IDENTITY")


@case()
def hello_versions(spool):
    """A version range that holds 1 gives 1; without it ERROR VERSION; a range
    that is none is MALFORMED."""
    link = spool.link(min_version=1, max_version=200)
    check(link.hello_ok.version == 1, f"{link.hello_ok}")
    for low, high, code in (
        (2, 9, "VERSION"),
        (0, 1, "MALFORMED"),
        (2, 1, "MALFORMED"),
    ):
        link = spool.link(hello=False)
        link.say_hello(min_version=low, max_version=high)
        link.expect_error(code)


@case()
def hello_first_and_once(spool):
    """The first frame is HELLO, and there is one only."""
    link = spool.link(hello=False)
    link.send("STREAM_OPEN", stream=1, next_seq=1, name="x")
    link.expect_error("MALFORMED")
    link = spool.link()
    link.say_hello()
    link.expect_error("UNSUPPORTED")


@case()
def hello_tlvs(spool):
    """Unknown TLVs are skipped, GREASE too; a critical one is refused; one
    that is cut off is MALFORMED."""
    some = b"".join(wire.tlv(t, secrets.token_bytes(5)) for t in wire.GREASE_TLVS)
    link = spool.link(hello=False)
    link.say_hello(tlvs=some + wire.tlv(0x7FFF) + wire.tlv(0, b"a"))
    link.expect("HELLO_OK")
    for tlvs, codes in (
        (some + wire.tlv(0x8001, b"x"), ("VERSION", "MALFORMED")),
        (wire.tlv(0x1234, b"abc")[:-1], ("MALFORMED",)),
        (b"\x12\x34\x00", ("MALFORMED",)),
    ):
        link = spool.link(hello=False)
        link.say_hello(tlvs=tlvs)
        link.expect_error(*codes)


@case()
def hello_forms(spool):
    """HELLO that is cut off, texts too long, not UTF-8, with controls, a varint
    longer than needed: MALFORMED.  512 bytes and Japanese are fine."""
    spool.link(software="s" * 512, host="支店のパソコン")
    agent = spool.identity().uuid.bytes
    good = wire.body("HELLO", min_version=1, max_version=1, agent=agent, max_frame=1 << 20)
    for payload in (
        good[:-1],
        good[:20],
        b"",
        good[:-2] + wire.varint(513) + b"s" * 513 + b"\0",
        good[:-2] + b"\x02\xc3\x28\0",
        good[:-2] + b"\x01\n\0",
        good[:-2] + b"\x02\xc2\x85\0",
        good[:-2] + b"\x80\x00\0",
    ):
        link = spool.link(hello=False)
        link.send_bytes(wire.frame(1, payload))
        link.expect_error("MALFORMED")


@case()
def hello_dribbled(spool):
    """Frames in pieces of one byte are taken as in one piece, and many frames
    in one piece too."""
    link = spool.link(hello=False)
    agent = link.identity.uuid.bytes
    hello = wire.message("HELLO", min_version=1, max_version=1, agent=agent, max_frame=1 << 20)
    for byte in hello:
        link.send_bytes(bytes([byte]))
    link.expect("HELLO_OK")
    link.send_bytes(b"".join(wire.message("PING", t1=n) for n in range(500)))
    for n in range(500):
        link.expect("PONG", t1=n)


@case()
def two_connections_third_takes_over(spool):
    """Two connections of an identity are served side by side; the third ends
    the oldest with ERROR TAKEN_OVER."""
    if not spool.options.ca_key and not spool.given:
        raise Skipped("needs an identity")
    links = [spool.link()]
    links.append(spool.link())
    streams = [spool.stream(label=f"-{n}") for n in range(3)]
    for link, stream in zip(links, streams):
        link.open(stream)
        link.deliver(stream)
    links.append(spool.link())
    links[2].open(streams[2])
    links[0].expect_error("TAKEN_OVER")
    links[1].deliver(streams[1])
    links[2].deliver(streams[2])


@case(alone=True)
def identity_over_receivers(spool):
    """Whoever of several receivers takes them, and also after the keeper was
    killed: of ten connections of an identity, one after the other, the last
    two stay, and the eight before have heard TAKEN_OVER."""
    links = []
    for n in range(10):
        if n == 6 and spool.options.ctl:
            os.kill(spool.role("keeper"), signal.SIGKILL)
            spool.status()
        links.append(spool.link())
        links[-1].alive()
        if n >= 2:
            links[n - 2].expect_error("TAKEN_OVER")
    for link in links[8:]:
        stream = spool.stream(label=f"-{links.index(link)}")
        link.open(stream)
        link.deliver(stream)
