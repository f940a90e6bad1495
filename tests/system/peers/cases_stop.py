# SPDX-License-Identifier: Apache-2.0
"""Cases that end the spool (--stop PID)."""

import os
import signal

from agentlink_peer import Skipped, case, check


@case(alone=True)
def stop_drains(spool):
    """A spool that stops says DRAIN, with when to come back; acknowledges what
    was sent; and closes once the agent has said GOODBYE."""
    if not spool.options.stop:
        raise Skipped("needs --stop")
    link, stream = spool.opened()
    link.deliver(stream)
    link.data(stream, stream.new_batch(50))
    os.kill(int(spool.options.stop), signal.SIGTERM)
    drain = None
    while drain is None or link.acks[stream.number] < stream.next - 1:
        m = link.receive()
        check(m, "the connection ended before DRAIN and the last ACK")
        check(m.kind in ("DRAIN", "ACK", "CREDIT", "PING"), f"{m} came")
        drain = m if m.kind == "DRAIN" else drain
    check(0 < drain.deadline_ms <= 10000, f"{drain}")
    link.send("GOODBYE", text="as you wish")
    link.expect_end()
