#!/usr/bin/env bash
# Benchmarks Tally end to end, beside a Python program: see run.py and README.md. Python's packages go into a folder of
# their own here; the product needs none of them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/../scripts/setup.sh" >&2
(cd "$here/.." && swift build -c release --product tally >&2)
(cd "$here" && swift build -c release >&2)
if [ ! -x "$here/.venv/bin/python" ]; then
  python3 -m venv "$here/.venv"
  "$here/.venv/bin/pip" -q install confluent-kafka redis hiredis xgboost numpy orjson msgpack 'psycopg[binary]' >&2
fi
exec "$here/.venv/bin/python" "$here/run.py" "$@"
