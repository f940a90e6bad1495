# SPDX-License-Identifier: Apache-2.0
"""A spoold under measurement: started, asked, weighed, ended by pid."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

ROLES = {
    "spoold-keeper": "spoold/keeper",
    "spoold-receiver": "agentlink/receiver",
    "spoold-forwarder": "forwarder",
    "spoold-resolver": "forwarder/resolver",
    "spoold-inspector": "spoold/inspector",
    "spoold-worker": "spoold/worker",
}
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(holds, at_most, every=0.02):
    """What holds() returns as soon as it is something, else None."""
    end = time.monotonic() + at_most
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(every)
    return None


def cpu_of(pid, with_ended=False):
    """Processor seconds of a process, and of its children that ended."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return sum(int(x) for x in fields[11:15 if with_ended else 13]) / TICKS


def libexec(build, where):
    """Links to the role programs of a build; returns the directory."""
    path = os.path.join(where, "libexec")
    os.makedirs(path, exist_ok=True)
    for name, room in ROLES.items():
        program = os.path.join(build, room, name)
        link = os.path.join(path, name)
        if os.path.exists(program) and not os.path.lexists(link):
            os.symlink(program, link)
    return path


class Spool:
    """One spoold in a directory of its own; `with` ends it."""

    def __init__(self, bench, name, targets=""):
        self.bench = bench
        self.name = name
        self.dir = os.path.join(bench.work, name)
        self.port = free_port()
        self.process = None
        self.control = os.path.join(self.dir, "run", "control.sock")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        certs = os.path.join(bench.cache, "certs")
        with open(os.path.join(self.dir, "spoold.yaml"), "w") as f:
            f.write(f"""\
spool: {{ directory: {self.dir}/spool, quota: {bench.quota} }}
run_directory: {self.dir}/run
log: {{ level: info }}
identity: {{ certificate: {certs}/{name}.pem, key: {certs}/{name}.key }}
listeners:
  agents:
    protocol: agentlink
    address: "127.0.0.1:{self.port}"
    client_ca: {certs}/ca.pem
""")
            if targets:
                f.write("targets:\n" + targets)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            # Only after a failure: the measures stop it in order.
            self.process.kill()
            self.process.wait()
            self.process = None
        shutil.rmtree(self.dir, ignore_errors=True)

    @property
    def spool_dir(self):
        return os.path.join(self.dir, "spool")

    def launch(self):
        env = dict(os.environ, SPOOLD_LIBEXECDIR=self.bench.libexec)
        log = open(os.path.join(self.dir, "log"), "a")
        self.process = subprocess.Popen(
            [self.bench.program("spoold/spoold"), "--config",
             os.path.join(self.dir, "spoold.yaml")],
            env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def start(self):
        self.launch()
        self.ctl("wait", "--ready", "--timeout", "60s")
        # Spares are written at the start; the measures come after that.
        self.wait_quiet()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.process = None
        if code:
            raise RuntimeError(f"{self.name}: spoold ended with {code}\n"
                               + self.log_tail())

    def log_tail(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return "".join(f.readlines()[-20:])

    def ctl(self, *args):
        done = subprocess.run(
            [self.bench.program("admin/spoolctl"), "--socket", self.control,
             *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            raise RuntimeError(f"{self.name}: spoolctl {args}: "
                               + done.stderr.decode() + self.log_tail())
        return done.stdout

    def status(self):
        """Asked at the control socket itself: a spoolctl costs too much."""
        request = b'{"v":1,"verb":"status","args":{}}'
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.control)
            s.sendall(struct.pack(">IB", 1 + len(request), 1) + request)
            head = s.recv(5, socket.MSG_WAITALL)
            size = struct.unpack(">IB", head)[0] - 1
            answer = json.loads(s.recv(size, socket.MSG_WAITALL))
        if not answer["ok"]:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return answer["result"]

    def listener(self):
        """The agentlink listener's row of the status."""
        return self.status()["listeners"][0]

    def pids(self):
        """The supervisor and its children."""
        top = self.process.pid
        with open(f"/proc/{top}/task/{top}/children") as f:
            return [top] + [int(x) for x in f.read().split()]

    def cpu_by_role(self):
        """Processor seconds; those that have ended are the supervisor's."""
        roles = {}
        for i, pid in enumerate(self.pids()):
            seconds = cpu_of(pid, with_ended=i == 0)
            with open(f"/proc/{pid}/cmdline") as f:
                words = f.read().split("\0")
            role = "supervisor"
            if "--role-name" in words:
                role = words[words.index("--role-name") + 1]
            roles[role] = roles.get(role, 0) + seconds
        return roles

    def cpu_seconds(self):
        return sum(self.cpu_by_role().values())

    def read_bytes(self):
        """What its processes had to read from the disk; 0: not known."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/io") as f:
                    for line in f:
                        if line.startswith("read_bytes:"):
                            total += int(line.split()[1])
            except PermissionError:
                return 0
        return total

    def memory_bytes(self):
        """PSS of all processes, without what is mapped from files."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as f:
                for line in f:
                    word = line.split()
                    if word[0] in ("Pss_Anon:", "Pss_Shmem:"):
                        total += int(word[1]) * 1024
        return total

    def wait_quiet(self, busy=0.02, at_most=30):
        """Until a half second costs (nearly) no processor time."""
        before = float("-inf")

        def is_quiet():
            nonlocal before
            now = self.cpu_seconds()
            spent, before = now - before, now
            return spent <= busy

        wait_until(is_quiet, at_most, every=0.5)


def drop_cached_files(where):
    """Make the files of a directory cold: written, and not in memory."""
    for path, _, names in os.walk(where):
        for name in names:
            fd = os.open(os.path.join(path, name), os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def watch(spool, until, at_most=300):
    """When nothing was there for the last time, when all was, how much."""
    began, n = time.monotonic(), 0

    def all_was():
        nonlocal began, n
        now, n = time.monotonic(), spool.listener()["stored"]
        if not n:
            began = now
        return time.monotonic() if n >= until else None

    ended = wait_until(all_was, at_most)
    if not ended:
        raise RuntimeError(f"drained {n} of {until} in {at_most} s")
    return began, ended, n
