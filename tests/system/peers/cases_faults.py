# SPDX-License-Identifier: Apache-2.0
"""Cases of section 5 under a network that fails."""

import select
import socket
import ssl
import struct
import threading

from agentlink_peer import Failed, Unreachable, case, check

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close says RST


class Cut:
    """A relay that resets both sides after so many bytes of the agent's."""

    def __init__(self, to, most):
        self.to, self.most = to, most
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.passed = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with self.listener, self.listener.accept()[0] as agent:
            with socket.create_connection(self.to) as spool:
                for s in (agent, spool):
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                try:
                    while self.relay(agent, spool):
                        pass
                except OSError:
                    pass

    def relay(self, agent, spool):
        for s in select.select([agent, spool], [], [])[0]:
            left = self.most - self.passed
            data = s.recv(min(left, 4096) if s is agent else 65536)
            if not data:
                return False
            (spool if s is agent else agent).sendall(data)
            if s is agent:
                self.passed += len(data)
        return self.passed < self.most


@case()
def reset_at_any_byte(spool):
    """A connection that is reset at any byte of TLS, HELLO, STREAM_OPEN or DATA
    leaves whole batches or none, and nothing is lost or stored twice."""
    to, identity = spool.address, spool.identity()
    link, stream = spool.opened()
    link.deliver(stream)
    link.close()
    batches, heads, seen = [], {stream.next - 1: stream.head}, set()
    whole = False
    for most in [*range(1, 4000, 67), 1 << 20]:
        batches.append(stream.new_batch(2))
        heads[stream.next - 1] = stream.head
        cut = Cut(to, most)
        spool.address = cut.address
        link = last = None
        try:
            link = spool.link(identity)
            m = link.open(stream)
            last = m.last
            check(m.last in heads and m.head == heads[m.last], "not whole")
            for batch in batches:
                if batch.first > last:
                    link.data(stream, batch)
            link.settled(stream)
            whole = True
        except (Failed, Unreachable, OSError, ssl.SSLError) as e:
            if "not whole" in str(e):
                raise
        finally:
            spool.address = to
            if link:
                link.close()
        cut.thread.join()
        seen.add("opened" if last is not None else "not opened")
    check(whole, "even without a cut it was not taken")
    check(seen == {"opened", "not opened"}, f"the cuts were all {seen}")
