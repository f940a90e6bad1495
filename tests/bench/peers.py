# SPDX-License-Identifier: Apache-2.0
"""Other log daemons under the same load: what, and how: doc/bench.md.

Each is run from where it is installed, or from where fetch-peer unpacked it;
a peer that is not to be had is skipped, and the reason is told.
"""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import spool as spools

HERE = os.path.dirname(os.path.abspath(__file__))
MEASURES = {"ingest_agentlink_tls", "cpu_per_million_agentlink",
            "disk_at_once", "drain_chain"}
WINDOW = 128  # RELP frames that wait on a connection
STALL = 5  # seconds without a line: no more is to come


class Missing(Exception):
    """This peer is not to be had here."""


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def fetch(cache, name, *packages):
    """The directory where packages are unpacked."""
    where = os.path.join(cache, "peers", name)
    try:
        done = subprocess.run([os.path.join(HERE, "fetch-peer"), where,
                               *packages], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
    except OSError as e:
        raise Missing(str(e)) from e
    if done.returncode:
        raise Missing(done.stderr.decode().strip().split("\n")[-1])
    return where


def find(name, where):
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin",
                            os.path.join(where, "usr/sbin"),
                            os.path.join(where, "usr/bin")])
    found = shutil.which(name, path=path)
    if not found:
        raise Missing(f"no {name}")
    return found


def libraries(where):
    """An environment in which unpacked programs find their libraries."""
    dirs = sorted({os.path.dirname(x) for x in glob.glob(
        os.path.join(where, "**", "lib*.so*"), recursive=True)})
    before = [os.environ["LD_LIBRARY_PATH"]] if os.environ.get(
        "LD_LIBRARY_PATH") else []
    return dict(os.environ, LD_LIBRARY_PATH=":".join(dirs + before))


class Daemon:
    """A log daemon as a child process; `with` ends it."""

    def __init__(self, directory):
        self.directory = directory
        self.process = None
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(os.path.join(directory, "queue"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def queue(self):
        return os.path.join(self.directory, "queue")

    def launch(self, args, env, port):
        with open(os.path.join(self.directory, "log"), "a") as log:
            self.process = subprocess.Popen(
                args, env=env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)

        def is_up_or_over():
            return listens(port) or self.process.poll() is not None

        if not spools.wait_until(is_up_or_over, 20) or (
                self.process.poll() is not None):
            raise RuntimeError(f"{args[0]} does not listen")

    def stop(self, at_most=120):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=at_most)
        self.process = None

    def cpu_seconds(self):
        return spools.cpu_of(self.process.pid)

    def queue_bytes(self):
        return sum(os.path.getsize(x) for x in self.files())

    def files(self):
        return glob.glob(os.path.join(self.queue, "*"))


class Rsyslog(Daemon):
    """rsyslogd: `sync` is the disk queue with syncQueueFiles."""

    HEAD = """\
global(workDirectory="{queue}" net.enableDNS="off" maxMessageSize="128k"
  parser.escapeControlCharactersOnReceive="off")
template(name="raw" type="string" string="%rawmsg%\\n")
"""
    SYNC = """\
main_queue(queue.type="Disk" queue.filename="q" queue.syncQueueFiles="on"
  queue.maxDiskSpace="64g" queue.maxFileSize="64m" queue.timeoutShutdown="1"
  queue.timeoutActionCompletion="1" queue.timeoutEnqueue="60000")
module(load="imrelp")
input(type="imrelp" port="{port}" address="127.0.0.1" maxDataSize="128k")
"""
    # Without lightDelayMark 0 it holds senders back before it uses the disk.
    ASSISTED = """\
main_queue(queue.type="LinkedList" queue.filename="q" queue.size="200000"
  queue.highWatermark="50000" queue.lowWatermark="20000"
  queue.lightDelayMark="0" queue.dequeueBatchSize="4096"
  queue.maxDiskSpace="64g" queue.maxFileSize="64m" queue.saveOnShutdown="on"
  queue.timeoutShutdown="1" queue.timeoutActionCompletion="1"
  queue.timeoutEnqueue="60000")
module(load="imptcp" threads="2")
input(type="imptcp" port="{port}" address="127.0.0.1")
"""
    TARGET = """\
action(type="omfwd" target="127.0.0.1" port="{target}" protocol="tcp"
  template="raw" action.resumeRetryCount="-1" action.resumeInterval="1")
"""
    RECEIVER = """\
main_queue(queue.size="500000" queue.dequeueBatchSize="4096")
module(load="imtcp")
input(type="imtcp" port="{port}" address="127.0.0.1")
action(type="omfile" file="{arrived}" template="raw")
"""

    def __init__(self, bench, name, text, target=0):
        super().__init__(os.path.join(bench.work, name))
        self.where = fetch(bench.cache, "rsyslog", "rsyslog-relp")
        self.program = find("rsyslogd", self.where)
        self.port = spools.free_port()
        self.arrived = os.path.join(self.directory, "arrived")
        self.config = os.path.join(self.directory, "conf")
        with open(self.config, "w") as f:
            f.write((self.HEAD + text).format(
                queue=self.queue, port=self.port, target=target,
                arrived=self.arrived))

    def start(self):
        modules = ":".join(
            x for x in sorted(glob.glob(os.path.join(
                self.where, "usr/lib/*/rsyslog")))
            + sorted(glob.glob("/usr/lib/*/rsyslog")))
        self.launch(
            [self.program, "-n", "-M", modules, "-f", self.config, "-i",
             os.path.join(self.directory, "pid")], libraries(self.where),
            self.port)

    def kept(self):
        """Records in its queue files."""
        total = 0
        for path in glob.glob(os.path.join(self.queue, "q.0*")):
            with open(path, "rb") as f:
                total += f.read().count(b"<Obj:1:msg:")
        return total


class SyslogNg(Daemon):
    """syslog-ng with a reliable disk buffer."""

    CONFIG = """\
@version: 3.38
options {{ keep-hostname(yes); use-dns(no); dns-cache(no); stats-freq(0);
  time-reopen(1); }};
source s {{ network(ip(127.0.0.1) port({port}) transport("tcp")
  flags(no-parse) max-connections(64) log-iw-size(80000)
  log-fetch-limit(1000)); }};
destination d {{ network("127.0.0.1" port({target}) transport("tcp")
  template("$MSG\\n") disk-buffer(reliable(yes) mem-buf-size(67108864)
  disk-buf-size(34359738368) dir("{queue}"))); }};
log {{ source(s); destination(d); flags(flow-control); }};
"""

    def __init__(self, bench, name, target):
        super().__init__(os.path.join(bench.work, name))
        self.where = fetch(bench.cache, "syslog-ng", "syslog-ng-core")
        self.program = find("syslog-ng", self.where)
        self.dqtool = find("dqtool", self.where)
        self.port = spools.free_port()
        self.config = os.path.join(self.directory, "conf")
        with open(self.config, "w") as f:
            f.write(self.CONFIG.format(
                port=self.port, target=target, queue=self.queue))

    def start(self):
        args = [self.program, "-F", "--no-caps", "-f", self.config]
        for letter, name in (("R", "persist"), ("p", "pid"), ("c", "ctl")):
            args += ["-" + letter, os.path.join(self.directory, name)]
        modules = glob.glob(os.path.join(self.where, "usr/lib/syslog-ng/3*"))
        if modules and self.program.startswith(self.where):
            args.append("--module-path=" + modules[0])
        self.launch(args, libraries(self.where), self.port)

    def kept(self):
        done = subprocess.run(
            [self.dqtool, "info", *glob.glob(
                os.path.join(self.queue, "*.rqf"))],
            env=libraries(self.where), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        said = done.stdout.decode().rpartition("number_of_messages='")[2]
        return int(said.split("'")[0])


# ---- the measures ---------------------------------------------------------


def corpus(bench):
    """mix-1 as a file of records, and the bytes of a mean record."""
    records = bench.size["peer_records"]
    path = os.path.join(bench.cache, f"records.{records}")
    if not os.path.exists(path):
        with open(path + ".new", "wb") as f:
            subprocess.run([bench.tool("sample"), "--records", str(records),
                            "--framing", "length"], stdout=f, check=True)
        os.rename(path + ".new", path)
    return path, os.path.getsize(path) / records - 4


def load(bench, daemon, mode, warm):
    """Load a daemon; the result, with the processor time it took."""
    path, mean = corpus(bench)
    p = subprocess.Popen(
        [bench.tool("peerload"), mode, str(daemon.port), path,
         str(bench.connections), str(WINDOW), str(warm),
         str(bench.size["peer_window"])], stdout=subprocess.PIPE)
    at, result = {}, None
    for line in p.stdout:
        told = json.loads(line)
        at[told["event"]] = daemon.cpu_seconds()
        result = told
    if p.wait() or result["event"] != "result":
        raise RuntimeError("peerload failed")
    result["cpu_seconds"] = at["end"] - at["begin"]
    result["mean_bytes"] = mean
    return result


def ingest_sync(bench):
    """RELP acknowledgements of rsyslog whose queue files are synced."""
    with Rsyslog(bench, "rsyslog-disk-sync", Rsyslog.SYNC + Rsyslog.TARGET,
                 spools.free_port()) as daemon:
        daemon.start()
        result = load(bench, daemon, "relp", 1)
    bench.peer("rsyslog-disk-sync", result, {
        "ingest_agentlink_tls": result["rate"],
        "cpu_per_million_agentlink":
            result["cpu_seconds"] / max(result["records"], 1) * 1e6})


def ingest_and_drain(bench, name, daemon, receiver):
    """A window of lines with the target away; then it comes, all drains."""
    daemon.start()
    result = load(bench, daemon, "lf", 0)
    daemon.stop()
    # rsyslog writes some of a batch again that it was stopped in.
    kept = result["kept"] = min(daemon.kept(), result["records"])
    figures = {
        "ingest_agentlink_tls": kept / result["seconds"],
        "cpu_per_million_agentlink": result["cpu_seconds"] / kept * 1e6,
        "disk_at_once":
            daemon.queue_bytes() / (kept * result["mean_bytes"])}
    bench.drop_cached(daemon.queue)
    receiver.start()
    daemon.start()
    figures["drain_chain"] = watch(receiver, kept, result)
    bench.peer(name, result, figures)


def watch(receiver, until, result):
    """Records a second, from the first byte to the last line."""
    path, begin, at, lines = receiver.arrived, None, 0, 0
    last = end = time.monotonic()
    while lines < until and last < end + (STALL if at else 60):
        now = time.monotonic()
        size = os.path.getsize(path) if os.path.exists(path) else 0
        if size > at:
            begin = begin or last
            with open(path, "rb") as f:
                f.seek(at)
                part = f.read(size - at)
            lines, at = lines + part.count(b"\n"), at + len(part)
            end = now
        last = now
        # No wait_until: each look is measured, and each line gives time.
        time.sleep(0.02)
    result["drained"] = lines
    result["lost_in_drain"] = until - lines
    if not lines:
        raise RuntimeError("nothing drained")
    return lines / (end - begin)


def receiver_of(bench):
    return Rsyslog(bench, "rsyslog-receiver", Rsyslog.RECEIVER)


def assisted(bench):
    with receiver_of(bench) as receiver, Rsyslog(
            bench, "rsyslog-disk-assisted",
            Rsyslog.ASSISTED + Rsyslog.TARGET, receiver.port) as daemon:
        ingest_and_drain(bench, "rsyslog-disk-assisted", daemon, receiver)


def reliable(bench):
    with receiver_of(bench) as receiver, SyslogNg(
            bench, "syslog-ng-reliable", receiver.port) as daemon:
        ingest_and_drain(bench, "syslog-ng-reliable", daemon, receiver)


STEPS = {
    "rsyslog-disk-sync": ingest_sync,
    "rsyslog-disk-assisted": assisted,
    "syslog-ng-reliable": reliable,
}
