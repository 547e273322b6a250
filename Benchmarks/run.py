#!/usr/bin/env python3
"""Measures Tally end to end on this machine, beside the Python program that one would write instead.

    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh throughput
    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh latency --rate 2000
    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh memory
    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh check        # features and scores of both programs, row by row

Needs a real Kafka (the embedded broker keeps 5 MB a partition) on this machine; starts Redis and PostgreSQL itself, on
free ports in a temporary folder, and ends them. Prints one JSON line a run and a table at the end.
"""
import argparse
import glob
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TALLY = str(ROOT / ".build/release/tally")
OPENLOOP = str(HERE / ".build/release/openloop")
CACHE = HERE / ".build/data"
PARTITIONS = 4
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pids):
    total = 0.0
    for pid in pids:
        try:
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / TICK
        except OSError:
            pass
    return total


def peak_mib(pid):
    try:
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def pids_of(text):
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if text in open(path).read().replace("\0", " "):
                found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


class Servers:
    def __init__(self, postgres):
        self.folder = tempfile.mkdtemp(prefix="tally-bench-")
        self.redis_port = free_port()
        self.redis = subprocess.Popen(
            ["redis-server", "--port", str(self.redis_port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1",
             "--dir", self.folder], stdout=subprocess.DEVNULL)
        self.postgres = None
        if postgres:
            self.start_postgres()
        time.sleep(0.5)

    def start_postgres(self):
        bin_folder = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        data, self.pg_port = self.folder + "/pg", free_port()
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if user:
            shutil.chown(self.folder, "postgres")
        subprocess.run(user + [bin_folder + "/initdb", "-D", data, "-A", "trust", "-U", "bench"], check=True,
                       stdout=subprocess.DEVNULL)
        self.pg_stop = user + [bin_folder + "/pg_ctl", "-D", data, "-m", "fast", "stop"]
        subprocess.run(
            user + [bin_folder + "/pg_ctl", "-D", data, "-o", f"-p {self.pg_port} -k {self.folder} -c "
                    "listen_addresses=127.0.0.1", "-l", data + "/log", "-w", "start"], check=True,
            stdout=subprocess.DEVNULL)
        self.postgres = f"host=127.0.0.1 port={self.pg_port} user=bench dbname=postgres"
        subprocess.run(["psql", "-q", self.postgres, "-c", "CREATE DATABASE tally"], check=True)
        self.postgres = self.postgres.replace("dbname=postgres", "dbname=tally")

    def reset(self):
        subprocess.run(["redis-cli", "-p", str(self.redis_port), "flushall"], check=True, stdout=subprocess.DEVNULL)
        if self.postgres:
            subprocess.run(["psql", "-q", self.postgres, "-c",
                            "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public"],
                           check=True, stdout=subprocess.DEVNULL)

    def close(self):
        self.redis.terminate()
        self.redis.wait()
        if self.postgres:
            subprocess.run(self.pg_stop, stdout=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)


class Bench:
    def __init__(self, options):
        self.options = options
        self.brokers = os.environ.get("TALLY_BROKERS")
        if not self.brokers:
            sys.exit("bench: set TALLY_BROKERS to a Kafka on this machine: the embedded broker keeps 5 MB a partition")
        self.admin = AdminClient({"bootstrap.servers": self.brokers})
        self.broker_pids = pids_of("kafka.Kafka") + pids_of("redpanda ")
        self.run_id = f"bench{os.getpid()}-{random.randrange(10**6)}"
        self.serial = 0
        self.topics = []
        self.results = []
        CACHE.mkdir(parents=True, exist_ok=True)
        self.pipeline = self.make_pipeline()
        self.model = self.make_model()

    def make_pipeline(self):
        """pipelines/engagement.yaml with one model, whose output is all that is decided on."""
        text = (ROOT / "pipelines/engagement.yaml").read_text()
        head, models = text.split("\nmodels:\n")
        decisions, tail = models.split("\ntable:\n")
        lines = [line for line in models.splitlines() if line.startswith("  engagement:")]
        path = CACHE / "engagement-500.yaml"
        path.write_text(head + "\nmodels:\n" + lines[0] + "\n\ntable:\n" + tail)
        return str(path)

    def make_model(self):
        """500 trees of depth 8 on the features of generated people, the same for both programs."""
        folder = CACHE / "models"
        if not (folder / "engagement.json").exists():
            print("bench: training 500 trees of depth 8 once", file=sys.stderr)
            folder.mkdir(exist_ok=True)
            events = CACHE / "train.jsonl"
            self.tally("generate", "--customers", "1500", "--days", "45", "--seed", "5", "--output", events)
            sys.path.insert(0, str(HERE / "python"))
            import model
            names = re.findall(r"^  ([a-z0-9_]+):", pathlib.Path(self.pipeline).read_text().split("\nfeatures:\n")[1]
                               .split("\nmodels:\n")[0], re.M)
            model.train(events, names, folder / "engagement.json")
        trees = json.load(open(folder / "engagement.json"))["learner"]["gradient_booster"]["model"]["trees"]
        assert len(trees) == 500, len(trees)
        return folder

    @staticmethod
    def tally(*arguments):
        subprocess.run([TALLY] + [str(a) for a in arguments], check=True, stdout=sys.stderr)

    def topic(self, name, partitions=PARTITIONS):
        self.serial += 1
        full = f"{self.run_id}-{name}-{self.serial}"
        config = {"message.timestamp.type": "LogAppendTime"} if name == "events" else {}
        self.admin.create_topics([NewTopic(full, partitions, 1, config=config)])[full].result(30)
        self.topics.append(full)
        for _ in range(100):  # until its leaders know
            try:
                self.ends(full)
                return full
            except KafkaException:
                time.sleep(0.1)
        raise SystemExit(f"bench: the broker does not lead {full}")

    def ends(self, topic):
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "bench"})
        marks = [consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in range(PARTITIONS)]
        consumer.close()
        assert all(low == 0 for low, _ in marks)
        return [high for _, high in marks]

    def load(self, events, customers):
        """A topic with exactly so many events, checked to be all there."""
        topic = self.topic("events")
        self.tally("generate", "--customers", customers, "--days", "60", "--seed", "11", "--topic", topic, "--brokers",
                   self.brokers, "--limit", events, "--format", self.options.format)
        assert sum(self.ends(topic)) == events, f"{sum(self.ends(topic))} of {events} events are there"
        return topic

    def tally_command(self, servers, topic, scores, table, workers, extra=()):
        return [TALLY, "run", "--pipeline", self.pipeline, "--models", str(self.model), "--brokers", self.brokers,
                "--topic", topic, "--group", f"{self.run_id}-{self.serial}-{time.time_ns()}", "--scores-topic", scores,
                "--dead-letters-topic", scores + "-dead", "--redis", f"redis://127.0.0.1:{servers.redis_port}/0",
                "--workers", str(workers)] + (["--postgres", servers.postgres] if table else ["--no-table"]) + list(extra)

    def python_command(self, servers, topic, scores, table, group, extra=()):
        return [sys.executable, str(HERE / "python/scorer.py"), "--brokers", self.brokers, "--topic", topic, "--group",
                group, "--output", scores, "--redis-port", str(servers.redis_port), "--model",
                str(self.model / "engagement.json")] + (["--postgres", servers.postgres] if table else []) + list(extra)

    def throughput(self, servers, program, topic, events, table, processes):
        """Works the topic off. Events a second by the scores' arrival: from the first to the last, watched from outside."""
        servers.reset()
        scores = self.topic("scores")
        group = f"{self.run_id}-{time.time_ns()}"
        redis, postgres = [servers.redis.pid], pids_of(servers.folder) if table else []
        if program == "tally":
            commands = [self.tally_command(servers, topic, scores, table, processes)]
        else:
            commands = [self.python_command(servers, topic, scores, table, group) for _ in range(processes)]
        before = [cpu_seconds(p) for p in (redis, self.broker_pids)]
        log = open(servers.folder + "/log", "w")
        running = [subprocess.Popen(c, stdout=log, stderr=log) for c in commands]
        pids = [p.pid for p in running]
        watch = Consumer({"bootstrap.servers": self.brokers, "group.id": "bench-watch"})
        first = None
        start = time.monotonic()
        while True:
            done = sum(watch.get_watermark_offsets(TopicPartition(scores, p), timeout=10)[1] for p in range(PARTITIONS))
            now = time.monotonic()
            if done and first is None:
                first, first_done = now, done
            if done >= events:
                break
            if any(p.poll() is not None for p in running) or now - start > 600:
                print(open(servers.folder + "/log").read()[-2000:], file=sys.stderr)
                raise SystemExit(f"bench: {program} stopped after {done} of {events} scores")
            time.sleep(0.05)
        seconds = now - first
        cpu = {"program": cpu_seconds(pids), "redis": cpu_seconds(redis) - before[0],
               "broker": cpu_seconds(self.broker_pids) - before[1]}
        if table:
            cpu["postgres"] = cpu_seconds(pids_of(servers.folder)) + 0.0
        memory = sum(peak_mib(pid) for pid in pids)
        watch.close()
        for process in running:
            process.send_signal(signal.SIGTERM if program == "tally" else signal.SIGINT)
        for process in running:
            process.wait(30)
        assert sum(self.ends(scores)) == events, "scores are missing, or came twice"
        self.drop(scores)
        return {"what": "throughput", "program": program, "processes": processes, "table": table,
                "events_per_s": round((events - first_done) / seconds), "seconds": round(now - start, 1),
                "cpu_s": {k: round(v, 1) for k, v in cpu.items()}, "peak_mib": round(memory)}

    def latency(self, servers, program, rate, seconds):
        servers.reset()
        topic, scores = self.topic("events"), self.topic("scores")
        sample = CACHE / "sample.jsonl"
        if not sample.exists():
            self.tally("generate", "--customers", "5000", "--days", "30", "--seed", "3", "--limit", "200000", "--output",
                       sample)
        log = open(servers.folder + "/log", "w")
        if program == "tally":
            commands = [self.tally_command(servers, topic, scores, False, 1)]
        else:
            commands = [self.python_command(servers, topic, scores, False, f"{self.run_id}-{time.time_ns()}")]
        running = [subprocess.Popen(c, stdout=log, stderr=log) for c in commands]
        time.sleep(5)
        out = subprocess.run([OPENLOOP, self.brokers, topic, scores, str(rate), "5", str(seconds), str(sample)],
                             check=True, capture_output=True, text=True).stdout
        for process in running:
            process.send_signal(signal.SIGTERM if program == "tally" else signal.SIGINT)
            process.wait(30)
        self.drop(topic)
        self.drop(scores)
        return {"what": "latency", "program": program, **json.loads(out)}

    def memory(self, servers):
        """Resident memory with 100,000 people in the cache."""
        servers.reset()
        customers, events = 120_000, 1_000_000
        topic, scores = self.load(events, customers), self.topic("scores")
        log = open(servers.folder + "/log", "w")
        command = self.tally_command(
            servers, topic, scores, False, 1,
            ["--until-end", "--set", "cache.entries=100000", "--set", "cache.size=4GiB"])
        process = subprocess.Popen(command, stdout=log, stderr=log)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_mib(process.pid))
            time.sleep(0.05)
        states = subprocess.run(["redis-cli", "-p", str(servers.redis_port), "dbsize"], capture_output=True, text=True)
        assert process.returncode == 0
        return {"what": "memory", "program": "tally", "entities": int(states.stdout) - PARTITIONS, "cached": 100_000,
                "events": events, "peak_mib": round(peak)}

    def check(self, servers, events):
        """Both programs over the same events: scores by event id."""
        servers.reset()
        topic = self.load(events, max(50, events // 400))
        scores, other = self.topic("scores"), self.topic("scores")
        subprocess.run(self.tally_command(servers, topic, scores, False, 1, ["--until-end"]), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(self.python_command(servers, topic, other, False, self.run_id, ["--idle-exit", "3"]), check=True)
        ours, theirs = self.values(scores, events), self.values(other, events)
        differ = [abs(ours[k] - theirs[k]) for k in ours if ours[k] != theirs.get(k, float("nan"))]
        return {"what": "check", "events": len(ours), "missing": len(ours.keys() ^ theirs.keys()),
                "unequal_scores": len(differ), "largest_difference": max(differ, default=0)}

    def values(self, topic, count):
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "bench-values"})
        consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        found = {}
        deadline = time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            for message in consumer.consume(1000, timeout=1):
                score = json.loads(message.value())
                value = score["outputs"][0]["value"]
                found[score["entity_id"], score["event_id"]] = struct.unpack("f", struct.pack("f", value))[0]
        consumer.close()
        return found

    def drop(self, topic):
        self.topics.remove(topic)
        self.admin.delete_topics([topic])[topic].result(30)

    def note(self, result):
        print(json.dumps(result), flush=True)
        self.results.append(result)

    def close(self):
        for topic in self.topics:
            self.admin.delete_topics([topic])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "throughput", "latency", "memory", "check"])
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3, help="each program so often, in turn; medians are reported")
    parser.add_argument("--format", default="json", choices=["json", "protobuf"])
    parser.add_argument("--no-table", action="store_true")
    parser.add_argument("--only", choices=["tally", "python"])
    options = parser.parse_args()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(json.dumps({"cpu": cpu, "cores": os.cpu_count(), "events": options.events}))
    bench = Bench(options)
    needs_table = options.what in ("all", "throughput") and not options.no_table
    servers = Servers(needs_table)
    programs = [options.only] if options.only else ["tally", "python"]
    try:
        if options.what in ("all", "check"):
            bench.note(bench.check(servers, min(options.events, 40_000)))
        if options.what in ("all", "throughput"):
            topic = bench.load(options.events, options.customers)
            for table in [False, True] if needs_table else [False]:
                for _ in range(options.rounds):
                    for program in programs:
                        for processes in (1, 2):
                            bench.note(bench.throughput(servers, program, topic, options.events, table, processes))
        if options.what in ("all", "latency"):
            for _ in range(options.rounds):
                for program in programs:
                    bench.note(bench.latency(servers, program, options.rate, options.seconds))
        if options.what in ("all", "memory"):
            bench.note(bench.memory(servers))
    finally:
        servers.close()
        bench.close()
    summary(bench.results)


def summary(results):
    groups = {}
    for result in results:
        if result["what"] == "throughput":
            key = (f"{result['program']}, {result['processes']} thread(s) or process(es), "
                   + ("topic + table" if result["table"] else "topic only"))
            groups.setdefault(key, []).append(result["events_per_s"])
    for key, values in groups.items():
        print(f"{key}: {statistics.median(values):,.0f} events/s (median of {len(values)})")
    for table in ("topic only", "topic + table"):
        best = {p: max((statistics.median(v) for k, v in groups.items() if k.startswith(p) and k.endswith(table)),
                       default=0) for p in ("tally", "python")}
        if best["tally"] and best["python"]:
            print(f"{table}: best Tally / best Python = {best['tally'] / best['python']:.2f}")
    for program in ("tally", "python"):
        runs = [r for r in results if r["what"] == "latency" and r["program"] == program]
        if runs:
            print(f"{program} at {runs[0]['rate']:.0f} events/s: " + ", ".join(
                f"{name} {statistics.median(r[name + '_ms'] for r in runs):.1f} ms"
                for name in ("p50", "p99", "p999", "max")) + f" (medians of {len(runs)})")


if __name__ == "__main__":
    main()
