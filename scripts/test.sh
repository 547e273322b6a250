#!/usr/bin/env bash
# Passes the tests: installs what is missing, checks formatting, builds with warnings as errors, feeds 100,000 hostile inputs
# to every reader of bytes from outside (scripts/fuzz.sh), runs everything.
#   scripts/test.sh                  all tests
#   scripts/test.sh --filter NAME    some of them, without the hostile inputs
# With TALLY_BROKERS=host:port the tests of Kafka run against that broker instead of the embedded one.
# A runner that dies of a signal leaves its memory (a core file); the script prints where every thread stood.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "test: formatting"
swift format lint --strict --recursive --parallel Package.swift Sources Tests Fuzz Benchmarks/Package.swift
echo "test: building"
swift build --build-tests
if [[ " $* " != *" --filter"* ]]; then
  echo "test: fuzzing"
  scripts/fuzz.sh --required
fi
echo "test: running"
# The tests take minutes. One that hangs must not take the machine for hours, and is named.
limit=${TALLY_TEST_SECONDS:-2400}
log=$(mktemp)
touch "$log.begun"
trap 'rm -f "$log" "$log.begun"' EXIT
status=0
# Tests run side by side; libxgboost need not start threads for each.
export OMP_NUM_THREADS=1
ulimit -c unlimited 2>/dev/null || true
stdbuf -oL -eL timeout --kill-after=30 "$limit" swift test --skip-build "$@" > >(tee "$log") 2>&1 &
runner=$!
trap 'kill -TERM "$runner"' INT TERM
wait "$runner" || status=$?
if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
  echo "test: not finished after $limit s (TALLY_TEST_SECONDS); begun and not ended:" >&2
  awk '$2 == "Test" && / started\.$/ { sub(/^[^ ]+ Test /, ""); sub(/ started\.$/, ""); open[$0] = 1; next }
    $2 == "Test" && / (passed|failed|skipped)/ { sub(/^[^ ]+ Test /, ""); sub(/ with [0-9]+ test cases? /, " ")
      sub(/ (passed|failed) after .*$/, ""); delete open[$0] }
    END { for (name in open) print "  " name }' "$log" >&2
fi
# Swift's own backtrace ends at the first C library. What killed the runner is seen in its memory.
core=$(find . -maxdepth 1 -type f \( -name core -o -name 'core.[0-9]*' \) -newer "$log.begun" | head -1)
if [ "$status" -ne 0 ] && [ -n "$core" ]; then
  command -v gdb >/dev/null || scripts/setup.sh gdb || true
  program=$(find .build/debug/ -maxdepth 1 -name '*PackageTests.xctest' | head -1)
  echo "test: the runner died; its threads:" >&2
  gdb -batch -ex "thread apply all bt 40" "$program" "$core" 2>/dev/null | grep -vE '^(\[New LWP|warning)' | cut -c1-300 >&2 || true
fi
[ -z "$core" ] || rm -f "$core"
exit "$status"
