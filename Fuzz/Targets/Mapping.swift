/// The mappings that inputs are read with; each is kept, so that it meets keys in other orders.
private nonisolated(unsafe) let benches: [MappingBench] = [made(false), made(true)].compactMap { $0 }

/// Records under a mapping: the same outcome and values as the oracle's. The first byte tells with which one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMapping(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  require(benches.count == 2, "no memory")
  let input = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = input.first else { return 0 }
  let record = Array(input.dropFirst())
  let bench = benches[Int(first) & 1]
  let found = bench.read(record)
  // Outside texts, which cannot have them, some of simdjson's kernels take these for a comma and a colon.
  if record.contains(0x0c) || record.contains(0x1a) { return 0 }
  let expected = bench.expected(record)
  require(found.0 == expected.0, "\(String(describing: found.0)) instead of \(expected.0)")
  require(found.1 == expected.1, "\(found.1) instead of \(expected.1)")
  return 0
}

/// Keys `a` to `d`, of which `b` is a list, `c` an object or a text with one, which holds such a text again.
private func made(_ isNarrow: Bool) -> MappingBench? {
  guard let bench = MappingBench() else { return nil }
  bench.want("a")
  if isNarrow { return bench }
  let list = bench.node("b")
  bench.want(list)
  if let elements = bench.elements(list) {
    bench.want(elements)
    bench.parseText(elements)
    bench.want(bench.child(elements, "e"))
    bench.want(bench.child(bench.child(elements, "f"), "e"))
  }
  for node in [bench.node("c"), bench.node("c", "d")] {
    bench.parseText(node)
    bench.want(node)
    bench.want(bench.child(node, "a"))
  }
  let counted = bench.node("c", "b")
  bench.want(counted)
  _ = bench.elements(counted)
  bench.want("a key of many more bytes than are compared at once")
  return bench
}
