/// Why states are made again.
public enum StateLoss: String, Sendable {
  /// The store had none of them.
  case lost
  /// The store had older ones.
  case rolledBack
  /// An earlier life of the process had begun it, or another generation takes over.
  case unfinished
}

extension Recorder {
  /// Does nothing.
  public func lastRead(partition: Int32, timeMs: Int64) {}
  /// Does nothing.
  public func rebuilt(records: Int) {}
  /// Does nothing.
  public func makingAgain(partition: Int32, from: Int64, until: Int64, because: StateLoss) {}
  /// Does nothing.
  public func leftOut(partition: Int32, _ passed: LeftOut, why: String) {}
  /// Does nothing.
  public func leftOut(partition: Int32, offsets: [LeftOutCause: Int64]) {}
}
