// The keys of an object's node: which node each stands for, and which one to expect next.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tally {

struct Node;

// A key as records write it without escapes, and the quote behind it. Of one that is longer than what is kept, or cannot be written
// without escapes, all bytes are zeros: no text has such a byte in it, so that it is only found by its hash.
struct Key {
  static constexpr size_t bytes_max = 32;
  char bytes[bytes_max];
  Key *next;         // the key that followed it last
  Node *node;        // nullptr: nobody wants it
  const char *text;  // the key of a declared node, else nullptr
  uint32_t count;    // bytes of the key
  uint32_t others;   // a bit for each byte that is not the key's

  // Whether the text that begins at `at` is this key.
  bool matches(const char *at) const noexcept {
#ifdef __SSE2__
    auto load = [](const char *from) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from)); };
    auto low = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(load(at), load(bytes))));
    auto high = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(load(at + 16), load(bytes + 16))));
    return (low | high << 16 | others) == UINT32_MAX;
#else
    return bytes[0] != 0 && std::memcmp(at, bytes, count + 1) == 0;
#endif
  }
};

// All keys that are declared, and some that records have beside them. Objects mostly have the same keys in the same order, so
// each key remembers which one followed it; only what is not expected is looked up.
class Keys {
 public:
  Keys() = default;
  Keys(const Keys &) = delete;
  Keys &operator=(const Keys &) = delete;
  ~Keys() {
    std::free(keys);
    std::free(slots);
  }

  bool reserve(uint32_t declared) noexcept {
    capacity = declared + undeclared_max + 1;
    uint32_t size = 64;
    while (size < 2 * capacity) size *= 2;
    keys = static_cast<Key *>(std::calloc(capacity, sizeof(Key)));
    slots = static_cast<uint32_t *>(std::calloc(size, sizeof(uint32_t)));
    if (!keys || !slots) return false;
    mask = size - 1;
    count = 1;
    beginning()->next = beginning();
    return true;
  }

  // What stands before the first key of an object; it matches none.
  Key *beginning() noexcept { return keys; }

  // Makes the key, which must not be there; nullptr: it is one of those that are not kept.
  Key *insert(const char *text, uint32_t length, Node *node) noexcept {
    bool is_short = length < Key::bytes_max;
    for (uint32_t index = 0; is_short && index < length; index++) {
      is_short = static_cast<unsigned char>(text[index]) >= 0x20 && text[index] != '"' && text[index] != '\\';
    }
    if (count == capacity || (!node && !is_short)) return nullptr;
    Key &key = keys[count];
    key.next = beginning();
    key.count = length;
    key.node = node;
    key.text = node ? text : nullptr;
    if (is_short) {
      std::memcpy(key.bytes, text, length);
      key.bytes[length] = '"';
      key.others = length + 1 == Key::bytes_max ? 0 : ~uint32_t(0) << (length + 1);
    }
    uint32_t slot = hash(text, length) & mask;
    while (slots[slot] != 0) slot = (slot + 1) & mask;
    slots[slot] = count++;
    return &key;
  }

  // nullptr: it is not there.
  Key *find(const char *text, uint32_t length) const noexcept {
    for (uint32_t slot = hash(text, length) & mask; slots[slot] != 0; slot = (slot + 1) & mask) {
      Key &key = keys[slots[slot]];
      if (key.count == length && std::memcmp(key.text ? key.text : key.bytes, text, length) == 0) return &key;
    }
    return nullptr;
  }

 private:
  static constexpr uint32_t undeclared_max = 128;
  Key *keys = nullptr;
  // Open addressing; 0: nothing.
  uint32_t *slots = nullptr;
  uint32_t mask = 0;
  uint32_t capacity = 0;
  uint32_t count = 0;

  static uint32_t hash(const char *text, uint32_t length) noexcept {
    constexpr uint64_t factor = 0x9e3779b97f4a7c15;
    uint64_t value = length * factor;
    for (; length >= 8; length -= 8, text += 8) {
      uint64_t word;
      std::memcpy(&word, text, 8);
      value = (value ^ word) * factor;
      value ^= value >> 32;
    }
    uint64_t rest = 0;
    std::memcpy(&rest, text, length);
    value = (value ^ rest) * factor;
    return static_cast<uint32_t>(value >> 32);
  }
};

}  // namespace tally
