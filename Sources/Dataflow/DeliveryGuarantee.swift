/// What a worker promises of the topic. The table and the states get everything exactly once in any case.
public enum DeliveryGuarantee: String, CaseIterable, Sendable {
  /// Topic and table, then the state, then the group's offset: C ≤ W ≤ T. After a crash the topic may repeat records, byte for
  /// byte.
  case effectivelyOnce = "effectively-once"
  /// The table, then topic and group's offset in one transaction, then the state: W ≤ C ≤ T. Readers of committed records see
  /// each once.
  case exactlyOnce = "exactly-once"
}
