#!/usr/bin/env bash
# Keeps the machine busy beside something that must bear it, such as scripts/test.sh: opens and closes loopback connections
# and starts programs all the time, from four loops at once, and ends by itself.
#   scripts/busy.sh [SECONDS]     (600, at most 7200)
set -euo pipefail
seconds=${1:-600}
[[ $seconds =~ ^[1-9][0-9]*$ ]] && [ "$seconds" -le 7200 ] || { echo "busy: write a number of seconds from 1 to 7200" >&2; exit 2; }
folder=$(mktemp -d)
pids=()
finish() {
  trap - EXIT
  kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Something to connect to; another port when the first is taken.
for _ in 1 2 3 4 5; do
  port=$((RANDOM % 20000 + 10000))
  redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$folder" >/dev/null 2>&1 &
  server=$!
  for _ in $(seq 100); do
    redis-cli -p "$port" ping >/dev/null 2>&1 && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  kill -0 "$server" 2>/dev/null && break
done
pids+=("$server")
end=$((SECONDS + seconds))
# Each request of the first is a connection of its own; the others start a program, which opens one, some 100 times a second.
(while [ $SECONDS -lt $end ]; do redis-benchmark -p "$port" -t set -c 20 -k 0 -n 2000 -q >/dev/null 2>&1 || true; done) &
pids+=($!)
for _ in 1 2 3; do
  (while [ $SECONDS -lt $end ]; do redis-cli -p "$port" incr programs >/dev/null 2>&1 || true; done) &
  pids+=($!)
done
wait "${pids[@]:1}"
echo "busy: $(redis-cli -p "$port" get programs) programs, \
$(redis-cli -p "$port" info stats | tr -d '\r' | sed -n 's/^total_connections_received://p') connections in $seconds s"
