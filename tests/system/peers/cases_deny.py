# SPDX-License-Identifier: Apache-2.0
"""Cases of the deny list (--deny-list, --pid): who is on it after a reload."""

import hashlib
import os
import signal
import ssl
import time
import uuid

from agentlink_peer import Failed, Skipped, case, check, until


def needs(spool):
    if not (spool.options.deny_list and spool.options.pid and spool.options.ctl):
        raise Skipped("needs --deny-list, --pid and --ctl")


def deny(spool, *lines):
    """Write the list, have it read; the time of that."""
    needs(spool)
    with open(spool.options.deny_list, "w", encoding="ascii") as f:
        f.write("# who must not come\n" + "".join(f"{line}\n" for line in lines))
    os.kill(int(spool.options.pid), signal.SIGHUP)
    return time.monotonic()


def ends_in_time(link, since):
    """ERROR DENIED within a second of the reload (and what a busy machine
    adds)."""
    link.expect_error("DENIED")
    took = time.monotonic() - since
    check(took < 1.5, f"ended after {took:.2f} s")


def fingerprint(identity):
    with open(identity.cert, encoding="ascii") as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    return hashlib.sha256(der).hexdigest()


@case(alone=True)
def deny_live_connection(spool):
    """A connection that stands is ended within a second of the reload; the
    others stay; a new one is refused with DENIED."""
    needs(spool)
    bad, good = (
        spool.issue(f"URI:spool:agent:{owner}", owner)
        for owner in (uuid.uuid4(), uuid.uuid4())
    )
    kept, stream = spool.link(good), spool.stream()
    kept.open(stream)
    kept.deliver(stream)
    link, second = spool.link(bad), spool.link(bad)
    ended = spool.stream(label="-bad")
    link.open(ended)
    link.deliver(ended)
    since = deny(spool, bad.uuid)
    ends_in_time(link, since)
    ends_in_time(second, since)
    again = spool.link(bad, hello=False)
    again.say_hello()
    again.expect_error("DENIED")
    kept.deliver(stream)


@case(alone=True)
def deny_by_certificate(spool):
    """The list may name a certificate by its SHA-256: another certificate of
    that identity goes on."""
    owner = uuid.uuid4()
    old = spool.issue(f"URI:spool:agent:{owner}", owner)
    new = spool.issue(f"URI:spool:agent:{owner}", owner)
    link, kept = spool.link(old), spool.link(new)
    ends_in_time(link, deny(spool, fingerprint(old)))
    kept.alive()
    again = spool.link(old, hello=False)
    again.say_hello()
    again.expect_error("DENIED")


@case(alone=True)
def deny_lifted(spool):
    """Who is taken off the list may come again."""
    identity = spool.identity()
    link = spool.link(identity)
    ends_in_time(link, deny(spool, identity.uuid))
    deny(spool)

    def comes():
        try:
            spool.link(identity).alive()
            return True
        except Failed:
            return False

    until(comes, "a connection after the list was emptied")


@case(alone=True)
def deny_bad_list_keeps_the_old(spool):
    """A list with a line that is neither keeps what was in force, and the
    connections; the status says why."""
    identity, other = spool.identity(), uuid.uuid4()
    link = spool.link(identity)
    deny(spool, other)
    link.alive()
    deny(spool, identity.uuid, "neither this nor that")
    until(lambda: spool.status()["reload"]["last_error"], "why it was not taken")
    link.alive()
    deny(spool)
    until(lambda: not spool.status()["reload"]["last_error"], "a good list")
    link.alive()
