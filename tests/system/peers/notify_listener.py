#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stand in for the service manager: write each notification as a line.

notify_listener.py SOCKET LOG: binds SOCKET and appends to LOG what comes, the
fields of one message joined by spaces.  Says READY on standard output.
"""
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, \
        open(sys.argv[2], "a", encoding="utf-8") as log:
    s.bind(sys.argv[1])
    print("READY", flush=True)
    while True:
        message = s.recv(65536).decode()
        log.write(message.strip().replace("\n", " ") + "\n")
        log.flush()
