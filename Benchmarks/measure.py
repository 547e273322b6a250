"""The measurements. Both programs are watched from outside, by the scores that lie in their topic."""
import functools
import json
import math
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time

import numpy as np
from confluent_kafka import Consumer, TopicPartition

import machine
from broker import PARTITIONS

HERE = pathlib.Path(__file__).resolve().parent
OPENLOOP = str(HERE / ".build/release/openloop")
RUN_SECONDS_MAX = 900


# Tally under each of its guarantees; "no-guarantee" waits for nothing and compares nothing.
GUARANTEES = ["no-guarantee", "effectively-once", "exactly-once"]


@functools.cache
def unpromised():
    """The program without any guarantee, built beside the real one; nobody else builds it."""
    root = HERE.parent
    folder = root / ".build/unpromised"
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", "tally", "--scratch-path", str(folder)], cwd=root, check=True,
        stdout=sys.stderr, env=dict(os.environ, TALLY_WITHOUT_GUARANTEES="1"))
    return str(folder / "release/tally")


class Program:
    """One of the two programs, started on a topic; the name of a guarantee is Tally under it."""

    def __init__(self, bench, name, topic, scores, *, processes=1, table=False, until_end=False, extra=()):
        self.name, self.bench = name, bench
        group = f"{bench.broker.run_id}-{time.time_ns()}"
        make = self.python if name == "python" else self.tally
        commands = make(topic, scores, group, processes, table, until_end)
        if name == "no-guarantee":
            commands = [[unpromised(), *command[1:]] for command in commands]
        elif name in GUARANTEES:
            extra = ["--delivery", name, *extra]
        self.log_path = f"{bench.servers.folder}/{name}.log"
        with open(self.log_path, "w") as log:
            self.running = [subprocess.Popen(c + list(extra), stdout=log, stderr=log) for c in commands]
        self.cpu, self.peaks = {}, {}

    def tally(self, topic, scores, group, processes, table, until_end):
        bench = self.bench
        command = bench.tally_command("run", topic) + [
            "--models", str(bench.inputs.models), "--group", group, "--scores-topic", scores, "--dead-letters-topic",
            scores + "-dead", "--workers", str(processes)]
        command += ["--postgres", bench.servers.postgres] if table else ["--no-table"]
        return [command + (["--until-end"] if until_end else [])]

    def python(self, topic, scores, group, processes, table, until_end):
        bench = self.bench
        command = [sys.executable, str(HERE / "python/scorer.py"), "--brokers", bench.broker.brokers, "--topic", topic,
                   "--group", group, "--output", scores, "--redis-port", str(bench.servers.redis_port), "--model",
                   str(bench.inputs.models / "engagement.json"), "--cache", str(bench.options.python_cache),
                   "--threads", str(bench.options.python_threads)]
        command += ["--postgres", bench.servers.postgres] if table else []
        return [command] * processes

    def look(self):
        """Notes CPU and memory while it runs; what it used up to the last look is kept."""
        for process in self.running:
            if process.returncode is None:
                resident, peak = machine.memory_mib(process.pid)
                if peak:
                    self.cpu[process.pid] = machine.cpu_seconds(process.pid)
                    self.peaks[process.pid] = (resident, peak)

    def fail(self, what):
        self.stop()
        print(open(self.log_path).read()[-3000:], file=sys.stderr)
        raise SystemExit(f"bench: {self.name}: {what}")

    def check(self):
        for process in self.running:
            if process.poll() not in (None, 0):
                self.fail(f"ended with code {process.returncode}")

    def stop(self):
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def throughput(bench, program, topic, events, processes, table):
    """Works a full topic off; events a second from the first score to the last."""
    broker, servers = bench.broker, bench.servers
    servers.reset()
    scores = broker.topic("scores")
    others = {"redis": servers.redis.pid, "broker": broker.pid, "postgres": servers.postgres_pid if table else None}
    before = {name: machine.cpu_seconds(pid) for name, pid in others.items() if pid}
    run = Program(bench, program, topic, scores, processes=processes, table=table, until_end=program != "python")
    start, busy = time.monotonic(), machine.busy_seconds() - time.process_time()
    first = None
    while True:
        done = broker.ends(scores)
        now = time.monotonic()
        run.look()
        if done and first is None:
            first, first_done = now, done
        if done >= events:
            break
        run.check()
        if all(p.poll() is not None for p in run.running) or now - start > RUN_SECONDS_MAX:
            run.fail(f"{done:,} of {events:,} scores after {now - start:.0f} s")
        time.sleep(0.02)
    cpu = {"program": sum(run.cpu.values())}
    cpu |= {name: machine.cpu_seconds(others[name]) - seconds for name, seconds in before.items()}
    other = machine.busy_seconds() - time.process_time() - busy - sum(cpu.values())
    if program != "python":
        try:
            run.running[0].wait(60)  # --until-end: it ends by itself
        except subprocess.TimeoutExpired:
            run.fail("does not end")
        run.check()
    run.stop()
    given = broker.count(scores) if program == "exactly-once" else broker.ends(scores)
    if given < events or (program != "python" and given != events):
        raise SystemExit(f"bench: {program} gave {given:,} scores for {events:,} events")
    if table and servers.rows("py_scores" if program == "python" else "scores") != events:
        raise SystemExit(f"bench: {program} wrote another number of rows than {events:,}")
    broker.drop(scores)
    return {
        "what": "throughput", "program": program, "processes": processes, "table": table, "events": events,
        "events_per_s": round((events - first_done) / (now - first)), "whole_s": round(now - start, 2),
        "repeated": given - events, "cpu_s": {name: round(value, 2) for name, value in cpu.items()},
        "other_cpu_s": round(max(0.0, other), 2),
        "cpu_us_per_event": round(cpu["program"] / events * 1e6, 1),
        "peak_mib": round(sum(peak for _, peak in run.peaks.values()))}


def latency(bench, program, rate, seconds, warmup):
    """Open-loop load at a fixed rate; from the moment at which an event was due to that at which its score was read."""
    broker = bench.broker
    bench.servers.reset()
    topic, scores = broker.topic("events"), broker.topic("scores")
    run = Program(bench, program, topic, scores)
    load = subprocess.run(
        [OPENLOOP, broker.brokers, topic, scores, str(rate), str(warmup), str(seconds), bench.inputs.sample()],
        stdout=subprocess.PIPE, text=True)
    run.look()
    run.check()
    if load.returncode != 0:
        run.fail("no latencies: " + load.stdout)
    run.stop()
    broker.drop(topic)
    broker.drop(scores)
    return {"what": "latency", "program": program, "seconds": seconds, **json.loads(load.stdout),
            "cpu_s": {"program": round(sum(run.cpu.values()), 2)},
            "peak_mib": round(sum(peak for _, peak in run.peaks.values()))}


def memory(bench, events, customers, cached, size):
    """Resident memory when the cache holds as many people as it may."""
    broker, servers = bench.broker, bench.servers
    servers.reset()
    topic, scores = broker.load(events, customers, bench.options.format), broker.topic("scores")
    run = Program(bench, "tally", topic, scores, until_end=True,
                  extra=["--set", f"cache.entries={cached}", "--set", f"cache.size={size}"])
    start = time.monotonic()
    while run.running[0].poll() is None:
        run.look()
        if time.monotonic() - start > RUN_SECONDS_MAX:
            run.fail("does not end")
        time.sleep(0.02)
    run.check()
    if broker.ends(scores) != events:
        raise SystemExit(f"bench: {broker.ends(scores):,} scores for {events:,} events")
    states = int(servers.redis_cli("dbsize")) - PARTITIONS
    state_bytes = int(servers.redis_cli("info", "memory").split("used_memory_dataset:")[1].split()[0])
    broker.drop(topic)
    broker.drop(scores)
    (resident, peak), = run.peaks.values()
    return {"what": "memory", "program": "tally", "entities": states, "cache_entries": cached, "cache_size": size,
            "events": events, "resident_mib": round(resident), "peak_mib": round(peak),
            "redis_bytes_per_entity": round(state_bytes / max(1, states))}


def compare(bench, events):
    """Both programs over the same events: every score, and the last feature row of some people, bit by bit."""
    broker, servers = bench.broker, bench.servers
    servers.reset()
    topic = broker.load(events, max(50, events // 400), "json")
    ours, theirs = broker.topic("scores"), broker.topic("scores")
    rows_path = servers.folder + "/rows.npz"
    for name, scores, extra in (("tally", ours, []),
                                ("python", theirs, ["--idle-exit", "2", "--last-rows", rows_path])):
        run = Program(bench, name, topic, scores, until_end=name == "tally", extra=extra)
        for process in run.running:
            process.wait(RUN_SECONDS_MAX)
        run.check()
    left, right = values(broker, ours), values(broker, theirs)
    both = left.keys() & right.keys()
    differ = [abs(left[key] - right[key]) for key in both if left[key] != right[key]]
    result = {"what": "compare", "events": events, "scores": len(left), "only_one_program": len(left.keys() ^ right.keys()),
              "unequal_scores": len(differ), "largest_difference": max(differ, default=0.0)}
    result |= compare_rows(bench, topic, rows_path)
    broker.drop(topic)
    broker.drop(ours)
    broker.drop(theirs)
    return result


def compare_rows(bench, topic, rows_path, people=60):
    """Columns of the stored states, as `tally features` shows them, against the Python program's."""
    saved = np.load(rows_path)
    unequal = {}
    chosen = sorted(range(len(saved["ids"])), key=lambda index: saved["ids"][index])[:people]
    for index in chosen:
        shown = subprocess.run(
            bench.tally_command("features", topic) + ["--json", "--", str(saved["ids"][index])], check=True,
            capture_output=True, text=True).stdout
        features = json.loads(shown)["features"]
        for name, theirs in zip(bench.inputs.columns, saved["rows"][index]):
            value = math.nan if features[name] is None else features[name]
            ours = np.float32(value)
            if not (ours == theirs or (math.isnan(ours) and math.isnan(theirs))):
                unequal.setdefault(name, []).append(abs(float(ours) - float(theirs)))
    return {"people": len(chosen), "values": len(chosen) * len(bench.inputs.columns),
            "unequal_values": {name: [len(gaps), max(gaps)] for name, gaps in unequal.items()}}


def values(broker, topic):
    """Scores by entity and event; each must have come once."""
    count = broker.ends(topic)
    consumer = Consumer({"bootstrap.servers": broker.brokers, "group.id": broker.run_id + "-values"})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
    found, read = {}, 0
    deadline = time.monotonic() + 120
    while read < count and time.monotonic() < deadline:
        for message in consumer.consume(5000, timeout=1):
            if message.error() is None:
                read += 1
                score = json.loads(message.value())
                number = struct.unpack("f", struct.pack("f", score["outputs"][0]["value"]))[0]
                found[score["entity_id"], score["event_id"]] = number
    consumer.close()
    return found
