import Testing

@testable import Events

@Suite struct WireTests {
  private func read<Result>(_ bytes: [UInt8], _ body: (inout WireReader) -> Result) -> (Result, failed: Bool)
  {
    bytes.withUnsafeBytes { raw in
      var reader = WireReader(raw)
      let result = body(&reader)
      return (result, reader.failed)
    }
  }

  @Test("the examples of protobuf's documentation")
  func examples() {
    var writer = WireWriter()
    writer.field(1, varint: 150)
    #expect(writer.bytes == [0x08, 0x96, 0x01])
    writer.removeAll()
    writer.field(2, string: "testing")
    #expect(writer.bytes == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67])
    writer.removeAll()
    for value in [0, -1, 1, -2, Int64(Int32.max), Int64(Int32.min)] { writer.zigzag(value) }
    let wanted: [UInt8] = [0, 1, 2, 3, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f]
    #expect(writer.bytes == wanted)
    writer.removeAll()
    writer.field(3, double: 1)
    writer.field(4, float: 1)
    #expect(writer.bytes == [0x19, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x25, 0, 0, 0x80, 0x3f])
  }

  @Test(
    "numbers come back",
    arguments: [0, 1, 127, 128, 16_383, 16_384, 1 << 32, (1 << 63) - 1, 1 << 63, .max] as [UInt64])
  func numbers(value: UInt64) {
    var writer = WireWriter()
    writer.varint(value)
    writer.zigzag(Int64(bitPattern: value))
    writer.fixed64(value)
    let (found, failed) = read(writer.bytes) { ($0.varint(), $0.zigzag(), $0.fixed64(), $0.atEnd) }
    #expect(found.0 == value && found.1 == Int64(bitPattern: value) && found.2 == value && found.3 && !failed)
  }

  @Test(
    "lengths of one, two and three bytes are put before their content",
    arguments: [0, 1, 127, 128, 16_383, 16_384])
  func nested(count: Int) {
    var writer = WireWriter()
    let outer = writer.open(1)
    let inner = writer.open(2)
    for _ in 0..<count { writer.bytes.append(7) }
    writer.close(inner)
    writer.field(3, varint: 5)
    writer.close(outer)
    let (found, failed) = read(writer.bytes) { reader in
      let tag = reader.tag()
      var content = WireReader(reader.delimited())
      let innerTag = content.tag()
      let bytes = content.delimited()
      let last = content.tag()
      return (
        tag.number, innerTag.number, bytes.count, last.number, content.varint(), content.atEnd, reader.atEnd
      )
    }
    #expect(found.0 == 1 && found.1 == 2 && found.2 == count && found.3 == 3 && found.4 == 5)
    #expect(found.5 && found.6 && !failed)
  }

  @Test("every field type can be passed over")
  func skip() {
    var writer = WireWriter()
    writer.field(1, varint: 300)
    writer.field(2, double: 3)
    writer.field(3, string: "abc")
    writer.field(4, float: 3)
    writer.field(5, zigzag: -9)
    let (last, failed) = read(writer.bytes) { reader in
      for _ in 0..<4 { reader.skip(reader.tag().type) }
      _ = reader.tag()
      return reader.zigzag()
    }
    #expect(last == -9 && !failed)
  }

  @Test("malformed input fails and gives nothing")
  func malformed() {
    #expect(read([]) { $0.varint() }.failed)
    #expect(read([0x80]) { $0.varint() }.failed)
    #expect(read(Array(repeating: 0x80, count: 10) + [1]) { $0.varint() }.failed)
    #expect(read(Array(repeating: 0xff, count: 9) + [2]) { $0.varint() }.failed, "more than 64 bits")
    #expect(!read(Array(repeating: 0xff, count: 9) + [1]) { $0.varint() }.failed)
    #expect(read([1, 2, 3, 4, 5, 6, 7]) { $0.fixed64() }.failed)
    #expect(read([5, 1, 2]) { $0.delimited().count }.failed)
    #expect(
      read([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]) { $0.delimited().count }.failed)
    #expect(read([0]) { $0.tag().number }.failed, "field 0")
    for type in [3, 4, 6, 7] { #expect(read([1, 2, 3, 4]) { $0.skip(type) }.failed) }
    #expect(read([1, 2, 3]) { $0.skip(5) }.failed)
    let (after, _) = read([0x80]) { (reader) -> (UInt64, Int, Bool) in
      _ = reader.varint()
      return (reader.varint(), reader.delimited().count, reader.atEnd)
    }
    #expect(after.0 == 0 && after.1 == 0 && after.2)
  }
}
