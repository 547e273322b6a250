import Dataflow
import Configuration
package import Tables

extension LetterAddress {
  /// Reads `PARTITION/OFFSET`. Throws `Failure`.
  package init(_ text: String) throws {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let partition = Int32(parts[0]), let offset = Int64(parts[1]), partition >= 0,
      offset >= 0
    else {
      throw Failure(
        "\(text): a letter's address is PARTITION/OFFSET, as tally dead-letters list prints it",
        reason: .usage)
    }
    self.init(partition: partition, offset: offset)
  }

  /// `PARTITION/OFFSET`.
  package var text: String { "\(partition)/\(offset)" }
}
