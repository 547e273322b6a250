// Texts without their escapes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "scalar.h"

namespace tally {

// Where escapes begin in 64 bytes, of which `backslashes` are ones; `is_escaped`: whether the first byte belongs to an escape that
// began before them, and then whether the byte behind them does. Of a row of backslashes every second one begins an escape
// (simdjson's way: a subtraction carries through each row).
inline uint64_t escapes(uint64_t backslashes, uint64_t &is_escaped) noexcept {
  constexpr uint64_t odd = 0xaaaaaaaaaaaaaaaa;
  uint64_t possible = backslashes & ~is_escaped;
  uint64_t begins = ((((possible << 1) | odd) - possible) ^ odd) & backslashes;
  is_escaped = begins >> 63;
  return begins;
}

// Bits of the bytes of `count` that are there.
inline uint64_t bits_below(ptrdiff_t count) noexcept { return count >= 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1; }

// Copies a text from `at` to `end`, leaving out the backslash of each escape, up to an escape whose letter does not stand for itself:
// that letter's place is returned, or `stop`. 64 bytes are read and written at once, also behind the last.
inline const char *copy_simple(const char *at, const char *stop, char *&end) noexcept {
#ifdef __SSE2__
  uint64_t is_escaped = 0;
  while (at < stop) {
    __m128i parts[4];
    auto mask = [&parts](char c) {
      uint64_t bits = 0;
      for (int part = 0; part < 4; part++) {
        auto equal = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(parts[part], _mm_set1_epi8(c))));
        bits |= static_cast<uint64_t>(equal) << (16 * part);
      }
      return bits;
    };
    for (int part = 0; part < 4; part++) parts[part] = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at) + part);
    uint64_t there = bits_below(stop - at);
    uint64_t backslashes = mask('\\');
    uint64_t carried = is_escaped;
    uint64_t begins = escapes(backslashes & there, is_escaped);
    uint64_t letters = (begins << 1 | carried) & there;
    uint64_t others = letters & ~(backslashes | mask('"') | mask('/'));
    const char *letter = nullptr;
    if (others != 0) {
      int first = __builtin_ctzll(others);
      letter = at + first;
      there = bits_below(first);
      begins &= there;
    }
    const char *block = at;
    const char *block_end = letter ? letter : stop - at < 64 ? stop : at + 64;
    auto copy = [&](const char *to) {
      ptrdiff_t count = to - at;
      for (ptrdiff_t done = 0; done < count; done += 16) {
        auto part = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at + done));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(end + done), part);
      }
      end += count;
    };
    for (; begins != 0; begins &= begins - 1) {
      const char *backslash = block + __builtin_ctzll(begins);
      copy(backslash);
      at = backslash + 1;
    }
    copy(block_end);
    if (letter) return letter;
    at = block_end;
  }
  return stop;
#else
  while (true) {
    const char *backslash = next_backslash(at, stop);
    std::memcpy(end, at, static_cast<size_t>(backslash - at));
    end += backslash - at;
    if (backslash == stop) return stop;
    at = backslash + 1;
    if (*at != '"' && *at != '\\' && *at != '/') return at;
    *end++ = *at++;
  }
#endif
}

#if defined(__x86_64__)
// The same on processors that can press bytes together.
__attribute__((target("avx512f,avx512bw,avx512vbmi2"))) inline const char *copy_simple_wide(
    const char *at, const char *stop, char *&end) noexcept {
  uint64_t is_escaped = 0;
  while (at < stop) {
    __m512i block = _mm512_loadu_si512(at);
    uint64_t there = bits_below(stop - at);
    uint64_t backslashes = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\\'));
    uint64_t simple = backslashes | _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('"')) |
                      _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('/'));
    uint64_t carried = is_escaped;
    uint64_t begins = escapes(backslashes & there, is_escaped);
    uint64_t others = (begins << 1 | carried) & there & ~simple;
    if (others != 0) there = bits_below(__builtin_ctzll(others));
    uint64_t kept = there & ~begins;
    _mm512_storeu_si512(end, _mm512_maskz_compress_epi8(kept, block));
    end += __builtin_popcountll(kept);
    if (others != 0) return at + __builtin_ctzll(others);
    at += 64;
  }
  return stop;
}

// simdjson has looked at the processor; its environment variable for tests counts here, too.
inline const bool is_wide = simdjson::get_active_implementation()->name() == "icelake";
#else
inline const char *copy_simple_wide(const char *at, const char *stop, char *&end) noexcept { return copy_simple(at, stop, end); }
inline constexpr bool is_wide = false;
#endif

// A text without its escapes; it is written as one goes, and is never longer than what it is read from.
class Unescaped {
 public:
  bool is_garbled = false;  // half a surrogate pair stood in it
  char *end;                // of what is written

  explicit Unescaped(char *output) noexcept : end(output) {}

  // Reads up to `stop`, where the closing quote stands. Returns false for an escape that JSON does not have.
  bool read(const char *at, const char *stop) noexcept {
    while (true) {
      at = is_wide ? copy_simple_wide(at, stop, end) : copy_simple(at, stop, end);
      if (at == stop) return true;
      at = escape(at);
      if (!at) return false;
    }
  }

 private:
  // Writes what the escape stands for whose letter is at `at`; returns what follows it, or nullptr.
  const char *escape(const char *at) noexcept {
    switch (*at) {
      case 'n': *end++ = '\n'; return at + 1;
      case 't': *end++ = '\t'; return at + 1;
      case 'r': *end++ = '\r'; return at + 1;
      case 'b': *end++ = '\b'; return at + 1;
      case 'f': *end++ = '\f'; return at + 1;
      case 'u': return unicode(at + 1);
      default: return nullptr;
    }
  }

  // The value of four hexadecimal digits; -1: they are not. A quote ends a text before they could lie behind it.
  static int32_t unit(const char *at) noexcept {
    int32_t value = 0;
    for (int index = 0; index < 4; index++) {
      char c = at[index];
      char lower = static_cast<char>(c | 0x20);
      if (is_digit(c)) {
        value = value * 16 + (c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        value = value * 16 + (lower - 'a' + 10);
      } else {
        return -1;
      }
    }
    return value;
  }

  const char *unicode(const char *at) noexcept {
    int32_t code = unit(at);
    if (code < 0) return nullptr;
    at += 4;
    if (code >= 0xd800 && code <= 0xdfff) {
      int32_t low = code <= 0xdbff && at[0] == '\\' && at[1] == 'u' ? unit(at + 2) : -1;
      if (low < 0xdc00 || low > 0xdfff) {
        is_garbled = true;
        return at;
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
    write(static_cast<uint32_t>(code));
    return at;
  }

  void write(uint32_t code) noexcept {
    if (code < 0x80) {
      *end++ = static_cast<char>(code);
    } else if (code < 0x800) {
      *end++ = static_cast<char>(0xc0 | code >> 6);
      *end++ = static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      *end++ = static_cast<char>(0xe0 | code >> 12);
      *end++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
      *end++ = static_cast<char>(0x80 | (code & 0x3f));
    } else {
      *end++ = static_cast<char>(0xf0 | code >> 18);
      *end++ = static_cast<char>(0x80 | (code >> 12 & 0x3f));
      *end++ = static_cast<char>(0x80 | (code >> 6 & 0x3f));
      *end++ = static_cast<char>(0x80 | (code & 0x3f));
    }
  }
};

}  // namespace tally
