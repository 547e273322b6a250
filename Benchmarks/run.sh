#!/usr/bin/env bash
# Benchmarks Tally end to end, beside a Python program: see run.py and README.md; or, with `forest` first, its evaluator of
# trees beside others: see forest/README.md; with `codec`, its protobuf beside protobuf-c, and with `profiles`, a row of
# the age pipeline, neither of which needs Python. Python's packages go into
# a folder of their own here; the product needs none of them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1:-}" = codec ] || [ "${1:-}" = profiles ]; then
  product=$1
  shift
  "$here/../scripts/setup.sh" >&2
  cd "$here"
  swift build -c release --product "$product" >&2
  exec "$(swift build -c release --show-bin-path)/$product" "$@"
fi
if [ ! -x "$here/.venv/bin/python" ]; then
  python3 -m venv "$here/.venv"
  "$here/.venv/bin/pip" -q install confluent-kafka redis hiredis xgboost numpy orjson msgpack 'psycopg[binary]' >&2
fi
if [ "${1:-}" = forest ]; then
  shift
  # lleaves needs a pass manager that newer llvmlite does not have. daal4py 2024.7, the last under that name, is faster in
  # batches of 256 than the one in scikit-learn-intelex 2026.2.
  if ! "$here/.venv/bin/python" -c 'import lightgbm, lleaves, onnxmltools, onnxruntime, tl2cgen, treelite' 2>/dev/null; then
    "$here/.venv/bin/pip" -q install lightgbm lleaves 'llvmlite<0.45' daal4py onnx onnxmltools onnxruntime \
      scikit-learn setuptools tl2cgen treelite >&2
  fi
  # The newest libxgboost, which is called from C, whatever Python its package wants.
  newest=$here/.build/forest/newest
  if [ ! -d "$newest" ]; then
    mkdir -p "$newest.new"
    "$here/.venv/bin/pip" -q download --no-deps --python-version 3.13 --only-binary=:all: -d "$newest.new" xgboost-cpu >&2
    (cd "$newest.new" && "$here/.venv/bin/python" -m zipfile -e xgboost_cpu-*.whl . && rm xgboost_cpu-*.whl)
    mv "$newest.new" "$newest"
  fi
  (cd "$here/.." && swift build -c release --product tally >&2)
  exec "$here/.venv/bin/python" "$here/forest/run.py" "$@"
fi
"$here/../scripts/setup.sh" >&2
(cd "$here/.." && swift build -c release --product tally >&2)
(cd "$here" && swift build -c release --product openloop >&2)
exec "$here/.venv/bin/python" "$here/run.py" "$@"
