/// From a partition of the topic that is copied to one of the copy.
package struct CopyLane: Hashable {
  package let source: Int32
  package let target: Int32

  package init(_ source: Int32, _ target: Int32) {
    self.source = source
    self.target = target
  }
}

/// Which records a copy of a topic has: on each lane, all up to an offset that belong there.
package struct CopiedRecords {
  package var records: Int64 = 0
  /// Last offset that was copied.
  package var last: [CopyLane: Int64] = [:]

  /// The offset behind the last that was copied of a partition; 0: none was.
  package func end(of source: Int32) -> Int64 {
    last.filter { $0.key.source == source }.map { $0.value + 1 }.max() ?? 0
  }

  /// Offsets below which every partition's records were copied to all targets; without one nothing is known of a partition.
  package func starts(targets: Int32) -> [Int32: Int64] {
    var starts: [Int32: Int64] = [:]
    for source in Set(last.keys.map(\.source)) {
      let lanes = (0..<targets).map { last[CopyLane(source, $0)] }
      guard !lanes.contains(nil), let least = lanes.compactMap({ $0 }).min() else { continue }
      starts[source] = least + 1
    }
    return starts
  }
}
