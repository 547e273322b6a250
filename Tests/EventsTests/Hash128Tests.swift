import Testing

@testable import Events

@Suite struct Hash128Tests {
  /// Reference values of MurmurHash3_x64_128 with seed 0.
  @Test("published MurmurHash3 vectors")
  func vectors() {
    for (text, hex) in [
      ("", "00000000000000000000000000000000"),
      ("hello", "cbd8a7b341bd9b025b1e906a48ae1d19"),
      ("hello, world", "342fac623a5ebc8e4cdcbc079642414d"),
      ("19 Jan 2038 at 3:14:07 AM", "b89e5988b737affc664fc2950231b2cb"),
      ("The quick brown fox jumps over the lazy dog.", "cd99481f9ee902c9695da1a38987b6e7"),
    ] {
      #expect(Hash128(of: text).hex == hex, "\(text)")
    }
  }

  @Test("every length counts, and where the bytes lie does not")
  func lengths() {
    let bytes = (0..<80).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    var seen: Set<Hash128> = []
    bytes.withUnsafeBytes { all in
      for length in 0...64 {
        let hash = Hash128(of: UnsafeRawBufferPointer(rebasing: all[1..<(1 + length)]))
        #expect(seen.insert(hash).inserted)
        let moved = Array(bytes[1..<(1 + length)])
        #expect(moved.withUnsafeBytes { Hash128(of: $0) } == hash)
      }
    }
  }
}
