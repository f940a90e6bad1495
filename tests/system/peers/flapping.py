#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A syslog server that is up for a second and down for a second.

flapping.py PORT FILE: whole octet-counted messages go to FILE; what a
connection brought only in part is forgotten, as a server would.  After
SIGUSR1 it stays up.
"""
import select
import signal
import socket
import sys
import time


steady = False


def stay_up(_signum, _frame):
    """SIGUSR1: no more flapping."""
    global steady
    steady = True


def serve(port, out, until):
    listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
    held = {}
    while steady or time.monotonic() < until:
        ready, _, _ = select.select([listener, *held], [], [], 0.05)
        for s in ready:
            if s is listener:
                held[s.accept()[0]] = b""
                continue
            data = s.recv(1 << 16)
            if not data:
                del held[s]
                s.close()
                continue
            held[s] = take(held[s] + data, out)
    for s in [listener, *held]:
        s.close()


def take(data, out):
    """Write the whole messages, return the rest."""
    at = 0
    while True:
        space = data.find(b" ", at, at + 12)
        if space < 0:
            break
        end = space + 1 + int(data[at:space])
        if end > len(data):
            break
        out.write(data[at:end])
        at = end
    out.flush()
    return data[at:]


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    signal.signal(signal.SIGUSR1, stay_up)
    with open(path, "ab") as out:
        while True:
            serve(port, out, time.monotonic() + 1)
            time.sleep(1)


main()
