# SPDX-License-Identifier: Apache-2.0
"""Random courses: agents that do anything that the document allows, and some
that it does not, in any order.  SEED in the environment repeats one."""

import os
import random
import signal
import threading
import time

import agentlink_wire as wire
from agentlink_peer import Failed, Unreachable, case, check

AHEAD = 15  # batches sent and not acknowledged


class Course:
    """One stream, as its agent knows it: steps are batches, or ADVANCEs as
    (from, to, head)."""

    def __init__(self, stream, rand):
        self.stream, self.rand = stream, rand
        self.steps, self.at = [], 0
        self.heads = {0: wire.ZERO_HEAD}
        self.acked = self.most = 0  # acknowledged; ever sent

    def add(self):
        """One more step at the end."""
        s = self.stream
        if self.rand.random() < 0.05:
            first, s.next = s.next, s.next + self.rand.randrange(1, 50)
            s.head = self.rand.randbytes(16)
            self.steps.append((first, s.next - 1, s.head))
        else:
            size = self.rand.choice((0, 0, 0, 100, 3000))
            records = s.records(self.rand.randrange(1, 60), size)
            self.steps.append(s.new_batch(records, self.rand.random() < 0.8))
        self.heads[s.next - 1] = s.head

    def seek(self, last, m):
        """Go on behind `last`, which must be where a step ends."""
        check(last in self.heads, f"{m}: inside a batch")
        check(last >= self.acked, f"{m}: {self.acked} was acknowledged")
        self.at = 0
        while self.at < len(self.steps) and first_of(self.steps[self.at]) <= last:
            self.at += 1

    def send(self, link, step):
        last = step[1] if isinstance(step, tuple) else step.last
        self.most = max(self.most, last)
        if isinstance(step, tuple):
            fields = {"from": step[0], "to": step[1], "reason": wire.LOST}
            link.send("ADVANCE", stream=self.stream.number, head=step[2], **fields)
        else:
            link.data(self.stream, step)

    def forward(self, link):
        if self.at == len(self.steps):
            self.add()
        if self.at - self.acked_steps() < AHEAD:
            self.send(link, self.steps[self.at])
            self.at += 1

    def acked_steps(self):
        n = self.at
        while n and first_of(self.steps[n - 1]) > self.acked:
            n -= 1
        return n

    def misbehave(self, link):
        """Something that is refused, or a repeat."""
        what = self.rand.randrange(4)
        batches = [b for b in self.steps[: self.at] if not isinstance(b, tuple)]
        if what == 0 and batches:
            link.data(self.stream, self.rand.choice(batches))
        elif what == 1 and self.at < len(self.steps):
            step = self.steps[self.at]
            if not isinstance(step, tuple):
                link.data(self.stream, step, content_digest=bytes(32))
        elif what == 2 and self.at + 1 < len(self.steps):
            step = self.steps[self.at + 1]
            if not isinstance(step, tuple):
                self.send(link, step)
        elif what == 3 and batches:
            batch = self.rand.choice(batches)
            if len(batch.records) > 1:
                self.send_part(link, batch)

    def send_part(self, link, batch):
        """The end of a batch and something behind it: never taken."""
        other = type(self.stream)(
            self.stream.name, batch.first + 1, bytes(16), self.stream.epoch
        )
        link.data(self.stream, other.batch([b"not this"] * len(batch.records)))

    def on(self, m):
        if m.kind == "ACK":
            check(m.seq in self.heads, f"{m}: inside a batch")
            check(m.seq <= self.most, f"{m}: {self.most} was sent")
            self.acked = max(self.acked, m.seq)
        elif m.kind == "NACK" and m.code_name == "TAKEN_OVER":
            raise Gone
        elif m.kind == "NACK":
            head = self.heads.get(m.resume_at - 1)
            check(m.head == head, f"{m}: the head there is {head and head.hex()}")
            self.seek(m.resume_at - 1, m)


def first_of(step):
    return step[0] if isinstance(step, tuple) else step.first


class Agent:
    """One identity with some streams, over many connections."""

    def __init__(self, spool, seed, until_time):
        self.spool, self.rand = spool, random.Random(seed)
        self.identity = spool.issue(f"URI:spool:agent:{_uuid(seed)}", _uuid(seed))
        self.until = until_time
        self.courses = [
            Course(spool.stream(label=f"-{seed}-{n}"), self.rand) for n in range(3)
        ]
        self.failed = None

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.connection(self.rand.randrange(1, 400))
            for _ in range(50):
                if self.connection(0):
                    return
            raise Failed("not everything was acknowledged")
        except Exception as e:
            self.failed = e

    def connect(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.spool.link(self.identity)
            except (Unreachable, OSError, Failed):
                check(time.monotonic() < deadline, "no connection for 30 s")
                time.sleep(0.05)

    def connection(self, actions):
        """True if all that was sent is acknowledged; actions 0: only that."""
        link = self.connect()
        try:
            for course in self.courses:
                self.open(link, course)
            for _ in range(actions):
                self.act(link, self.rand.choice(self.courses))
                self.take(link, 0.0001)
            if actions and self.rand.random() < 0.6:
                return False  # just gone
            return self.finish(link)
        except (Gone, OSError):
            return False
        finally:
            link.close()

    def open(self, link, course):
        s = course.stream
        number = s.number or next(link.numbers)
        s.number = number
        link.send(
            "STREAM_OPEN",
            stream=number,
            epoch=s.epoch,
            next_seq=1,
            acked=course.acked,
            name=s.name,
        )
        while True:
            m = self.receive(link, 30)
            check(m, "no STREAM_STATE in 30 s")
            if m.kind == "STREAM_STATE":
                break
            self.on(m)
        check(m.stream == number and m.code == 0, f"{m}")
        check(m.head == course.heads.get(m.last), f"{m}: another head")
        course.seek(m.last, m)
        course.acked = max(course.acked, m.last)

    def act(self, link, course):
        if self.rand.random() < 0.9:
            course.forward(link)
        elif self.rand.random() < 0.8:
            course.misbehave(link)
        elif self.rand.random() < 0.5:
            link.send("PING", t1=1)
        else:
            link.send("STREAM_CLOSE", stream=course.stream.number)
            self.open(link, course)

    def receive(self, link, timeout):
        try:
            m = link.receive(timeout)
        except TimeoutError:
            return None
        if m is None:
            raise Gone
        return m

    def on(self, m):
        check(m.kind != "ERROR", f"{m}")
        for course in self.courses:
            if m.stream and course.stream.number == m.stream:
                course.on(m)

    def take(self, link, timeout):
        while m := self.receive(link, timeout):
            self.on(m)

    def finish(self, link):
        """Send what there is until all of it is acknowledged."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            waiting = False
            for course in self.courses:
                while course.at < len(course.steps):
                    before = course.at
                    course.forward(link)
                    if course.at == before:
                        break
                waiting |= course.acked < course.stream.next - 1
            if not waiting:
                return True
            self.take(link, 0.02)
        raise Failed(
            "not acknowledged in 40 s: "
            + ", ".join(f"{c.acked} of {c.stream.next - 1}" for c in self.courses)
        )


class Gone(Exception):
    """The connection has ended."""


def _uuid(seed):
    import uuid

    return uuid.UUID(int=random.Random(f"agent {seed}").getrandbits(128))


def run(spool, agents, seconds, disturb=None):
    seed = int(os.environ.get("SEED") or random.randrange(10**6)) * 100
    end = time.monotonic() + seconds
    everybody = [Agent(spool, seed + n, end) for n in range(agents)]
    threads = [threading.Thread(target=a.run, daemon=True) for a in everybody]
    for thread in threads:
        thread.start()
    if disturb:
        disturb(random.Random(seed), end)
    for thread in threads:
        thread.join()
    for agent in everybody:
        if agent.failed:
            raise Failed(f"SEED={seed // 100}: {agent.failed!r}")


@case()
def course_random(spool):
    """Whatever order agents do things in, broken connections and refused batches
    among them, everything is acknowledged in the end, once."""
    run(spool, 3, 8)


@case(alone=True)
def course_with_kills(spool):
    """The same while keeper and receiver are killed again and again."""
    spool.status()

    def disturb(rand, end):
        while time.monotonic() < end:
            role = "keeper" if rand.random() < 0.7 else "receiver-0"
            pid = spool.role(role)
            time.sleep(rand.random())
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    run(spool, 4, 15, disturb)
