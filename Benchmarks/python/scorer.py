#!/usr/bin/env python3
"""The program that one would write instead of Tally: confluent-kafka, redis-py (pipelined, hiredis parser), xgboost.

Micro-batches: whatever a poll gives, up to --batch. One MGET and one pipelined SET per batch, one predict per batch.
At least once: offsets are committed after the batch's scores are acknowledged and its states are written.
"""
import argparse
import time

import numpy as np
import orjson
import redis
import xgboost
from confluent_kafka import Consumer, Producer

from features import State

COLUMNS = 47


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--brokers", required=True)
    options.add_argument("--topic", required=True)
    options.add_argument("--group", required=True)
    options.add_argument("--output", required=True)
    options.add_argument("--redis-port", type=int, required=True)
    options.add_argument("--prefix", default="py:")
    options.add_argument("--model", required=True)
    options.add_argument("--postgres")
    options.add_argument("--batch", type=int, default=512)
    options.add_argument("--idle-exit", type=float, default=0, help="end after so many seconds without events")
    options.add_argument("--rows", help="write feature rows of all events here (numpy), for the check")
    options = options.parse_args()

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(options.model)
    booster.set_param({"nthread": 1})
    store = redis.Redis(port=options.redis_port)
    consumer = Consumer({
        "bootstrap.servers": options.brokers, "group.id": options.group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "fetch.wait.max.ms": 10, "queued.min.messages": 10000})
    consumer.subscribe([options.topic])
    producer = Producer({
        "bootstrap.servers": options.brokers, "linger.ms": 1, "compression.type": "lz4", "acks": "all",
        "partitioner": "murmur2_random"})
    table = Table(options.postgres) if options.postgres else None
    rows = np.empty((options.batch, COLUMNS), dtype=np.float32)
    kept = []
    prefix = options.prefix
    last = time.monotonic()
    count = 0
    try:
        while True:
            messages = consumer.consume(options.batch, timeout=0.01 if count else 1)
            events = []
            for message in messages:
                if message.error() is None:
                    events.append((orjson.loads(message.value()), message))
            if not events:
                if options.idle_exit and count and time.monotonic() - last > options.idle_exit:
                    break
                continue
            keys = list({event["entity_id"]: None for event, _ in events})
            found = store.mget([prefix + key for key in keys])
            states = {
                key: State.unpack(data) if data is not None else State() for key, data in zip(keys, found)}
            scored = []
            for event, message in events:
                state = states[event["entity_id"]]
                if state.apply(event):
                    state.row(rows[len(scored)])
                    scored.append((event, message))
            if scored:
                block = rows[:len(scored)]
                scores = booster.inplace_predict(block, validate_features=False)
                if options.rows:
                    kept.append((block.copy(), [event["event_id"] for event, _ in scored], scores.copy()))
                for (event, message), score in zip(scored, scores):
                    producer.produce(options.output, key=event["entity_id"], value=orjson.dumps({
                        "pipeline": "engagement", "entity_id": event["entity_id"], "event_id": event["event_id"],
                        "event_time_us": event["event_time_us"], "topic": options.topic,
                        "partition": message.partition(), "offset": message.offset(),
                        "outputs": [{"name": "engagement", "value": float(score)}]}))
                    producer.poll(0)
                if table:
                    table.write(scored, scores)
                producer.flush()
            pipeline = store.pipeline(transaction=False)
            for key, state in states.items():
                pipeline.set(prefix + key, state.pack())
            pipeline.execute()
            consumer.commit(asynchronous=True)
            count += len(events)
            last = time.monotonic()
    finally:
        consumer.close()
        if options.rows:
            np.savez(
                options.rows, rows=np.concatenate([block for block, _, _ in kept]),
                ids=np.concatenate([np.array(ids) for _, ids, _ in kept]),
                scores=np.concatenate([scores for _, _, scores in kept]))


class Table:
    """Rows per event and per person, by COPY into a staging table and upserts, one transaction a batch."""

    def __init__(self, connection):
        import psycopg
        self.connection = psycopg.connect(connection)
        with self.connection.cursor() as cursor:
            cursor.execute("""
                CREATE TABLE IF NOT EXISTS py_scores (entity_id text, event_id text, event_time bigint, part integer,
                  off bigint, engagement real, PRIMARY KEY (entity_id, event_id));
                CREATE TABLE IF NOT EXISTS py_latest (entity_id text PRIMARY KEY, event_id text, event_time bigint,
                  part integer, off bigint, engagement real);
                CREATE TEMP TABLE staged (seq integer, entity_id text, event_id text, event_time bigint, part integer,
                  off bigint, engagement real) ON COMMIT DELETE ROWS""")
        self.connection.commit()

    def write(self, scored, scores):
        with self.connection.cursor() as cursor:
            with cursor.copy("COPY staged FROM STDIN") as copy:
                for number, ((event, message), score) in enumerate(zip(scored, scores)):
                    copy.write_row((
                        number, event["entity_id"], event["event_id"], event["event_time_us"], message.partition(),
                        message.offset(), float(score)))
            cursor.execute("""
                INSERT INTO py_scores SELECT DISTINCT ON (entity_id, event_id) entity_id, event_id, event_time, part,
                  off, engagement FROM staged ORDER BY entity_id, event_id, seq DESC ON CONFLICT DO NOTHING;
                INSERT INTO py_latest SELECT DISTINCT ON (entity_id) entity_id, event_id, event_time, part, off,
                  engagement FROM staged ORDER BY entity_id, seq DESC
                  ON CONFLICT (entity_id) DO UPDATE SET event_id = excluded.event_id,
                  event_time = excluded.event_time, part = excluded.part, off = excluded.off,
                  engagement = excluded.engagement""")
        self.connection.commit()


if __name__ == "__main__":
    main()
