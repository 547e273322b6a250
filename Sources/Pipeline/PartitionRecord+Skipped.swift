extension PartitionRecord {
  /// Offsets between where the states began and the last record read that held no record when they were read: marks of
  /// transactions and what was aborted, or records that compaction took.
  public var skippedOffsets: Int64 {
    max(0, lastOffsetPlusOne - firstOffset - Int64(clamping: counters.read))
  }
}
