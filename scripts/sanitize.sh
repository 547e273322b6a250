#!/usr/bin/env bash
# Runs the tests under a sanitizer, which reports what an ordinary run survives by luck.
#   scripts/sanitize.sh address                  reads and writes beyond memory, use after free, leaks
#   scripts/sanitize.sh thread                   data races
#   scripts/sanitize.sh address --filter NAME    the tests whose names match, instead of the modules below
#   scripts/sanitize.sh address --build          only builds
# Each has a build folder of its own, .build/address and .build/thread; the first build takes minutes. What is not ours
# to mend stands in scripts/sanitize/*.supp, each with its reason. A finding fails the run. Tests that count allocations
# are skipped: the sanitizers have a malloc of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

# Modules that are tested when no filter is given; the integration tests start whole programs and take long.
modules=(EventsTests FeaturesTests FeatureStoreTests IngestTests PipelineTests KafkaTests SinkTests TablesTests ScorerTests)

sanitizer=${1:-}
case $sanitizer in
  address | thread) shift ;;
  -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
  *) echo "sanitize: say which: scripts/sanitize.sh address|thread [--filter NAME]" >&2; exit 2 ;;
esac
filters=()
only_build=
while [ $# -gt 0 ]; do
  case $1 in
    --filter) filters+=(--filter "$2"); shift 2 ;;
    --build) only_build=1; shift ;;
    *) echo "sanitize: unknown option $1; see --help" >&2; exit 2 ;;
  esac
done
if [ ${#filters[@]} -eq 0 ]; then
  for module in "${modules[@]}"; do filters+=(--filter "^$module\."); done
fi

scratch=.build/$sanitizer
echo "sanitize: building in $scratch"
swift build --build-tests --sanitize "$sanitizer" --scratch-path "$scratch"
[ -z "$only_build" ] || exit 0

# A finding ends the process of the address sanitizer; the thread sanitizer goes on, names all and makes the run fail.
supp=$PWD/scripts/sanitize
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0:${ASAN_OPTIONS:-}
export LSAN_OPTIONS=suppressions=$supp/leak.supp:print_suppressions=0:${LSAN_OPTIONS:-}
export TSAN_OPTIONS=suppressions=$supp/thread.supp:history_size=4:print_suppressions=0:${TSAN_OPTIONS:-}
environment=()
if [ "$sanitizer" = thread ]; then
  # What librdkafka's threads need to be known to the sanitizer.
  clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
  [ -x "$clang" ] || clang=clang
  "$clang" -O1 -g -shared -fPIC -Wall -Wextra -Werror scripts/sanitize/threads.c -o "$scratch/threads.so"
  environment=("LD_PRELOAD=$PWD/$scratch/threads.so")
fi
echo "sanitize: running"
# The tests are all of Swift Testing; the runner of the other kind leaks.
env "${environment[@]}" stdbuf -oL -eL swift test --skip-build --disable-xctest --sanitize "$sanitizer" \
  --scratch-path "$scratch" "${filters[@]}"
