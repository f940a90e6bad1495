# SPDX-License-Identifier: Apache-2.0
"""What `make bench` prints and keeps: the table and bench.json.

Pure: runs in, text and lists out.  `python3 tests/bench/report.py FILE` prints
the table of a bench.json again.
"""
import json
import statistics
import sys

MIB = 1 << 20

# What a figure is held against: the generator's rate into a null sink, or the
# time of one flush of the disk.
GENERATOR, FLUSH = "generator", "fdatasync_per_s"

# measure: unit, better, goal (None: only reported), limit
ROWS = {
    "ingest_agentlink_tls": ("records/s", "more", 1_000_000, GENERATOR),
    "ingest_agentlink_live": ("records/s", "more", None, GENERATOR),
    "ingest_agentlink_field": ("records/s", "more", 300_000, GENERATOR),
    "cpu_per_million_agentlink": ("seconds", "less", 1.5, None),
    "disk_at_once": ("ratio", "less", 0.25, None),
    "drain_chain": ("records/s", "more", 1_000_000, GENERATOR),
    "ack_latency_half_p50": ("seconds", "less", None, FLUSH),
    "ack_latency_half_p99": ("seconds", "less", 0.025, FLUSH),
    "ack_latency_quiet_p99": ("seconds", "less", 0.250, FLUSH),
    "memory_idle": ("bytes", "less", 64 * MIB, None),
    "memory_load": ("bytes", "less", 256 * MIB, None),
}


def shown(unit, value):
    """A figure for a person."""
    if unit == "records/s":
        return f"{value:,.0f}/s"
    if unit == "seconds":
        return f"{value:.3f} s" if value >= 1 else f"{value * 1e3:.1f} ms"
    if unit == "bytes":
        return f"{value / MIB:.1f} MiB"
    return f"{value:.3f}"


def is_met(row, middle):
    """True, False, or None where there is no goal."""
    _, better, goal, _ = row
    if goal is None:
        return None
    return middle >= goal if better == "more" else middle <= goal


def advantage(better, own, other):
    """How many times better `own` is; None where that means nothing."""
    above, below = (own, other) if better == "more" else (other, own)
    return above / below if below > 0 else None


def of_limit(row, middle, limits):
    """A share of the generator, or a number of flushes; '' without limit."""
    values = limits.get(row[3])
    if not values or not statistics.median(values):
        return ""
    limit = statistics.median(values)
    if row[3] == FLUSH:
        return f"{middle * limit:,.0f} flushes"
    return f"{middle / limit:.3f}"


def goal_text(row):
    if row[2] is None:
        return "reported"
    sign = ">=" if row[1] == "more" else "<="
    return f"{sign} {shown(row[0], row[2])}"


def entries(results, peers, limits, load):
    """bench.json: one object a measure (INTERFACES: make bench)."""
    return [{
        "measure": name, "unit": row[0], "better": row[1],
        "goal": row[2], "spoold": results[name],
        "peers": {peer: runs[name] for peer, runs in peers.items()
                  if runs.get(name)},
        "limits": limits, "load": load(name),
    } for name, row in ROWS.items() if results.get(name)]


def best_peer(entry):
    """(name, times better) of the peer that comes nearest; None."""
    own = statistics.median(entry["spoold"])
    found = [(advantage(entry["better"], own, statistics.median(runs)), name)
             for name, runs in entry["peers"].items()]
    found = [x for x in found if x[0] is not None]
    if not found:
        return None
    ratio, name = min(found)
    return name, ratio


def lines_of_measures(listed):
    yield (f"{'measure':27} {'median':>13} {'least':>13} {'most':>13} "
           f"{'runs':>4} {'of limit':>14} {'x peer':>7}  goal")
    for e in listed:
        row = ROWS[e["measure"]]
        middle = statistics.median(e["spoold"])
        near = best_peer(e)
        met = is_met(row, middle)
        mark = {True: "", False: "  MISSED", None: ""}[met]
        yield (f"{e['measure']:27} {shown(row[0], middle):>13} "
               f"{shown(row[0], min(e['spoold'])):>13} "
               f"{shown(row[0], max(e['spoold'])):>13} "
               f"{len(e['spoold']):>4} {of_limit(row, middle, e['limits']):>14}"
               f" {f'{near[1]:.1f}' if near else '':>7}  "
               f"{goal_text(row)}{mark}")


def lines_of_peers(listed):
    for e in listed:
        own = statistics.median(e["spoold"])
        for name, runs in e["peers"].items():
            middle = statistics.median(runs)
            times = advantage(e["better"], own, middle)
            yield (f"{e['measure']:27} {name:23} "
                   f"{shown(e['unit'], middle):>13} "
                   f"{f'{times:,.1f}' if times else '':>14}  {len(runs)}")


def table(listed, skipped=None):
    """The whole text; `skipped`: why a peer was not measured."""
    out = list(lines_of_measures(listed))
    peers = list(lines_of_peers(listed))
    if peers:
        out += ["", f"{'measure':27} {'peer':23} {'median':>13} "
                f"{'spoold, times':>14}  runs", *peers]
    for name, why in sorted((skipped or {}).items()):
        out.append(f"{name}: skipped: {why}")
    if listed:
        out += ["", f"{'limit':27} {'median':>16} {'least':>16} {'most':>16}"]
        out += [f"{name:27} {statistics.median(v):16,.0f} {min(v):16,.0f} "
                f"{max(v):16,.0f}" for name, v in listed[0]["limits"].items()]
    return "\n".join(out)


def main():
    with open(sys.argv[1]) as f:
        listed = json.load(f)
    skipped = listed[0]["load"].get("peers_skipped") if listed else None
    print(table(listed, skipped))


if __name__ == "__main__":
    main()
