# SPDX-License-Identifier: Apache-2.0
"""Cases for tests/bench/report.py; run by report.sh."""
import unittest

import report

LIMITS = {"generator": [4_000_000, 8_000_000, 6_000_000],
          "fdatasync_per_s": [500, 1000, 2000]}


def made(results, peers=None):
    return report.entries(results, peers or {}, LIMITS,
                          lambda name: {"quick": False})


def line_of(text, start):
    found = [x for x in text.split("\n") if x.startswith(start)]
    assert len(found) == 1, text
    return found[0]


class Report(unittest.TestCase):
    def test_every_measure_says_its_unit_and_which_way_is_better(self):
        for unit, better, goal, limit in report.ROWS.values():
            self.assertIn(unit, ("records/s", "seconds", "bytes", "ratio"))
            self.assertIn(better, ("more", "less"))
            self.assertTrue(goal is None or goal > 0)
            self.assertIn(limit, (None, report.GENERATOR, report.FLUSH))

    def test_the_shape_is_what_interfaces_promise(self):
        e = made({"ingest_agentlink_tls": [1, 3, 2]},
                 {"rsyslog": {"ingest_agentlink_tls": [5]}, "idle": {}})[0]
        self.assertEqual(
            (e["measure"], e["unit"], e["better"], e["spoold"], e["peers"]),
            ("ingest_agentlink_tls", "records/s", "more", [1, 3, 2],
             {"rsyslog": [5]}))
        self.assertEqual(e["limits"], LIMITS)
        self.assertEqual(e["load"], {"quick": False})

    def test_what_was_not_measured_is_absent(self):
        self.assertEqual(made({"drain_chain": [], "memory_idle": [1]})[0]
                         ["measure"], "memory_idle")
        self.assertEqual(made({}), [])
        self.assertTrue(report.table([]))

    def test_the_median_counts_and_all_runs_are_kept(self):
        e = made({"drain_chain": [9_000_000, 1_200_000, 1_100_000]})
        self.assertEqual(len(e[0]["spoold"]), 3)
        line = line_of(report.table(e), "drain_chain")
        for figure in ("1,200,000/s", "1,100,000/s", "9,000,000/s", "0.200"):
            self.assertIn(figure, line)

    def test_a_missed_goal_is_marked_and_a_met_one_is_not(self):
        rows = (("ingest_agentlink_tls", 999_999, True),
                ("ingest_agentlink_tls", 1_000_000, False),
                ("cpu_per_million_agentlink", 1.6, True),
                ("cpu_per_million_agentlink", 1.5, False),
                ("memory_idle", 64 * report.MIB + 1, True),
                ("memory_idle", 64 * report.MIB, False),
                ("ingest_agentlink_live", 1, False))
        for measure, value, is_missed in rows:
            text = report.table(made({measure: [value]}))
            self.assertEqual("MISSED" in text, is_missed, (measure, value))

    def test_the_nearest_peer_gives_the_ratio(self):
        peers = {"slow": {"ingest_agentlink_tls": [10]},
                 "fast": {"ingest_agentlink_tls": [250, 100, 200]}}
        e = made({"ingest_agentlink_tls": [1000]}, peers)
        self.assertEqual(report.best_peer(e[0]), ("fast", 5))

    def test_less_is_better_where_it_is(self):
        peers = {"a": {"disk_at_once": [0.5]}, "b": {"disk_at_once": [1.0]}}
        e = made({"disk_at_once": [0.25]}, peers)
        self.assertEqual(report.best_peer(e[0]), ("a", 2))

    def test_a_peer_that_did_nothing_has_no_ratio(self):
        e = made({"ingest_agentlink_tls": [1000]},
                 {"dead": {"ingest_agentlink_tls": [0]}})
        self.assertIsNone(report.best_peer(e[0]))
        self.assertIn("dead", report.table(e))

    def test_latency_is_held_against_a_flush(self):
        e = made({"ack_latency_half_p99": [0.02]})
        self.assertIn("20 flushes",
                      line_of(report.table(e), "ack_latency_half_p99"))

    def test_a_skipped_peer_is_told_with_its_reason(self):
        e = made({"memory_idle": [1]})
        self.assertIn("syslog-ng: skipped: no apt",
                      report.table(e, {"syslog-ng": "no apt"}))

    def test_every_limit_is_printed(self):
        text = report.table(made({"memory_idle": [1]}))
        self.assertIn("6,000,000", line_of(text, "generator"))
        self.assertIn("1,000", line_of(text, "fdatasync_per_s"))


if __name__ == "__main__":
    unittest.main()
