import CCrypto
package import Dataflow
import Events

/// What a dead letter keeps of its record's key and value: as much as fits, the key first.
package struct LetterContent {
  /// Bytes of key and value together that a letter keeps.
  static let bytesMax = 384 << 10

  package let key: UnsafeRawBufferPointer
  package let value: UnsafeRawBufferPointer
  /// SHA-256 of the whole value, when the letter has only its beginning.
  package let hash: [UInt8]?

  package init(_ letter: DeadLetter, _ record: RawRecord, bytesMax: Int) {
    let whole = letter.value(of: record)
    key = Self.cut(record.key, bytesMax)
    value = Self.cut(whole, bytesMax - key.count)
    hash = value.count < whole.count ? Self.sha256(whole) : nil
  }

  private static func cut(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> UnsafeRawBufferPointer {
    bytes.count <= count ? bytes : UnsafeRawBufferPointer(rebasing: bytes[..<count])
  }

  static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    let isDone = EVP_Digest(bytes.baseAddress, bytes.count, &digest, &count, EVP_sha256(), nil)
    precondition(isDone == 1 && count == 32, "libcrypto has no SHA-256")
    return digest
  }
}
