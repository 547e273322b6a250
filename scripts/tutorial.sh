#!/usr/bin/env bash
# Does what the tutorial (docs/tutorial) says, command by command, and compares what is printed with what the tutorial
# shows: with a real Redis, the embedded broker and files of its own in a fresh temporary folder. Ends with the first
# difference, or with how many commands were right.
#   scripts/tutorial.sh                  with the program of the release build, which it builds
#   scripts/tutorial.sh --tally PATH     with this program
#   scripts/tutorial.sh --keep           leaves the folder, and says where it is
#   scripts/tutorial.sh --record         puts what is printed into the pages where it differs; then write … for what varies
set -euo pipefail
cd "$(dirname "$0")/.."
tally=
keep=
record=()
while [ $# -gt 0 ]; do
  case $1 in
    --tally) tally=${2:?"tutorial: --tally needs the path of the program"}; shift ;;
    --keep) keep=1 ;;
    --record) record=(--record) ;;
    *) sed -n 's/^# \{0,1\}//; 2,8p' scripts/tutorial.sh; [ "$1" = --help ] && exit 0 || exit 64 ;;
  esac
  shift
done
missing=()
for program in redis-server:redis-server kcat:kcat sqlite3:sqlite3 python3:python3; do
  command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
done
[ ${#missing[@]} -eq 0 ] || scripts/setup.sh "${missing[@]}"
if [ -z "$tally" ]; then
  swift build -c release --product tally >&2
  tally=$(swift build -c release --show-bin-path)/tally
fi
[ -x "$tally" ] || { echo "tutorial: $tally: no such program" >&2; exit 64; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/tally-tutorial-XXXXXX")
runner=
# The servers are a process group of their own, whose number the runner leaves in a file while they live.
ending() {
  trap '' INT TERM
  if [ -n "$runner" ] && kill -TERM "$runner" 2>/dev/null; then wait "$runner" || true; fi
  [ ! -s "$folder/group" ] || kill -KILL -- "-$(cat "$folder/group")" 2>/dev/null || true
  if [ -n "$keep" ]; then echo "tutorial: the folder is $folder/shop"; else rm -rf "$folder"; fi
}
trap ending EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$folder/bin"
ln -s "$(realpath "$tally")" "$folder/bin/tally"
cp -r examples/tutorial "$folder/shop"
python3 scripts/tutorial.py "${record[@]}" "$folder" docs/tutorial/[0-9]*.md &
runner=$!
status=0
wait "$runner" || status=$?
runner=
exit "$status"
