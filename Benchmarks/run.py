#!/usr/bin/env python3
"""Measures Tally end to end on this machine, beside the Python program that one would write instead.

    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh                         # everything
    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh throughput --events 500000
    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh latency --rate 2000
    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh memory                  # 100,000 people in the cache
    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh compare                 # scores and features of both programs
    TALLY_BROKERS=localhost:9092 Benchmarks/run.sh delivery                # what each guarantee costs
    Benchmarks/run.sh --quick                                              # a look, with the embedded broker

Throughput needs a real Kafka on this machine (the embedded broker keeps 5 MB a partition, and is refused when that is not
enough). Redis and PostgreSQL are started on free ports, in a temporary folder, and ended. One JSON line a run, also into
Benchmarks/output, then medians.
"""
import argparse
import pathlib
import subprocess
import sys

from confluent_kafka import KafkaException

import measure
from broker import Broker
from inputs import Inputs
from report import Report
from servers import Servers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TALLY = str(ROOT / ".build/release/tally")


class Bench:
    def __init__(self, options):
        self.options = options
        self.inputs = Inputs(ROOT, HERE / ".build/data", self.tally)
        self.broker = Broker(TALLY)
        try:
            self.servers = Servers(options.tables and ("throughput" in options.what or "delivery" in options.what))
        except BaseException:
            self.broker.close()
            raise

    @staticmethod
    def tally(*arguments):
        subprocess.run([TALLY, *map(str, arguments)], check=True, stdout=sys.stderr)

    def tally_command(self, command, topic):
        return [TALLY, command, "--pipeline", self.inputs.pipeline, "--brokers", self.broker.brokers, "--topic", topic,
                "--redis", f"redis://127.0.0.1:{self.servers.redis_port}/0"]

    def close(self):
        self.servers.close()
        self.broker.close()

    def run(self, note):
        options = self.options
        if "compare" in options.what:
            note(measure.compare(self, options.compare_events))
        if "throughput" in options.what:
            topic = self.broker.load(options.events, options.customers, options.format)
            for table in [False, True] if options.tables else [False]:
                for _ in range(options.rounds):
                    for processes in options.processes:
                        for program in options.programs:  # in turn: A B A B
                            note(measure.throughput(self, program, topic, options.events, processes, table))
            self.broker.drop(topic)
        if "delivery" in options.what:
            self.delivery(note)
        if "latency" in options.what:
            for rate in options.rate:
                for _ in range(options.rounds):
                    for program in options.programs:
                        note(measure.latency(self, program, rate, options.seconds, options.warmup))
        if "memory" in options.what:
            note(measure.memory(self, options.memory_events, options.memory_customers, 100_000, options.cache_size))

    def delivery(self, note):
        """What each guarantee costs: the same work under all of them, in turn."""
        options = self.options
        topic = self.broker.load(options.events, options.customers, options.format)
        for table in [False, True] if options.tables else [False]:
            for _ in range(options.rounds):
                for processes in options.processes:
                    for program in measure.GUARANTEES:
                        note(measure.throughput(self, program, topic, options.events, processes, table))
        self.broker.drop(topic)
        for rate in options.rate:
            for _ in range(options.rounds):
                for program in measure.GUARANTEES:
                    note(measure.latency(self, program, rate, options.seconds, options.warmup))


def parse():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "throughput", "latency", "memory", "compare", "delivery"])
    parser.add_argument("--events", type=int, help="of throughput (default 500,000; quick: 15,000)")
    parser.add_argument("--customers", type=int, default=10_000, help="whose events they are (default 10,000)")
    parser.add_argument("--rate", type=int, action="append", help="of latency; again for more (default 500, 2000, 5000)")
    parser.add_argument("--seconds", type=int, help="of latency, after the warm-up (default 30; quick: 5)")
    parser.add_argument("--rounds", type=int, help="every program so often, in turn (default 3; quick: 1)")
    parser.add_argument("--processes", type=int, action="append", help="workers, or processes of Python (default 1 and 2)")
    parser.add_argument("--format", default="json", choices=["json", "protobuf"],
                        help="of the events; protobuf: without the Python program, which reads JSON (default json)")
    parser.add_argument("--no-table", dest="tables", action="store_false", help="throughput to the topic only")
    parser.add_argument("--only", choices=["tally", "python"], help="one of the programs")
    parser.add_argument("--python-cache", type=int, default=100_000, help="states that Python keeps (default 100,000)")
    parser.add_argument("--python-threads", type=int, default=1, help="of xgboost in each Python process (default 1)")
    parser.add_argument("--cache-size", default="256MiB", help="Tally's cache.size in the memory run (default 256MiB)")
    parser.add_argument("--quick", action="store_true", help="small and short, fits the embedded broker; not to be quoted")
    options = parser.parse_args()
    quick = options.quick
    everything = ["compare", "throughput", "latency"] + ([] if quick else ["memory"])
    options.what = everything if options.what == "all" else [options.what]
    options.events = options.events or (15_000 if quick else 500_000)
    options.rate = options.rate or ([2000] if quick else [500, 2000, 5000])
    options.seconds = options.seconds or (5 if quick else 30)
    options.warmup = 2 if quick else 5
    options.rounds = options.rounds or (1 if quick else 3)
    options.processes = options.processes or [1, 2]
    options.compare_events = 10_000 if quick else 40_000
    options.memory_events, options.memory_customers = (60_000, 10_000) if quick else (1_000_000, 120_000)
    options.programs = [options.only] if options.only else ["tally", "python"]
    if options.format == "protobuf":
        options.programs = ["tally"]
        if "compare" in options.what:
            options.what.remove("compare")
    return options


def main():
    options = parse()
    bench = Bench(options)
    report = Report(HERE / "output", bench.inputs, bench.broker, options)
    try:
        bench.run(report.note)
    except KafkaException as error:
        sys.exit(f"bench: the broker at {bench.broker.brokers}: {error.args[0].str()}")
    finally:
        bench.close()
        report.close()
    unequal = [r["unequal_scores"] + r["only_one_program"] for r in report.results if r["what"] == "compare"]
    if any(count > options.compare_events / 1000 for count in unequal):
        sys.exit("bench: the programs do not do the same: more than one score in a thousand differs")


if __name__ == "__main__":
    main()
