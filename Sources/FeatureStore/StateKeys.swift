/// Names of the keys that proto/state.proto lists, as bytes. Made once.
struct StateKeys {
  /// `PREFIX{pipeline/generation/partition}:r` by partition.
  let records: [[UInt8]]
  /// `PREFIX{pipeline/generation/partition}:e:` by partition; an entity's id follows.
  let entities: [[UInt8]]

  /// Key names of a pipeline's generation. The braces are Redis Cluster's hash tag: a partition lies in one
  /// slot.
  init(prefix: String, pipeline: String, generation: UInt64, partitionCount: Int32) {
    let tags = (0..<partitionCount).map { "\(prefix){\(pipeline)/\(generation)/\($0)}:" }
    records = tags.map { Array(($0 + "r").utf8) }
    entities = tags.map { Array(($0 + "e:").utf8) }
  }

  /// Number of partitions.
  var partitionCount: Int { records.count }
}
