import Glibc
import Kafka

/// A producer's batch made by hand (the format of 0.11 and later), for what no client would send.
public struct RawBatch: Sendable {
  /// Number of the codec: 1 gzip, 2 snappy, 3 lz4, 4 zstd.
  public var codec: UInt8
  /// What lies behind the head: packed records, or something else.
  public var packed: [UInt8]
  /// How many offsets it takes.
  public var count: Int32
  /// Whether the checksum is one of other bytes.
  public var hasWrongChecksum = false
  /// Its first offset; brokers write it anew, but a mock broker only the first one's of those that come together.
  public var base: Int64 = 0

  /// A batch.
  public init(codec: UInt8, packed: [UInt8], count: Int32, hasWrongChecksum: Bool = false, base: Int64 = 0) {
    self.base = base
    self.codec = codec
    self.packed = packed
    self.count = count
    self.hasWrongChecksum = hasWrongChecksum
  }

  /// An LZ4 frame of one block that is stored as it is.
  public static func lz4(_ bytes: [UInt8]) -> [UInt8] {
    let size = UInt32(bytes.count) | 0x8000_0000
    let head: [UInt8] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]
    let length = (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
    return head + length + bytes + [0, 0, 0, 0]
  }

  /// A record with a key and a value, both at most 60 bytes.
  public static func record(_ key: String, _ value: String, at place: UInt8) -> [UInt8] {
    func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count) << 1] + Array(text.utf8) }
    let body = [0, 0, place << 1] + text(key) + text(value) + [0]
    return [UInt8(body.count) << 1] + body
  }

  /// The batch's bytes.
  var encoded: [UInt8] {
    var checked: [UInt8] = []
    append(Int16(codec), to: &checked)
    append(count - 1, to: &checked)
    append(Int64(1_700_000_000_000), to: &checked)
    append(Int64(1_700_000_000_000), to: &checked)
    append(Int64(-1), to: &checked)
    append(Int16(-1), to: &checked)
    append(Int32(-1), to: &checked)
    append(count, to: &checked)
    checked += packed
    var bytes: [UInt8] = []
    append(base, to: &bytes)
    append(Int32(4 + 1 + 4 + checked.count), to: &bytes)
    append(Int32(-1), to: &bytes)
    bytes.append(2)
    append(Self.checksum(checked) ^ (hasWrongChecksum ? 1 : 0), to: &bytes)
    return bytes + checked
  }

  /// CRC-32C.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = (crc & 1 == 1 ? 0x82f6_3b78 : 0) ^ (crc >> 1) }
    }
    return ~crc
  }
}

extension TestBroker {
  /// Sends a batch as it is, to a mock broker, which keeps it so; `topic` is the test's name for it. Those `behind` it come with it in
  /// every answer, and count as part of it.
  public func send(
    _ batch: RawBatch, behind: [RawBatch] = [], to topic: String, partition: Int32 = 0
  ) throws {
    let address = bootstrapServers.split(separator: ",")[0].split(separator: ":")
    var body: [UInt8] = []
    append(Int16(0), to: &body)  // Produce
    append(Int16(3), to: &body)
    append(Int32(1), to: &body)
    append(Int16(-1), to: &body)  // no client's name
    append(Int16(-1), to: &body)  // no transaction
    append(Int16(-1), to: &body)  // all replicas
    append(Int32(10_000), to: &body)
    append(Int32(1), to: &body)
    let name = Array(name(topic).utf8)
    append(Int16(name.count), to: &body)
    body += name
    append(Int32(1), to: &body)
    append(partition, to: &body)
    let bytes = ([batch] + behind).flatMap(\.encoded)
    append(Int32(bytes.count), to: &body)
    body += bytes
    var request: [UInt8] = []
    append(Int32(body.count), to: &request)
    request += body
    let answer = try Self.ask(port: UInt16(address[1]) ?? 0, request)
    // Size, correlation, one topic, its name, one partition, its number: then the code.
    let place = 4 + 4 + 4 + 2 + name.count + 4 + 4
    guard answer.count >= place + 2, answer[place] == 0, answer[place + 1] == 0 else {
      throw BrokerTimeout(what: "the batch is refused: \(answer)")
    }
  }

  private static func ask(port: UInt16, _ request: [UInt8]) throws -> [UInt8] {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw BrokerTimeout(what: "connect: \(errno)") }
    var place = 0
    while place < request.count {
      let count = request.withUnsafeBytes { raw in
        Glibc.send(
          descriptor, raw.baseAddress.map { $0 + place }, request.count - place, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw BrokerTimeout(what: "send: \(errno)") }
      place += count
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 12)
    while answer.count < 4 || answer.count < 4 + Int(answer[3]) {
      let count = recv(descriptor, &piece, piece.count, 0)
      guard count > 0 else { break }
      answer += piece[..<count]
    }
    return answer
  }
}

private func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
  withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
}
