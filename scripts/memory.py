#!/usr/bin/env python3
"""How much memory `tally run` takes for batches that a producer has packed well.

Each case goes into one partition of the embedded broker, which keeps 5 MB of it, and is worked off from there; printed is the
largest resident size of the process. Needs confluent-kafka (PyPI), redis-server, and a built program:

    scripts/memory.py [.build/release/tally]
"""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

from confluent_kafka import Producer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Codec, number of records, bytes of each: well-formed JSON that is no event, or nothing at all.
CASES = [
    ("none", 1_000, 100),
    ("none", 300_000, 0),
    ("zstd", 1_000_000, 0),
    ("zstd", 300, 40_000),
    ("zstd", 3_000, 40_000),
    ("gzip", 1_000, 100_000),
    ("lz4", 1_000, 100_000),
]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def produce(brokers, codec, count, size):
    """All records as one batch, as far as the client's limit of a million records lets it."""
    producer = Producer({
        "bootstrap.servers": brokers, "compression.codec": codec, "linger.ms": 60_000,
        "message.max.bytes": 1_000_000_000, "batch.size": 900_000_000, "batch.num.messages": 1_000_000,
        "queue.buffering.max.kbytes": 1_000_000, "queue.buffering.max.messages": 2_000_000,
    })
    value = b'{"a":"' + b"x" * (size - 8) + b'"}' if size else None
    for _ in range(count):
        producer.produce("events", value, key=b"k", partition=0)
    producer.flush()


def measure(tally, folder, case):
    codec, count, size = case
    port = free_port()
    redis = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--maxmemory-policy", "noeviction"],
        stdout=subprocess.DEVNULL)
    broker = subprocess.Popen(
        [tally, "dev-broker", "--topic", "events:1", "--topic", "scores:1", "--topic", "dead-letters:1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
    try:
        address = None
        while address is None:
            address = re.search(r"127\.0\.0\.1:\d+", broker.stdout.readline())
        produce(address.group(0), codec, count, size)
        run = subprocess.Popen(
            [tally, "run", "--until-end", "--brokers", address.group(0), "--redis", f"redis://127.0.0.1:{port}/0",
             "--no-table", "--pipeline", f"{ROOT}/pipelines/engagement.yaml", "--models", f"{folder}/models"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
        out, errors = run.stdout.read(), run.stderr.read()
        _, status, usage = os.wait4(run.pid, 0)
        read = re.search(r"read ([\d,]+) =", out)
        if status != 0 or read is None:
            sys.exit(f"tally run ended with {status}: {out}{errors}")
        print(f"{codec:5} {count:9,} {size:7,} {read.group(1):>10} {usage.ru_maxrss / 1024:6,.0f} MiB", flush=True)
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.wait()
        redis.terminate()
        redis.wait()


def main():
    tally = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/.build/release/tally")
    with tempfile.TemporaryDirectory() as folder:
        generate = ["generate", "--customers", "200", "--days", "20", "--output", f"{folder}/events.jsonl",
                    "--labels", f"{folder}/labels.csv"]
        for command in (generate, ["train", "--events", f"{folder}/events.jsonl", "--labels", f"{folder}/labels.csv",
                                   "--models", f"{folder}/models", "--pipeline", f"{ROOT}/pipelines/engagement.yaml"]):
            subprocess.run([tally] + command, check=True, capture_output=True, cwd=folder)
        print("codec   records   bytes       read  largest size")
        for case in CASES:
            measure(tally, folder, case)


if __name__ == "__main__":
    main()
