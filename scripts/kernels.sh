#!/usr/bin/env bash
# Checks the forest's kernels against naive code, under AddressSanitizer and UndefinedBehaviorSanitizer.
#   scripts/kernels.sh            for this machine: every kernel that it has
#   scripts/kernels.sh --arm64    for arm64 (NEON), run by qemu; installs a cross compiler's libraries and qemu
set -euo pipefail
cd "$(dirname "$0")/.."
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
sources=(Tests/Kernels/check.c Sources/CForest/{dispatch,quantise,walk,flat,lanes,avx512}.c)
flags=(-std=c11 -O2 -g -Wall -Wextra -Werror -ffp-contract=off -ISources/CForest/include -ISources/CForest)
if [ "${1:-}" = --arm64 ]; then
  if ! command -v qemu-aarch64 aarch64-linux-gnu-gcc >/dev/null; then
    apt-get install -y -q gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user >/dev/null
  fi
  for source in "${sources[@]}"; do
    clang --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include "${flags[@]}" -c "$source" \
      -o "$built/$(basename "$source").o"
  done
  aarch64-linux-gnu-gcc -static "$built"/*.o -lm -o "$built/check"
  exec_check() { qemu-aarch64 "$built/check"; }
else
  clang "${flags[@]}" -fsanitize=address,undefined -fno-sanitize-recover=all "${sources[@]}" -lm -o "$built/check" \
    2> >(grep -v 'Cannot export local symbol' >&2)
  exec_check() { ASAN_OPTIONS=detect_leaks=0 "$built/check"; }
fi
exec_check
