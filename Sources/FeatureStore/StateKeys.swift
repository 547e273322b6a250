/// Names of the keys that proto/state.proto lists, as bytes. Made once, and anew for a partition whose generation changes.
struct StateKeys {
  /// `PREFIX{pipeline/generation/partition}:r` by partition.
  private(set) var records: [[UInt8]] = []
  /// `PREFIX{pipeline/generation/partition}:e:` by partition; an entity's id follows.
  private(set) var entities: [[UInt8]] = []
  /// `PREFIX{pipeline/`.
  private let start: String
  private var generations: [UInt64] = []

  /// Key names of a pipeline's generation. The braces are Redis Cluster's hash tag: a partition lies in one
  /// slot.
  init(prefix: String, pipeline: String, generation: UInt64, partitionCount: Int32) {
    start = "\(prefix){\(pipeline)/"
    for partition in 0..<partitionCount {
      let tag = tag(generation, partition)
      records.append(Array((tag + "r").utf8))
      entities.append(Array((tag + "e:").utf8))
      generations.append(generation)
    }
  }

  /// Names a partition's keys of another generation.
  mutating func use(_ generation: UInt64, of partition: Int32) {
    guard generations[Int(partition)] != generation else { return }
    let tag = tag(generation, partition)
    records[Int(partition)] = Array((tag + "r").utf8)
    entities[Int(partition)] = Array((tag + "e:").utf8)
    generations[Int(partition)] = generation
  }

  private func tag(_ generation: UInt64, _ partition: Int32) -> String {
    "\(start)\(generation)/\(partition)}:"
  }

  /// Glob pattern of a partition's states.
  func pattern(ofEntitiesOf partition: Int32) -> [UInt8] {
    Self.literal(entities[Int(partition)]) + Array("*".utf8)
  }

  /// Glob pattern of the states of all partitions; of other generations too when partitions have several.
  var patternOfEntities: [UInt8] { stem(generations) + Array(":e:*".utf8) }

  /// Glob pattern of the records and states of all partitions; of other generations too when partitions have several.
  var patternOfEverything: [UInt8] { stem(generations) + Array(":*".utf8) }

  /// Glob pattern of the records and states of all generations.
  var patternOfAllGenerations: [UInt8] { Self.literal(Array(start.utf8)) + Array("*".utf8) }

  /// The generation of a key, and whether it is a state's and no record's; nil: it is no such key.
  func generation(of key: [UInt8]) -> (generation: UInt64, isState: Bool)? {
    let start = Array(self.start.utf8)
    guard key.starts(with: start), let slash = key[start.count...].firstIndex(of: UInt8(ascii: "/")),
      let brace = key[slash...].firstIndex(of: UInt8(ascii: "}")),
      let generation = UInt64(String(decoding: key[start.count..<slash], as: UTF8.self))
    else { return nil }
    return (generation, key[brace...].starts(with: Array("}:e:".utf8)))
  }

  private func stem(_ generations: [UInt64]) -> [UInt8] {
    let first = generations.first ?? 0
    let generation = generations.allSatisfy { $0 == first } ? "\(first)" : "*"
    return Self.literal(Array(start.utf8)) + Array("\(generation)/*}".utf8)
  }

  /// Bytes with what is special in a pattern escaped.
  private static func literal(_ bytes: [UInt8]) -> [UInt8] {
    let special = Array("*?[]\\".utf8)
    return bytes.flatMap { special.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
  }

  /// Partition and entity of a state's key; nil: it is no such key, or one of another generation.
  func entity(of key: [UInt8]) -> (partition: Int32, entityID: [UInt8])? {
    let start = Array(self.start.utf8)
    guard key.starts(with: start), let slash = key[start.count...].firstIndex(of: UInt8(ascii: "/")),
      let brace = key[slash...].firstIndex(of: UInt8(ascii: "}")),
      let partition = Int(String(decoding: key[(slash + 1)..<brace], as: UTF8.self)),
      entities.indices.contains(partition), key.starts(with: entities[partition])
    else { return nil }
    return (Int32(partition), Array(key[entities[partition].count...]))
  }

  /// Number of partitions.
  var partitionCount: Int { records.count }
}
