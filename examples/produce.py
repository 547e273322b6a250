#!/usr/bin/env python3
"""Sends events of one person to Tally, as JSON or as protobuf.

    pip install confluent-kafka
    python3 examples/produce.py localhost:9092 alice

    pip install grpcio-tools
    python3 -m grpc_tools.protoc -I proto --python_out=examples events.proto
    python3 examples/produce.py localhost:9092 alice --protobuf
    python3 examples/produce.py localhost:9092 alice --confluent 42     # framed, with the schema's id in the registry

Confluent's own ProtobufSerializer writes the same frame and registers the schema: use it when there is a registry.
The key is the entity id, and the partitioner must agree with every other producer's: Java uses murmur2, while
librdkafka (so Python and kcat) uses CRC32 unless told otherwise.
"""
import json
import struct
import sys
import time
import uuid

from confluent_kafka import Producer


def as_json(entity_id, kind, body):
    return json.dumps({
        "event_id": str(uuid.uuid4()), "entity_id": entity_id, "event_time_us": time.time_ns() // 1000,
        "source": "example", "schema_version": 1, kind: body,
    }).encode()


def as_protobuf(entity_id, kind, body):
    import events_pb2
    event = events_pb2.Event(
        event_id=str(uuid.uuid4()), entity_id=entity_id, event_time_us=time.time_ns() // 1000,
        source="example", schema_version=1)
    message = getattr(event, kind)
    message.SetInParent()
    if kind == "engagement":
        message.type = body["type"]
    fields = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
    for name, value in body.get("attributes", {}).items():
        message.attributes.add(name=name, **({} if value is None else {fields[type(value)]: value}))
    return event.SerializeToString()


def framed(schema_id, message):
    """Schema Registry framing: zero byte, id, and a zero for "the schema's first message"."""
    return struct.pack(">bI", 0, schema_id) + b"\0" + message


EVENTS = [
    ("profile", {"mode": "snapshot", "attributes": {"age": 31, "account_type": "premium", "location": "CA"}}),
    ("engagement", {"type": "login", "attributes": {"device": "mobile"}}),
    ("engagement", {"type": "session", "attributes": {"duration_min": 12.5}}),
    ("engagement", {"type": "transaction", "attributes": {"amount": 25.0, "role": "seller"}}),
]


def main():
    words = sys.argv[1:]
    schema_id = None
    if "--confluent" in words:
        at = words.index("--confluent")
        schema_id = int(words[at + 1])
        del words[at:at + 2]
    is_protobuf = "--protobuf" in words or schema_id is not None
    arguments = [a for a in words if not a.startswith("--")]
    brokers = arguments[0] if arguments else "localhost:9092"
    entity_id = arguments[1] if len(arguments) > 1 else "alice"
    encode = as_protobuf if is_protobuf else as_json
    content_type = "application/x-protobuf" if is_protobuf else "application/json"
    producer = Producer({
        "bootstrap.servers": brokers,
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        "compression.type": "lz4",
    })
    for kind, body in EVENTS:
        value = encode(entity_id, kind, body)
        if schema_id is not None:
            value = framed(schema_id, value)
        producer.produce("events", key=entity_id, value=value, headers={"content-type": content_type})
    print(f"{len(EVENTS) - producer.flush(10)} events sent")


if __name__ == "__main__":
    main()
