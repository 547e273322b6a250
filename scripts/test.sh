#!/usr/bin/env bash
# Passes the tests: installs what is missing, checks formatting, builds with warnings as errors, feeds 100,000 hostile inputs
# to every reader of bytes from outside (scripts/fuzz.sh), runs everything.
#   scripts/test.sh                  all tests
#   scripts/test.sh --filter NAME    some of them, without the hostile inputs
# With TALLY_BROKERS=host:port the tests of Kafka run against that broker instead of the embedded one.
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
trap 'rm -f "$log"' EXIT
status=0
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
exit "$status"
