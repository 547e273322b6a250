#!/usr/bin/env bash
# Feeds broken and hostile inputs to Tally's readers: libFuzzer with the address sanitizer, and the undefined-behaviour one for C.
#   scripts/fuzz.sh                       100,000 runs of every target
#   scripts/fuzz.sh --required            of every target but the slow ones, as scripts/test.sh does
#   scripts/fuzz.sh --nightly             10,000,000 runs of each of those: hours
#   scripts/fuzz.sh --runs 0 Model        only the seeds and what earlier runs found worth keeping
#   scripts/fuzz.sh --seconds 600 Model   as many runs of one target as ten minutes hold
#   scripts/fuzz.sh --repeat FILE Model   one input again, such as a finding
#   scripts/fuzz.sh --jobs 1              one target at a time; else as many as there are processors
#   scripts/fuzz.sh --build               only builds
# Targets are the files of Fuzz/Targets: see Fuzz/README.md. A finding is kept in Fuzz/findings; the script then ends with 1.
set -euo pipefail
cd "$(dirname "$0")/.."

# What is built for the targets: C and C++ targets, then Swift modules, each after those that it imports.
c_modules=(CForest CSimdjson CEvents CUnpack)
system_modules=(CCrypto CRdKafka CSnappy CXGBoost CXXHash CZlib CZstd)
swift_modules=(Events Features Dataflow Parquet Kafka XGBoost Registry Ingest Scorer)
# Libraries that no module map names: Package.swift does.
libraries=(-lsimdjson -lprotobuf-c -lstdc++)
# What targets share; samples of declarations and the mapping's oracle are the tests' own.
support=(
  Fuzz/Support/*.swift Tests/FeaturesTests/Support/SampleDeclaration.swift Tests/IngestTests/Mapping{Bench,Oracle}.swift
)

# Targets that nightly runs and tests go without.
slow=(Forest)

runs=100000
runs_nightly=10000000
seconds=0
jobs=$(nproc)
only_required=
repeat=
only_build=
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=$2; shift 2 ;;
    --seconds) seconds=$2; runs=-1; shift 2 ;;
    --required) only_required=1; shift ;;
    --nightly) only_required=1; runs=$runs_nightly; shift ;;
    --jobs) jobs=$2; shift 2 ;;
    --repeat) repeat=$2; shift 2 ;;
    --build) only_build=1; shift ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    -*) echo "fuzz: unknown option $1; see --help" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done
if [ ${#targets[@]} -eq 0 ]; then
  for file in Fuzz/Targets/*.swift; do
    target=$(basename "$file" .swift)
    [ -n "$only_required" ] && [[ " ${slow[*]} " == *" $target "* ]] && continue
    targets+=("$target")
  done
fi
for target in "${targets[@]}"; do
  [ -f "Fuzz/Targets/$target.swift" ] || { echo "fuzz: there is no Fuzz/Targets/$target.swift" >&2; exit 2; }
done
if [ -n "$repeat" ] && [ ${#targets[@]} -ne 1 ]; then
  echo "fuzz: --repeat needs the target that the input is for" >&2
  exit 2
fi

out=.build/fuzz
mkdir -p "$out"
# The C compiler of Swift's own toolchain: its sanitizers are the ones that are linked.
clang=$(dirname "$(readlink -f "$(command -v swiftc)")")/clang
[ -x "$clang" ] || clang=clang
# Swift links no C++ runtime of the undefined-behaviour sanitizer, which `vptr` needs; we have no virtual functions.
c_flags=(
  -O2 -g -ffp-contract=off -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize=vptr -fno-sanitize-recover=all
)
swift_flags=(
  -O -g -swift-version 6 -package-name tally -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility
  -enable-upcoming-feature InternalImportsByDefault -enable-testing -parse-as-library -sanitize=fuzzer,address -I "$out"
)

# Whether $1 is missing or older than one of the other files.
is_old() {
  local made=$1 file
  shift
  [ -e "$made" ] || return 0
  for file in "$@"; do [ "$file" -nt "$made" ] && return 0; done
  return 1
}

# Runs a command that makes $1; its output is shown when it fails.
quietly() {
  local log=$1.log
  shift
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    echo "fuzz: the build failed; its output stands above" >&2
    exit 1
  fi
}

objects=()
compiling=0
for module in "${c_modules[@]}"; do
  # As the package manager does it: the header that is named like the module.
  mkdir -p "$out/$module"
  echo "module $module { umbrella header \"$PWD/Sources/$module/include/$module.h\" export * }" >"$out/$module/module.modulemap"
  swift_flags+=(-I "$out/$module")
  while IFS= read -r file; do
    object=$out/$module/$(basename "$file").o
    objects+=("$object")
    if is_old "$object" scripts/fuzz.sh "$file" "Sources/$module"/*.h "Sources/$module"/include/*.h; then
      echo "fuzz: building $file"
      [ "$compiling" -lt "$jobs" ] || wait -n || exit 1
      [ "$compiling" -ge "$jobs" ] || compiling=$((compiling + 1))
      quietly "$object" "$clang" "${c_flags[@]}" -I "Sources/$module/include" -c "$file" -o "$object" &
    fi
  done < <(find "Sources/$module" -name '*.c' -o -name '*.cpp' | sort)
done
for ((; compiling > 0; compiling--)); do wait -n || exit 1; done
for module in "${system_modules[@]}"; do swift_flags+=(-I "Sources/$module"); done
previous=("${objects[@]}")
for module in "${swift_modules[@]}"; do
  object=$out/$module.o
  files=()
  while IFS= read -r file; do
    # A file of Fuzz/Instead takes the place of the product's.
    [ -f "Fuzz/Instead/${file#Sources/}" ] && file=Fuzz/Instead/${file#Sources/}
    files+=("$file")
  done < <(find "Sources/$module" -name '*.swift' | sort)
  if is_old "$object" scripts/fuzz.sh "${files[@]}" "${previous[@]}"; then
    echo "fuzz: building $module"
    quietly "$object" swiftc "${swift_flags[@]}" -whole-module-optimization -module-name "$module" \
      -emit-module-path "$out/$module.swiftmodule" -c "${files[@]}" -o "$object"
    # The compiler leaves an object alone whose code is the same.
    touch "$object"
  fi
  previous+=("$object")
  objects+=("$object")
done
for target in "${targets[@]}"; do
  if is_old "$out/$target" "Fuzz/Targets/$target.swift" "${support[@]}" "${objects[@]}"; then
    echo "fuzz: building $target"
    quietly "$out/Fuzz$target" swiftc "${swift_flags[@]}" -whole-module-optimization -module-name "Fuzz$target" \
      -c "Fuzz/Targets/$target.swift" "${support[@]}" -o "$out/Fuzz$target.o"
    quietly "$out/Fuzz$target" swiftc -sanitize=fuzzer,address "$out/Fuzz$target.o" "${objects[@]}" "${libraries[@]}" -o "$out/$target"
  fi
done
[ -z "$only_build" ] || exit 0

# Sets in the same order at every start, so that an input always takes the same way; no backtraces of Swift's own.
export SWIFT_DETERMINISTIC_HASHING=1 SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=detect_stack_use_after_return=0:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
limits=(-max_len=8192 -rss_limit_mb=2048 -malloc_limit_mb=32 -timeout=20)
if [ -n "$repeat" ]; then exec "$out/${targets[0]}" "${limits[@]}" "$repeat"; fi

# Little is kept of who allocated what, and freed memory not for long: it costs half of the time. --repeat tells all.
ASAN_OPTIONS=malloc_context_size=4:quarantine_size_mb=32:$ASAN_OPTIONS

# Targets that run, by process.
declare -A running=()
trap '[ ${#running[@]} -eq 0 ] || kill "${!running[@]}"' EXIT
trap 'exit 130' INT TERM

start() {
  local target=$1 corpus=$out/corpus-$1 findings=Fuzz/findings/$1
  # Inputs that reached something new stay beside the build for the next run; the seeds are only read.
  mkdir -p "$findings" "$corpus"
  local options=("${limits[@]}" "-runs=$runs" "-max_total_time=$seconds" "-artifact_prefix=$findings/" -print_final_stats=1)
  [ -f "Fuzz/dictionaries/$target.dict" ] && options+=("-dict=Fuzz/dictionaries/$target.dict")
  local folders=("$corpus")
  [ -d "Fuzz/seeds/$target" ] && folders+=("Fuzz/seeds/$target")
  echo "fuzz: $target: running; the log is $out/$target.log"
  "$out/$target" "${options[@]}" "${folders[@]}" >"$out/$target.log" 2>&1 &
  running[$!]=$target
}

status=0
# Waits for any target and says what became of it.
finish() {
  local process= ended=0
  wait -n -p process "${!running[@]}" || ended=$?
  local target=${running[$process]}
  local log=$out/$target.log
  unset "running[$process]"
  if [ "$ended" -eq 0 ]; then
    grep -E '^Done' "$log" | sed "s/^/fuzz: $target: /"
    return
  fi
  status=1
  local finding
  finding=$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)
  grep -E -m 1 -A 12 'ERROR: |runtime error: |Fatal error' "$log" >&2 || tail -n 20 "$log" >&2
  if [ -z "$finding" ]; then
    echo "fuzz: $target: ended with $ended before its time; the log is $log" >&2
  else
    echo "fuzz: $target: a finding; the whole report is $log" >&2
    echo "fuzz: repeat it with: scripts/fuzz.sh --repeat $finding $target" >&2
  fi
}

for target in "${targets[@]}"; do
  [ "${#running[@]}" -lt "$jobs" ] || finish
  start "$target"
done
while [ "${#running[@]}" -gt 0 ]; do finish; done
exit "$status"
