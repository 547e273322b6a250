/// How producers spread keys over a topic's partitions: the hash of the key, modulo the number of partitions.
///
/// All producers of one topic must use the same one; which, only they know. Each case is, bit for bit, what the clients named compute.
public enum Partitioner: String, CaseIterable, Sendable {
  /// `(murmur2(key) & 0x7fffffff) % n`: Java's clients, kafka-python, librdkafka's `murmur2_random`.
  case murmur2
  /// `crc32(key) % n`: librdkafka's default `consistent_random`, hence confluent-kafka for Python, Go and .NET, and kcat.
  case crc32
  /// `|int32(fnv1a(key))| % n`: sarama's `NewHashPartitioner`, librdkafka's `fnv1a_random`.
  case fnv1a

  /// The partition that a key belongs to. `count` > 0.
  @inlinable
  public func partition(of key: UnsafeRawBufferPointer, count: Int32) -> Int32 {
    guard count > 1 else { return 0 }
    let hash =
      switch self {
      case .murmur2: KeyHash.murmur2(key) & 0x7fff_ffff
      case .crc32: KeyHash.crc32(key)
      case .fnv1a: Int32(bitPattern: KeyHash.fnv1a(key)).magnitude
      }
    return Int32(hash % UInt32(count))
  }

  /// The name of the same rule among librdkafka's partitioners; records without a key are spread at random.
  public var librdkafkaName: String {
    switch self {
    case .murmur2: "murmur2_random"
    case .crc32: "consistent_random"
    case .fnv1a: "fnv1a_random"
    }
  }
}

/// Which partition each entity of a log lives on: a function of its key alone. Records of it elsewhere are dead letters.
public struct KeyHomes: Equatable, Sendable {
  /// How the log's producers spread keys.
  public var partitioner: Partitioner
  /// The log's number of partitions.
  public var partitionCount: Int32

  /// Homes in a log of `partitionCount` partitions.
  public init(_ partitioner: Partitioner, partitionCount: Int32) {
    precondition(partitionCount > 0)
    self.partitioner = partitioner
    self.partitionCount = partitionCount
  }

  /// A log of one partition, such as a file: everything is at home.
  public static let onePartition = KeyHomes(.murmur2, partitionCount: 1)

  /// The partition on which the entity of this key lives.
  @inlinable
  public func home(of key: UnsafeRawBufferPointer) -> Int32 {
    partitioner.partition(of: key, count: partitionCount)
  }
}

extension KeyHomes {
  /// Why a record is not at home, for the operator: its partitions, never its key.
  public func explanation(of key: UnsafeRawBufferPointer, on partition: Int32) -> String {
    let home = home(of: key)
    let other = Partitioner.allCases.first {
      $0 != partitioner && $0.partition(of: key, count: partitionCount) == partition
    }
    return "its key belongs to partition \(home) by \(partitioner.rawValue) (kafka.partitioner)"
      + (other.map { "; where it is, \($0.rawValue) would put it" } ?? "")
  }
}

/// Hashes of keys as Kafka's clients compute them.
public enum KeyHash {
  /// MurmurHash2, 32 bits, with Kafka's seed (Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2`).
  @inlinable
  public static func murmur2(_ key: UnsafeRawBufferPointer) -> UInt32 {
    let m: UInt32 = 0x5bd1_e995
    var h: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: key.count)
    let tail = key.count & ~3
    var place = 0
    while place < tail {
      var k = UInt32(littleEndian: key.loadUnaligned(fromByteOffset: place, as: UInt32.self)) &* m
      k = (k ^ (k >> 24)) &* m
      h = (h &* m) ^ k
      place += 4
    }
    let rest = key.count - tail
    if rest == 3 { h ^= UInt32(key[tail + 2]) << 16 }
    if rest >= 2 { h ^= UInt32(key[tail + 1]) << 8 }
    if rest >= 1 { h = (h ^ UInt32(key[tail])) &* m }
    h = (h ^ (h >> 13)) &* m
    return h ^ (h >> 15)
  }

  /// CRC-32 of IEEE 802.3, reflected, as zlib's `crc32` (librdkafka, `rd_crc32`).
  @inlinable
  public static func crc32(_ key: UnsafeRawBufferPointer) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    for byte in key {
      crc ^= UInt32(byte)
      crc = (crc >> 4) ^ crcOfNibble(crc & 0xf)
      crc = (crc >> 4) ^ crcOfNibble(crc & 0xf)
    }
    return ~crc
  }

  /// FNV-1a, 32 bits (Fowler, Noll, Vo; Go's `hash/fnv`).
  @inlinable
  public static func fnv1a(_ key: UnsafeRawBufferPointer) -> UInt32 {
    var hash: UInt32 = 0x811c_9dc5
    for byte in key { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return hash
  }

  /// The remainder of four bits: a table would be a global that is made when first used.
  @inlinable
  static func crcOfNibble(_ nibble: UInt32) -> UInt32 {
    var crc = nibble
    for _ in 0..<4 { crc = (crc >> 1) ^ (0xedb8_8320 & (0 &- (crc & 1))) }
    return crc
  }
}
