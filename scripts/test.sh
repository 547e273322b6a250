#!/usr/bin/env bash
# Passes the tests: installs what is missing, checks formatting, builds with warnings as errors, for release too, does what the tutorial says
# (scripts/tutorial.sh), feeds 100,000 hostile inputs to every reader of bytes from outside (scripts/fuzz.sh), runs everything.
#   scripts/test.sh                  all tests
#   scripts/test.sh --filter NAME    some of them, without the tutorial and the hostile inputs
# With TALLY_BROKERS=host:port the tests of Kafka run against that broker instead of the embedded one.
# A run that dies, of a signal or because it takes too long, is told with the tests that had begun and not ended, and with
# where every thread stood if it leaves its memory (a core file).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "test: formatting"
swift format lint --strict --recursive --parallel Package.swift Sources Tests Fuzz Benchmarks/Package.swift Benchmarks/Sources/codec
echo "test: building"
swift build --build-tests
if [[ " $* " != *" --filter"* ]]; then
  echo "test: documents"
  command -v python3 >/dev/null || scripts/setup.sh python3
  scripts/check-docs.py .build/debug/tally
  # What people run is optimised: the compiler has more to say, and can fail, where the tests' build does not.
  echo "test: building the release"
  swift build -c release --product tally
  release=$(swift build -c release --show-bin-path)/tally
  "$release" check pipelines/engagement.yaml >/dev/null
  echo "test: the tutorial"
  scripts/tutorial.sh --tally "$release"
  echo "test: fuzzing"
  scripts/fuzz.sh --required
fi
echo "test: running"
# The tests take minutes. One that hangs must not take the machine for hours, and is named.
limit=${TALLY_TEST_SECONDS:-2400}
log=$(mktemp)
touch "$log.begun"
trap 'rm -f "$log" "$log.begun" "$log.running"' EXIT
status=0
# Tests run side by side; libxgboost need not start threads for each.
export OMP_NUM_THREADS=1
export TALLY_TEST_RUNNING=$log.running
ulimit -c unlimited 2>/dev/null || true
stdbuf -oL -eL timeout --kill-after=30 "$limit" swift test --skip-build "$@" > >(tee "$log") 2>&1 &
runner=$!
trap 'kill -TERM "$runner"' INT TERM
wait "$runner" || status=$?
# Names the tests that had begun and not ended, with the last case that had begun of one with arguments. Those that waited for
# a thread (Tests/TestThreads) are left out, those that had one come first.
unfinished() {
  touch "$TALLY_TEST_RUNNING"
  awk '
    FILENAME != log_name {
      if ($1 == "=") next
      mark = $1; sub(/^. /, "")
      waits[$0] += (mark == "?") - (mark == "+"); runs[$0] += (mark == "+") - (mark == "-"); next }
    $2 != "Test" || $3 == "run" { next }
    $3 == "case" && / started\.$/ {
      sub(/ started\.$/, ""); name = $0; sub(/^.* to /, "", name); sub(/^[^ ]+ Test case passing [0-9]+ arguments? /, "")
      sub(/ to [^→]*$/, ""); last[name] = " (last case begun: " $0 ")"; next }
    / started\.$/ { sub(/^[^ ]+ Test /, ""); sub(/ started\.$/, ""); open[$0]++; next }
    / (passed|failed) after | skipped/ {
      sub(/^[^ ]+ Test /, ""); sub(/ (passed|failed) after .*$/, ""); sub(/ with [0-9]+ test cases?$/, "")
      sub(/ skipped.*$/, ""); open[$0]-- }
    END {
      for (name in open) if (open[name] > 0 && (runs[name] > 0 || waits[name] <= 0))
        print (runs[name] > 0 ? 0 : 1) "  " name last[name] }' log_name="$log" "$TALLY_TEST_RUNNING" "$log" | sort | cut -c2-
}

# Runs that come to their end say so, whether tests failed or not.
if [ "$status" -ne 0 ] && ! grep -qE 'Test run with [0-9]+ tests? ' "$log"; then
  case $status in
    124 | 137) echo "test: not finished after $limit s (TALLY_TEST_SECONDS); begun and not ended:" >&2 ;;
    *) echo "test: the run died before its end (exit code $status); begun and not ended:" >&2 ;;
  esac
  unfinished >&2
fi
# Swift's own backtrace ends at the first C library. What killed the runner is seen in its memory.
core=$(find . -maxdepth 1 -type f \( -name core -o -name 'core.[0-9]*' \) -newer "$log.begun" | head -1)
if [ "$status" -ne 0 ] && [ -n "$core" ]; then
  command -v gdb >/dev/null || scripts/setup.sh gdb || true
  program=$(find .build/debug/ -maxdepth 1 -name '*PackageTests.xctest' | head -1)
  echo "test: the runner died; its threads:" >&2
  gdb -batch -ex "thread apply all bt 40" "$program" "$core" 2>/dev/null |
    grep -vE '^(\[New LWP|warning)' | swift demangle --simplified | cut -c1-300 >&2 || true
fi
[ -z "$core" ] || rm -f "$core"
exit "$status"
