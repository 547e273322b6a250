#!/usr/bin/env python3
"""Writes the files that ParquetTests reads, by pyarrow (26.0.1 was used): `pip install pyarrow`, then run it here.

Row i of 300: id i - 150, number i / 4 (empty where i % 7 == 3), word one of five (empty where i % 11 == 5), flag i % 3 == 0,
at: 2026-01-01 plus i milliseconds, small: i % 5 as a 32-bit number."""
import datetime

import pyarrow as pa
import pyarrow.parquet as pq

words = ["plain", "with, comma", 'with "quotes"', "naïve", ""]
rows = range(300)
start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
table = pa.table({
    "id": pa.array([i - 150 for i in rows], pa.int64()),
    "number": pa.array([None if i % 7 == 3 else i / 4 for i in rows], pa.float32()),
    "word": pa.array([None if i % 11 == 5 else words[i % 5] for i in rows], pa.string()),
    "flag": pa.array([i % 3 == 0 for i in rows], pa.bool_()),
    "at": pa.array([start + datetime.timedelta(milliseconds=i) for i in rows], pa.timestamp("ms", tz="UTC")),
    "small": pa.array([i % 5 for i in rows], pa.int32()),
})
for name, options in {
    "snappy": {"compression": "snappy"},
    "gzip": {"compression": "gzip", "row_group_size": 128},
    "zstd-v2": {"compression": "zstd", "data_page_version": "2.0"},
    "plain": {"compression": "none", "use_dictionary": False},
}.items():
    pq.write_table(table, f"{name}.parquet", **options)
nested = pa.table({"parts": pa.array([[1, 2], []], pa.list_(pa.int64()))})
pq.write_table(nested, "list.parquet")
pq.write_table(table.select(["id"]), "delta.parquet", use_dictionary=False, column_encoding={"id": "DELTA_BINARY_PACKED"})
pq.write_table(table.select(["id"]), "brotli.parquet", compression="brotli")
