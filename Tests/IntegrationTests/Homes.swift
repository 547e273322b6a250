import Dataflow

/// Where entities live in the tests' topics, whose producers use murmur2.
enum Homes {
  /// The partition that a key belongs to.
  static func partition(of key: String, count: Int = Rig.partitions) -> Int32 {
    Array(key.utf8).withUnsafeBytes { KeyHomes(.murmur2, partitionCount: Int32(count)).home(of: $0) }
  }

  /// The first of `NAME0`, `NAME1`, … that belongs to a partition.
  static func name(_ name: String, on partition: Int32, count: Int = Rig.partitions) -> String {
    let names = (0...).lazy.map { "\(name)\($0)" }
    return names.first { Self.partition(of: $0, count: count) == partition } ?? name
  }

  /// A partition that a key does not belong to.
  static func elsewhere(than key: String) -> Int32 { (partition(of: key) + 1) % Int32(Rig.partitions) }
}
