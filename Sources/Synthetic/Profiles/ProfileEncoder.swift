import Dataflow
import Events

/// Turns profiles into records, their key the pid, and puts a share of records between them that cannot be read.
///
/// Those are extra ones, and like the profiles they are a function of the seed and the number beside which they stand:
/// a range gives the same records alone as among others. One thread.
public struct ProfileEncoder {
  private let badShare: Double
  private let seed: UInt64
  private let reasons: [DeadLetterReason]
  private var population: ProfilePopulation
  private var record = SyntheticRecord(key: [], value: [], contentType: .json, time: 0, expected: nil)

  /// An encoder.
  ///
  /// - `badShare`: the bad records' share of all, from 0 up to less than 1.
  /// - `hasKeys`: whether keys and content types are written, so that they can be wrong, too.
  public init(_ population: ProfilePopulation, badShare: Double = 0, hasKeys: Bool = true) {
    precondition(badShare >= 0 && badShare < 1)
    self.population = population
    self.badShare = badShare
    seed = population.configuration.seed ^ 0x6261_6470_726f
    reasons = hasKeys ? Self.badReasons : Self.badReasons.filter { $0 != .keyMismatch && $0 != .emptyValue }
  }

  /// The reasons for which bad records are made.
  static let badReasons: [DeadLetterReason] = [
    .emptyRecord, .emptyValue, .keyMismatch, .undecodable, .missingEntityID, .invalidID, .invalidUTF8,
  ]

  /// Calls `body` with the record of profile `number`, and now and then with a bad one after it.
  public mutating func encode(
    _ number: Int, _ body: (SyntheticRecord) throws -> Void
  ) rethrows {
    let pid = population.pid(of: number)
    var key = record.key.take() ?? []
    key.removeAll(keepingCapacity: true)
    Decimal.append(pid, to: &key)
    record.key = key
    var value = record.value.take() ?? []
    value.removeAll(keepingCapacity: true)
    population.append(number, to: &value)
    record.value = value
    try body(record)
    guard badShare > 0 else { return }
    var random = SeededRandom(seed: seed, stream: UInt64(number))
    while random.chance(badShare) {
      let reason = reasons[random.below(reasons.count)]
      try body(BadProfile(pid: pid, key: key, isOther: random.chance(0.5)).make(reason))
    }
  }
}

/// Makes one bad record of each kind, in the name of a good profile.
struct BadProfile {
  let pid: Int64
  let key: [UInt8]
  /// Takes the second of the two ways in which a kind can be bad.
  let isOther: Bool

  func make(_ reason: DeadLetterReason) -> SyntheticRecord {
    var record = SyntheticRecord(key: key, value: [], contentType: .json, time: 0, expected: reason)
    switch reason {
    case .emptyRecord:
      record.key = nil
      record.value = nil
    case .emptyValue: record.value = nil
    case .keyMismatch:
      record.key = isOther ? nil : Array("somebody-else".utf8)
      record.value = whole(pid: "\(pid)")
    case .undecodable:
      record.value = Array(
        (isOther ? "pid=\(pid)&birth_year=1980" : "{\"pid\":\(pid),\"birth_year\":19").utf8)
    case .missingEntityID: record.value = whole(pid: isOther ? "null" : nil)
    case .invalidID:
      let wrong = isOther ? "a\\u0007b" : String(repeating: "9", count: 300)
      record.value = whole(pid: "\"\(wrong)\"")
    default:
      record.value = whole(pid: "\(pid)", title: [0xc3, 0x28])
    }
    return record
  }

  /// A whole record; `pid` nil: without one.
  private func whole(pid: String?, title: [UInt8] = []) -> [UInt8] {
    let start = pid.map { "{\"pid\":\($0)," } ?? "{"
    return Array(
      "\(start)\"birth_year\":1980,\"approximate_age\":null,\"profile_json\":{\"job_title\":\"".utf8) + title
      + Array("\"}}".utf8)
  }
}
