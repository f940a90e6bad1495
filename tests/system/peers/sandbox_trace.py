#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Judge strace logs of roles by lib/sandbox/roles.def.

sandbox_trace.py [--killed] ROLES.DEF DIRECTORY: DIRECTORY holds PROGRAM-PID
logs.  What comes after the seccomp filter was set must be allowed by the
role's row, or must have failed with EPERM.  Fails also if a log shows no
filter, or if a program was never seen: then it would prove nothing.  With
--killed a role may have ended before it had a filter, and not every program
needs to have run.
"""
import os
import re
import sys

CLASSES = {
    "open": ("open", "openat", "openat2", "creat"),
    # A socket that was given may be listened on.
    "connect": ("connect", "bind"),
    "socket": ("socket", "socketpair"),
    "exec": ("execve", "execveat"),
}
PROGRAMS = {"keeper", "receiver", "forwarder", "resolver", "worker"}
END = re.compile(r"\+\+\+ (killed by|exited with) ")
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
    """The offences of one log, or None if there is no filter in it, and
    whether the process has ended."""
    seen, ended, bad = False, False, []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            if is_filter(line):
                seen = True
                continue
            ended = ended or bool(END.search(line))
            call = re.match(r"\d+\s+(\w+)\(", line)
            if not seen or not call:
                continue
            for name, calls in CLASSES.items():
                if call[1] in calls and not allowed[name] \
                        and "EPERM" not in line:
                    bad.append(line.strip())
    return bad if seen else None, ended


def roles_of(program, path):
    """The rows of which one must allow all that the process did."""
    if program != "forwarder":
        return [program]
    with open(path, encoding="utf-8", errors="replace") as f:
        first = f.readline()
    if "forwarder-archive" in first:
        return ["forwarder-file"]
    return ["forwarder", "forwarder-file"]


def main():
    arguments = sys.argv[1:]
    lenient = arguments[0] == "--killed"
    roles_def, directory = arguments[lenient:]
    roles = read_roles(roles_def)
    status, judged = 0, set()
    for name in sorted(os.listdir(directory)):
        program = name.rsplit("-", 1)[0]
        path = os.path.join(directory, name)
        rows = roles_of(program, path)
        bad, ended = min((judge(path, roles[row]) for row in rows),
                         key=lambda found: len(found[0] or []))
        if bad is None:
            if lenient and ended:
                continue
            print(f"{name}: no seccomp filter was set")
            status = 1
            continue
        judged.add(program)
        for line in bad:
            print(f"{name} ({rows}): {line}")
            status = 1
    print(f"judged: {sorted(judged)}")
    missing = set() if lenient else PROGRAMS - judged
    if missing:
        print(f"never seen: {sorted(missing)}")
    sys.exit(status or bool(missing))


main()
