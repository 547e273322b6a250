/// Names of the keys that proto/state.proto lists, as bytes. Made once.
struct StateKeys {
  /// `PREFIX{pipeline/generation/partition}:r` by partition.
  let records: [[UInt8]]
  /// `PREFIX{pipeline/generation/partition}:e:` by partition; an entity's id follows.
  let entities: [[UInt8]]

  /// Key names of a pipeline's generation. The braces are Redis Cluster's hash tag: a partition lies in one
  /// slot.
  init(prefix: String, pipeline: String, generation: UInt64, partitionCount: Int32) {
    stem = Array("\(prefix){\(pipeline)/\(generation)/".utf8)
    let tags = (0..<partitionCount).map { "\(prefix){\(pipeline)/\(generation)/\($0)}:" }
    records = tags.map { Array(($0 + "r").utf8) }
    entities = tags.map { Array(($0 + "e:").utf8) }
  }

  /// The keys' beginning up to the partition's number.
  private let stem: [UInt8]

  /// Glob pattern of a partition's states; nil: of all partitions' states.
  func pattern(ofEntitiesOf partition: Int32?) -> [UInt8] {
    literalStem + Array("\(partition.map { String($0) } ?? "*")}:e:*".utf8)
  }

  /// Glob pattern of all records and states.
  var patternOfEverything: [UInt8] { literalStem + Array("*}:*".utf8) }

  /// The stem with what is special in a pattern escaped.
  private var literalStem: [UInt8] {
    let special = Array("*?[]\\".utf8)
    return stem.flatMap { special.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
  }

  /// Partition and entity of a state's key; nil: it is no such key.
  func entity(of key: [UInt8]) -> (partition: Int32, entityID: [UInt8])? {
    guard key.starts(with: stem), let brace = key[stem.count...].firstIndex(of: UInt8(ascii: "}")),
      let partition = Int(String(decoding: key[stem.count..<brace], as: UTF8.self)),
      entities.indices.contains(partition), key.starts(with: entities[partition])
    else { return nil }
    return (Int32(partition), Array(key[entities[partition].count...]))
  }

  /// Number of partitions.
  var partitionCount: Int { records.count }
}
