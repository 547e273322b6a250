#!/usr/bin/env python3
"""Sends events to Tally: pip install confluent-kafka.

The key is the entity id, and the partitioner must agree with every other producer's: Java uses murmur2, while
librdkafka (so Python and kcat) uses CRC32 unless told otherwise.
"""
import json
import sys
import time
import uuid

from confluent_kafka import Producer

producer = Producer({
    "bootstrap.servers": sys.argv[1] if len(sys.argv) > 1 else "localhost:9092",
    "partitioner": "murmur2_random",
    "enable.idempotence": True,
    "compression.type": "lz4",
})


def send(entity_id: str, **kind) -> None:
    event = {
        "event_id": str(uuid.uuid4()),
        "entity_id": entity_id,
        "event_time_us": time.time_ns() // 1000,
        "source": "example",
        "schema_version": 1,
        **kind,
    }
    producer.produce(
        "events", key=entity_id, value=json.dumps(event), headers={"content-type": "application/json"})


send("alice", profile={"mode": "snapshot", "attributes": {"age": 31, "account_type": "premium", "location": "CA"}})
send("alice", engagement={"type": "login", "attributes": {}})
send("alice", engagement={"type": "session", "attributes": {"duration_min": 12.5, "device": "mobile"}})
send("alice", engagement={"type": "transaction", "attributes": {"amount": 25.0}})
undelivered = producer.flush(10)
print(f"{undelivered} undelivered")
