public import Events

/// Who may send ticks, erasures and promotions: a function of the record and the pipeline's declaration, which says from when on which key
/// counts.
public struct ControlRule: Sendable {
  /// A key, and the ingest time from which on it is the one that counts.
  public typealias Entry = (since: EventTime, key: ControlKey)

  /// Longest time between the signing of an erasure, which is its event time, and its ingest time, microseconds: what somebody
  /// copies from the log and appends again, after the entity has come back, is refused.
  public static let erasureAgeMax: EventTime = 3_600_000_000

  private let entries: [Entry]

  /// `entries` ascend by `since`; before the first one's, nothing need be signed.
  public init(_ entries: [Entry]) { self.entries = entries }

  /// The key that counts at a moment; nil: none does.
  public func key(at moment: EventTime) -> ControlKey? { entries.last { $0.since <= moment }?.key }

  /// What is wrong with a control event of the topic; nil: nothing. `ingestTimeMs` -1: the record has no timestamp, and the newest key counts.
  /// `signature`: the record's header; nil: there is none.
  func problem(
    _ order: ControlOrder, entityID: UnsafeRawBufferPointer, eventID: UnsafeRawBufferPointer, time: EventTime,
    ingestTimeMs: Int64, signature: UnsafeRawBufferPointer?
  ) -> String? {
    let ingest = ingestTimeMs < 0 ? EventTime.max : ingestTimeMs * 1000
    guard let key = key(at: ingest) else {
      if case .promotion = order { return Self.noKey }
      return nil
    }
    guard let signature, !signature.isEmpty else {
      return "it has no header \(ControlKey.header), and must be signed by the key \(key.id)"
    }
    let wanted = key.sign(order, entityID, eventID, time)
    guard Self.equal(signature, wanted) else {
      return Self.starts(signature, with: key.id)
        ? "the signature is not that of this event by the key \(key.id)"
        : "it is signed by another key than \(key.id)"
    }
    if order == .erasure && ingest - time > Self.erasureAgeMax {
      return
        "it was signed more than an hour before it was appended: the record is a copy, or a clock is wrong"
    }
    return nil
  }

  /// Why nobody can promote.
  static let noKey = "the pipeline's file declares no key for control events, which a promotion needs"

  /// Compares all bytes, however many agree.
  private static func equal(_ found: UnsafeRawBufferPointer, _ wanted: [UInt8]) -> Bool {
    guard found.count == wanted.count else { return false }
    var difference: UInt8 = 0
    for index in 0..<found.count { difference |= found[index] ^ wanted[index] }
    return difference == 0
  }

  private static func starts(_ found: UnsafeRawBufferPointer, with id: String) -> Bool {
    found.starts(with: Array(id.utf8) + [UInt8(ascii: ":")])
  }
}
