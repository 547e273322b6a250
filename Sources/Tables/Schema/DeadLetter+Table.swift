import Dataflow

extension DeadLetter {
  /// The entity id as the table has it; nil: none that a text column could hold.
  var idText: String? {
    guard !entityID.isEmpty, entityID.count <= 256, !entityID.contains(0) else { return nil }
    return String(validating: entityID, as: UTF8.self)
  }
}
