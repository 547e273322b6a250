#!/usr/bin/env python3
"""The program that one would write instead of Tally: confluent-kafka, redis-py (pipelined, hiredis parser), xgboost.

Micro-batches: whatever is there, up to --batch, without waiting to fill one. One MGET and one MSET per batch (fewer bytes of
protocol and less Python than a pipeline of SETs), one predict per batch in place. With --cache states stay unpacked in the
process between batches, as long as it has the partition, and are still written with every batch.
At least once: offsets are committed after the batch's scores are acknowledged and its states are written; a crash between
the two counts events twice, and a rebalance may repeat scores.
"""
import argparse
import gc
import signal
import sys
import time

import numpy as np
import orjson
import redis
import xgboost
from confluent_kafka import Consumer, KafkaException, Producer

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
    options.add_argument("--threads", type=int, default=1, help="of xgboost")
    options.add_argument("--cache", type=int, default=0, help="states that stay in the process between batches")
    options.add_argument("--idle-exit", type=float, default=0, help="end after so many seconds without events")
    options.add_argument("--last-rows", help="write every person's last feature row here (numpy), for the comparison")
    options = options.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    gc.set_threshold(100_000, 20, 20)
    booster = xgboost.Booster({"nthread": options.threads})
    booster.load_model(options.model)
    booster.set_param({"nthread": options.threads})
    store = redis.Redis(port=options.redis_port)
    consumer = Consumer({
        "bootstrap.servers": options.brokers, "group.id": options.group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "fetch.wait.max.ms": 10, "queued.min.messages": 10000})
    cache = {}

    def revoked(consumer, _):
        """Between two batches, so everything that was read is done."""
        cache.clear()
        try:
            consumer.commit(asynchronous=False)
        except KafkaException:
            pass  # nothing to commit, or too late: the next owner repeats it

    consumer.subscribe([options.topic], on_revoke=revoked)
    producer = Producer({
        "bootstrap.servers": options.brokers, "linger.ms": 1, "compression.type": "lz4", "acks": "all",
        "partitioner": "murmur2_random"})
    table = Table(options.postgres) if options.postgres else None
    rows = np.empty((options.batch, COLUMNS), dtype=np.float32)
    last_rows = {}
    prefix, loads, dumps, produce = options.prefix, orjson.loads, orjson.dumps, producer.produce
    last = time.monotonic()
    count = 0
    try:
        while True:
            first = consumer.poll(1)
            messages = [first, *consumer.consume(options.batch - 1, timeout=0)] if first is not None else []
            events = [(loads(message.value()), message) for message in messages if message.error() is None]
            if not events:
                if options.idle_exit and count and time.monotonic() - last > options.idle_exit:
                    break
                continue
            states = fetch(store, prefix, {event["entity_id"] for event, _ in events}, cache)
            scored = []
            for event, message in events:
                state = states[event["entity_id"]]
                if state.apply(event):
                    state.row(rows[len(scored)])
                    scored.append((event, message))
            if scored:
                scores = booster.inplace_predict(rows[:len(scored)], validate_features=False).tolist()
                for (event, message), score in zip(scored, scores):
                    produce(options.output, key=event["entity_id"], value=dumps({
                        "pipeline": "engagement", "entity_id": event["entity_id"], "event_id": event["event_id"],
                        "event_time_us": event["event_time_us"], "topic": options.topic,
                        "partition": message.partition(), "offset": message.offset(),
                        "outputs": [{"name": "engagement", "value": score}]}))
                if options.last_rows:
                    for (event, _), row in zip(scored, rows):
                        last_rows[event["entity_id"]] = row.copy()
                if table:
                    table.write(scored, scores)
                producer.flush()
            store.mset({prefix + key: state.pack() for key, state in states.items()})
            if options.cache:
                cache.update(states)
                if len(cache) > options.cache:
                    for key in list(cache)[:len(cache) - options.cache]:
                        del cache[key]
            consumer.commit(asynchronous=True)
            count += len(events)
            last = time.monotonic()
    finally:
        consumer.close()
        if options.last_rows:
            np.savez(options.last_rows, ids=np.array(list(last_rows)), rows=np.array(list(last_rows.values())))


def fetch(store, prefix, keys, cache):
    """The people's states: from the cache, else from Redis by one MGET, else new."""
    states = {}
    missing = []
    for key in keys:
        state = cache.get(key)
        if state is None:
            missing.append(key)
        else:
            states[key] = state
    if missing:
        for key, data in zip(missing, store.mget([prefix + key for key in missing])):
            states[key] = State() if data is None else State.unpack(data)
    return states


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
                        message.offset(), score))
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
