import Dataflow
import Glibc

/// What goes over the pipes between a source and the process that reads a batch for it.
enum BatchFrame {
  /// Kinds of answers, the first byte of each.
  enum Kind: UInt8 {
    case record = 1
    /// The batch has no more; the next offset follows.
    case done
    /// Nobody can make records of it; its first offset, the next one and a text follow.
    case unreadable
    /// It could not be had; a text follows.
    case failed
  }

  /// A record's fields in front of its bytes: kind, offset, timestamp, content type, lengths of key, value, signature (-1: none).
  static let recordHeadBytes = 1 + 8 + 8 + 1 + 4 + 4 + 4

  static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  static func append(_ text: String, to bytes: inout [UInt8]) {
    append(UInt32(text.utf8.count), to: &bytes)
    bytes.append(contentsOf: text.utf8)
  }

  /// A number at a place; the caller has looked that it is there.
  static func number<Number: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Number {
    Number(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Number.self))
  }

  static func head(_ record: RawRecord) -> [UInt8] {
    var bytes: [UInt8] = [Kind.record.rawValue]
    append(record.offset, to: &bytes)
    append(record.ingestTimeMs, to: &bytes)
    bytes.append(record.contentType.rawValue)
    for field in [record.key, record.value, record.signature] {
      append(field.flatMap { $0.baseAddress == nil ? nil : Int32($0.count) } ?? -1, to: &bytes)
    }
    return bytes
  }

  /// Writes all of it. Returns false when nobody reads any more.
  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var place = 0
    while place < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + place }, bytes.count - place)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      place += count
    }
    return true
  }

  /// Reads so many bytes. nil: the other side has closed.
  static func read(_ count: Int, from descriptor: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var place = 0
    while place < count {
      let got = bytes.withUnsafeMutableBytes { raw in
        Glibc.read(descriptor, raw.baseAddress.map { $0 + place }, count - place)
      }
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { return nil }
      place += got
    }
    return bytes
  }
}

/// What is to be read: one batch of a partition, as a request to the process that reads it.
struct BatchRequest: Equatable {
  var topic: String
  var partition: Int32
  /// The first record that is wanted.
  var from: Int64
  /// The offset that the source's own error named.
  var named: Int64
  /// Unpacked size beyond which it counts as unreadable, bytes.
  var unpackedBytesMax: Int64
  /// The consumer's properties; they may hold secrets.
  var properties: [(name: String, value: String)] = []

  static func == (one: BatchRequest, other: BatchRequest) -> Bool { one.encoded == other.encoded }

  var encoded: [UInt8] {
    var body: [UInt8] = []
    BatchFrame.append(topic, to: &body)
    BatchFrame.append(partition, to: &body)
    BatchFrame.append(from, to: &body)
    BatchFrame.append(named, to: &body)
    BatchFrame.append(unpackedBytesMax, to: &body)
    BatchFrame.append(UInt32(properties.count), to: &body)
    for (name, value) in properties {
      BatchFrame.append(name, to: &body)
      BatchFrame.append(value, to: &body)
    }
    var bytes: [UInt8] = []
    BatchFrame.append(UInt32(body.count), to: &bytes)
    return bytes + body
  }

  /// Longest request, bytes.
  static let bytesMax = 1 << 20

  init(
    topic: String, partition: Int32, from: Int64, named: Int64, unpackedBytesMax: Int64,
    properties: [(name: String, value: String)]
  ) {
    self.topic = topic
    self.partition = partition
    self.from = from
    self.named = named
    self.unpackedBytesMax = unpackedBytesMax
    self.properties = properties
  }

  /// Reads one. nil: the other side has closed, or it is none.
  init?(from descriptor: Int32) {
    guard let length = BatchFrame.read(4, from: descriptor) else { return nil }
    let count = Int(length.withUnsafeBytes { BatchFrame.number($0, 0) as UInt32 })
    guard count <= Self.bytesMax, let body = BatchFrame.read(count, from: descriptor) else { return nil }
    var place = 0
    func number<Number: FixedWidthInteger>() -> Number? {
      let size = MemoryLayout<Number>.size
      guard place + size <= body.count else { return nil }
      defer { place += size }
      return body.withUnsafeBytes { BatchFrame.number($0, place) }
    }
    func text() -> String? {
      guard let count: UInt32 = number(), place + Int(count) <= body.count else { return nil }
      defer { place += Int(count) }
      return String(decoding: body[place..<place + Int(count)], as: UTF8.self)
    }
    guard let topic = text(), let partition: Int32 = number(), let from: Int64 = number(),
      let named: Int64 = number(), let bytesMax: Int64 = number(), let properties: UInt32 = number()
    else { return nil }
    self.topic = topic
    self.partition = partition
    self.from = from
    self.named = named
    unpackedBytesMax = bytesMax
    for _ in 0..<properties {
      guard let name = text(), let value = text() else { return nil }
      self.properties.append((name, value))
    }
  }
}
