# SPDX-License-Identifier: Apache-2.0
"""Where processor time goes: `tests/bench/run --profile`, with Linux perf."""
import os
import shutil
import signal
import subprocess

RATE = "997"
VIEWS = (["comm"], ["comm", "dso"], ["comm", "dso", "symbol"])


class Profile:
    """Samples of some processes, from begin() to end(); a text at last."""

    def __init__(self, bench, name):
        self.data = os.path.join(bench.work, f"{name}.perf")
        self.text = os.path.join(bench.build, f"bench-profile-{name}.txt")
        self.process = None
        self.bench = bench

    def begin(self, pids):
        if not self.bench.profile:
            return
        if not shutil.which("perf"):
            raise RuntimeError("--profile needs perf")
        # The user's part alone where the kernel's is not allowed: perf says.
        self.process = subprocess.Popen(
            ["perf", "record", "-q", "-F", RATE, "-o", self.data, "-p",
             ",".join(map(str, pids))], stdout=subprocess.DEVNULL)

    def end(self):
        if not self.process:
            return
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.process = None
        with open(self.text, "w") as f:
            for keys in VIEWS:
                f.flush()
                subprocess.run(
                    ["perf", "report", "--stdio", "-i", self.data, "--sort",
                     ",".join(keys), "--percent-limit", "0.5"], stdout=f,
                    stderr=subprocess.DEVNULL)
        os.unlink(self.data)
        self.bench.say(f"  profile: {self.text}")
