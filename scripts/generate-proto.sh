#!/usr/bin/env bash
# Makes the C code of Sources/CEvents from proto/; or, with --check DIR, writes it to DIR instead.
set -euo pipefail
cd "$(dirname "$0")/.."
out=Sources/CEvents
if [ "${1:-}" = "--check" ]; then
  out=$2
  mkdir -p "$out/include"
fi
for name in events scores state; do
  protoc-c --proto_path=proto --c_out="$out" "$name.proto"
  mv "$out/$name.pb-c.h" "$out/include/"
done
