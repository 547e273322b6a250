"""The Kafka of a run: the one at TALLY_BROKERS, else the embedded one of `tally dev-broker`; and the run's topics in it."""
import os
import random
import subprocess
import sys
import tempfile
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import machine

PARTITIONS = 4


class Broker:
    def __init__(self, tally):
        self.tally = tally
        self.brokers = os.environ.get("TALLY_BROKERS")
        self.process = None
        self.embedded = not self.brokers
        if self.embedded:
            self.start_embedded()
        host, _, port = self.brokers.split(",")[0].rpartition(":")
        is_here = host in ("localhost", "127.0.0.1", "[::1]")
        self.pid = machine.listener(int(port)) if is_here else None
        self.run_id = f"bench{os.getpid()}-{random.randrange(10**6)}"
        self.serial = 0
        self.topics = []
        self.admin = AdminClient({"bootstrap.servers": self.brokers})
        # A group of its own name, which nothing is ever committed for: it only asks.
        self.watch = Consumer({"bootstrap.servers": self.brokers, "group.id": self.run_id + "-watch"})

    def start_embedded(self):
        address = tempfile.mktemp(prefix="tally-bench-broker-")
        self.process = subprocess.Popen([self.tally, "dev-broker", "--address-file", address], stdout=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(address):
                self.brokers = open(address).read().strip()
                return
            time.sleep(0.05)
        raise SystemExit("bench: tally dev-broker does not start")

    def topic(self, name):
        """A new, empty topic; its leaders are known."""
        self.serial += 1
        full = f"{self.run_id}-{name}-{self.serial}"
        if self.embedded:
            self.watch.list_topics(full, timeout=10)  # makes it, with 4 partitions
        else:
            config = {"message.timestamp.type": "LogAppendTime"} if name == "events" else {}
            self.admin.create_topics([NewTopic(full, PARTITIONS, 1, config=config)])[full].result(30)
        self.topics.append(full)
        for _ in range(100):
            try:
                self.ends(full)
                return full
            except KafkaException:
                time.sleep(0.1)
        raise SystemExit(f"bench: the broker does not lead {full}")

    def marks(self, topic):
        return [self.watch.get_watermark_offsets(TopicPartition(topic, p), timeout=10) for p in range(PARTITIONS)]

    def ends(self, topic):
        """How many records the topic has had."""
        return sum(high for _, high in self.marks(topic))

    def count(self, topic):
        """How many records readers of committed ones see; the ends also count the markers of transactions."""
        reader = Consumer({"bootstrap.servers": self.brokers, "group.id": "count", "enable.partition.eof": True,
                           "isolation.level": "read_committed", "auto.offset.reset": "earliest"})
        reader.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        found, ended = 0, set()
        while len(ended) < PARTITIONS:
            for message in reader.consume(10_000, 5):
                if message.error():
                    ended.add(message.partition())
                else:
                    found += 1
        reader.close()
        return found

    def load(self, events, customers, form, days=60):
        """A topic with exactly so many generated events, checked to be all there."""
        topic = self.topic("events")
        subprocess.run(
            [self.tally, "generate", "--customers", str(customers), "--days", str(days), "--seed", "11", "--topic", topic,
             "--brokers", self.brokers, "--limit", str(events), "--format", form], check=True, stdout=sys.stderr)
        marks = self.marks(topic)
        if any(low != 0 for low, _ in marks):
            raise SystemExit(
                f"bench: the broker has dropped the first of {events:,} events"
                + (": the embedded one keeps 5 MB a partition. Set TALLY_BROKERS to a real Kafka on this machine, or give "
                   "fewer --events" if self.embedded else ": its retention is too short"))
        there = sum(high for _, high in marks)
        if there != events:
            raise SystemExit(f"bench: {there:,} of {events:,} events are in the topic")
        return topic

    def drop(self, topic):
        self.topics.remove(topic)
        if not self.embedded:
            self.admin.delete_topics([topic])[topic].result(30)

    def close(self):
        self.watch.close()
        if self.embedded:
            self.process.terminate()
            self.process.wait()
        elif self.topics:
            for future in self.admin.delete_topics(self.topics).values():
                try:
                    future.result(30)
                except KafkaException:
                    pass
