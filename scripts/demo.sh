#!/usr/bin/env bash
# Shows Tally at work on embedded defaults: a broker, a Redis and SQLite of its own, in a temporary folder.
#   scripts/demo.sh            about a minute, then a summary
#   scripts/demo.sh --keep     stays until Ctrl-C, so that you can look around
#   scripts/demo.sh --help     all options
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
echo "demo: building (the first time takes a few minutes)"
log=$(mktemp)
if ! swift build -c release --product tally >"$log" 2>&1; then
  cat "$log" >&2
  echo "demo: the build failed; its output stands above" >&2
  exit 1
fi
rm -f "$log"
exec "$(swift build -c release --show-bin-path)/tally" demo "$@"
