#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Judge strace logs of roles by lib/sandbox/roles.def.

sandbox_trace.py ROLES.DEF DIRECTORY: DIRECTORY holds PROGRAM-PID logs.  What
comes after the seccomp filter was set must be allowed by the role's row, or
must have failed with EPERM.  Fails also if a log shows no filter: then it
would prove nothing.
"""
import os
import re
import sys

CLASSES = {
    "open": ("open", "openat", "openat2", "creat"),
    "connect": ("connect", "bind", "listen"),
    "socket": ("socket", "socketpair"),
    "exec": ("execve", "execveat"),
}
PROGRAMS = {"keeper", "receiver", "forwarder", "resolver", "worker"}
ROW = re.compile(
    r'ROLE\(\w+, "([a-z-]+)", (\d), (\d), (\d), (\d), (\d), (\d)')


def read_roles(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return {
        m[1]: dict(zip(("open", "connect", "socket", "exec"),
                       (int(x) for x in m.groups()[1:5])))
        for m in ROW.finditer(text)
    }


def is_filter(line):
    return ("seccomp(SECCOMP_SET_MODE_FILTER" in line
            or "PR_SET_SECCOMP" in line) and line.rstrip().endswith("= 0")


def judge(path, allowed):
    """The offences of one log, or None if there is no filter in it."""
    seen, bad = False, []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            if is_filter(line):
                seen = True
                continue
            call = re.match(r"\d+\s+(\w+)\(", line)
            if not seen or not call:
                continue
            for name, calls in CLASSES.items():
                if call[1] in calls and not allowed[name] \
                        and "EPERM" not in line:
                    bad.append(line.strip())
    return bad if seen else None


def main():
    roles = read_roles(sys.argv[1])
    status, judged = 0, set()
    for name in sorted(os.listdir(sys.argv[2])):
        program = role = name.rsplit("-", 1)[0]
        path = os.path.join(sys.argv[2], name)
        if role == "forwarder":
            with open(path, encoding="utf-8", errors="replace") as f:
                if "forwarder-archive" in f.read():
                    role = "forwarder-file"
        bad = judge(path, roles[role])
        if bad is None:
            print(f"{name}: no seccomp filter was set")
            status = 1
            continue
        judged.add(program)
        for line in bad:
            print(f"{name} ({role}): {line}")
            status = 1
    print(f"judged: {sorted(judged)}")
    sys.exit(status or not judged >= PROGRAMS)


main()
