import Events
import Features
import Glibc

/// One slot of a `StateCache`.
struct CacheEntry {
  /// Least room for a key, bytes: a UUID with a little prefix fits.
  private static let keyCapacityMin = 48

  /// Decoded state, or one that waits for reuse; nil: the slot is vacant.
  var state: EntityState?
  /// Room for the entity id; `keyCount` bytes are in use.
  private(set) var key: UnsafeMutablePointer<UInt8>?
  private(set) var keyCapacity = 0
  private var keyCount = 0
  /// Hash of partition and entity id.
  private(set) var hash: UInt64 = 0
  /// Memory that the cache counts for this slot.
  var bytes = 0
  /// Partition of the entity.
  private(set) var partition: Int32 = 0
  /// Whether an entity is here.
  var isLive = false
  /// Whether the batch under way uses it.
  var isPinned = false
  /// Whether the state is what the store has of the entity.
  var isReadable = true
  /// Whether it was found since the clock's hand last passed.
  var isReferenced = false

  /// 64 well-mixed bits of an entity's key.
  static func hash(_ partition: Int32, _ entityID: UnsafeRawBufferPointer) -> UInt64 {
    Hash128(of: entityID).low ^ (UInt64(UInt32(bitPattern: partition)) &* 0x9e37_79b9_7f4a_7c15)
  }

  /// Whether it holds this entity.
  func isOf(_ partition: Int32, _ entityID: UnsafeRawBufferPointer, _ hash: UInt64) -> Bool {
    guard self.hash == hash && self.partition == partition && keyCount == entityID.count else { return false }
    guard let key, let other = entityID.baseAddress else { return keyCount == 0 }
    return memcmp(key, other, keyCount) == 0
  }

  /// Puts an entity here.
  mutating func occupy(_ partition: Int32, _ entityID: UnsafeRawBufferPointer, _ hash: UInt64) {
    if keyCapacity < entityID.count || key == nil {
      key?.deallocate()
      keyCapacity = Self.keyCapacityMin
      while keyCapacity < entityID.count { keyCapacity *= 2 }
      key = .allocate(capacity: keyCapacity)
    }
    if let key, let source = entityID.baseAddress {
      UnsafeMutableRawPointer(key).copyMemory(from: source, byteCount: entityID.count)
    }
    keyCount = entityID.count
    self.partition = partition
    self.hash = hash
    isLive = true
    isReadable = true
    isReferenced = false
  }

  /// Gives all memory back.
  mutating func release() {
    state = nil
    key?.deallocate()
    key = nil
    keyCapacity = 0
    keyCount = 0
  }
}
