public import Dataflow
public import Kafka

extension CommittedOffset {
  /// What Tally writes beside the offsets that it commits, up to the number: where the partition's states began.
  private static let mark = "tally first="

  /// A group's offset; whether Tally has committed it is told by its metadata.
  public init(_ position: KafkaPosition) {
    let metadata = position.metadata
    let first = metadata.hasPrefix(Self.mark) ? Int64(metadata.dropFirst(Self.mark.count)) : nil
    self.init(position.offset, firstOffset: first.flatMap { $0 >= 0 ? $0 : nil })
  }

  fileprivate static func metadata(_ firstOffset: Int64) -> String { mark + String(firstOffset) }
}

extension OffsetMark {
  /// The offset with its metadata.
  public var position: KafkaPosition {
    KafkaPosition(partition: partition, offset: offset, metadata: CommittedOffset.metadata(firstOffset))
  }
}
