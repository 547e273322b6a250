import ArgumentParser
import Dataflow

/// A range of a partition's offsets as operators write it: `3:500-999`, both ends inside, or `3:500`.
struct PartitionRange: ExpressibleByArgument {
  let partition: Int32
  let from: Int64
  let until: Int64

  /// nil: it is none.
  init?(argument: String) {
    let halves = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard halves.count == 2, let partition = Self.number(halves[0]).flatMap({ Int32(exactly: $0) }) else {
      return nil
    }
    let ends = halves[1].split(separator: "-", omittingEmptySubsequences: false)
    guard let first = ends.first, ends.count <= 2, let from = Self.number(first),
      let last = Self.number(ends[ends.count - 1]), last >= from, last < .max
    else { return nil }
    self.partition = partition
    self.from = from
    until = last + 1
  }

  private static func number(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int64(text) : nil
  }

  static let defaultValueDescription = "PARTITION:FROM-TO"

  /// Leaves it out for a cause.
  func leftOut(_ cause: LeftOutCause) -> LeftOut { LeftOut(from: from, until: until, cause: cause) }

  /// `3:500-999`.
  var text: String { "\(partition):\(from)-\(until - 1)" }
}
