// Numbers, words and texts of JSON, read where they stand. Bytes behind a value may be read: at least `slack` after the buffer's last.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "CSimdjson.h"
#include "simdjson.h"

namespace tally {

constexpr size_t slack = simdjson::SIMDJSON_PADDING;

inline tally_json_value plain(uint32_t kind, uint64_t bits = 0) noexcept { return {kind, 0, nullptr, bits}; }

inline bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }
inline bool is_white(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
// Whether a number or a word may end before `c`.
inline bool is_end(char c) noexcept { return c == ',' || c == '}' || c == ']' || is_white(c); }

template <size_t N>
bool is_word(const char *at, const char (&word)[N]) noexcept {
  return std::memcmp(at, word, N - 1) == 0 && is_end(at[N - 1]);
}

// A number whose first `digits` at `begin` are followed by a point, an exponent or something wrong.
inline bool read_real(const char *begin, const char *at, tally_json_value &value) noexcept {
  if (*at == '.') {
    if (!is_digit(*++at)) return false;
    while (is_digit(*at)) at++;
  }
  if ((*at | 0x20) == 'e') {
    at++;
    if (*at == '+' || *at == '-') at++;
    if (!is_digit(*at)) return false;
    while (is_digit(*at)) at++;
  }
  if (!is_end(*at)) return false;
  double real;
  auto error = simdjson::SIMDJSON_BUILTIN_IMPLEMENTATION::numberparsing::parse_double(reinterpret_cast<const uint8_t *>(begin)).get(real);
  // It is well-formed: simdjson refuses what is beyond a double, and exponents of many digits.
  if (error) real = std::strtod(begin, nullptr);
  if (std::isinf(real)) {
    value = plain(TALLY_JSON_INFINITE);
    return true;
  }
  uint64_t bits;
  std::memcpy(&bits, &real, sizeof bits);
  value = plain(TALLY_JSON_REAL, bits);
  return true;
}

// Returns false for what is no number of JSON.
inline bool read_number(const char *begin, tally_json_value &value) noexcept {
  bool is_negative = *begin == '-';
  const char *digits = begin + is_negative;
  const char *at = digits;
  uint64_t whole = 0;
  for (; is_digit(*at); at++) whole = whole * 10 + static_cast<uint64_t>(*at - '0');
  size_t count = static_cast<size_t>(at - digits);
  if (count == 0) {
    value = plain(TALLY_JSON_INFINITE);
    return is_negative && is_word(digits, "Infinity");
  }
  if (count > 1 && *digits == '0') return false;
  if (!is_end(*at)) return read_real(begin, at, value);
  constexpr uint64_t half = uint64_t(1) << 63;
  // Twenty digits that wrapped round are small, and those that begin with 2 or more all wrap round.
  bool is_beyond = count > 20 || (count == 20 && (*digits != '1' || whole < half)) || (is_negative && whole > half);
  if (is_beyond) {
    value = plain(TALLY_JSON_BEYOND);
  } else if (is_negative) {
    value = plain(TALLY_JSON_INTEGER, 0 - whole);
  } else {
    value = plain(whole < half ? TALLY_JSON_INTEGER : TALLY_JSON_UNSIGNED, whole);
  }
  return true;
}

// A number, or one of the words that JSON has or that its writers write.
inline bool read_scalar(const char *at, tally_json_value &value) noexcept {
  switch (*at) {
    case 't': value = plain(TALLY_JSON_FLAG, 1); return is_word(at, "true");
    case 'f': value = plain(TALLY_JSON_FLAG, 0); return is_word(at, "false");
    case 'n': value = plain(TALLY_JSON_NULL); return is_word(at, "null");
    case 'N': value = plain(TALLY_JSON_INFINITE); return is_word(at, "NaN");
    case 'I': value = plain(TALLY_JSON_INFINITE); return is_word(at, "Infinity");
    default: return read_number(at, value);
  }
}

// The first backslash from `at` on, or `end`.
inline const char *next_backslash(const char *at, const char *end) noexcept {
#ifdef __SSE2__
  const __m128i backslash = _mm_set1_epi8('\\');
  for (; at < end; at += 16) {
    __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
    int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(block, backslash));
    if (mask == 0) continue;
    at += __builtin_ctz(static_cast<unsigned>(mask));
    return at < end ? at : end;
  }
  return end;
#else
  auto found = static_cast<const char *>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
  return found ? found : end;
#endif
}

// A text without its escapes; it is written as one goes, and is never longer than what it is read from.
class Unescaped {
 public:
  bool is_garbled = false;  // half a surrogate pair stood in it
  char *end;                // of what is written

  explicit Unescaped(char *output) noexcept : end(output) {}

  // Reads up to `stop`, where the closing quote stands. Returns false for an escape that JSON does not have. Up to 16 bytes
  // behind the text are overwritten.
  bool read(const char *at, const char *stop) noexcept {
    while (at < stop) {
      const char *found = copy(at, stop);
      if (found >= stop) return true;
      at = escape(found + 1);
      if (!at) return false;
    }
    return true;
  }

 private:
  // Copies up to a backslash, whose place it returns, or to `stop`.
  const char *copy(const char *at, const char *stop) noexcept {
#ifdef __SSE2__
    const __m128i backslash = _mm_set1_epi8('\\');
    while (at < stop) {
      __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
      _mm_storeu_si128(reinterpret_cast<__m128i *>(end), block);
      int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(block, backslash));
      ptrdiff_t count = mask == 0 ? 16 : __builtin_ctz(static_cast<unsigned>(mask));
      if (count > stop - at) count = stop - at;
      end += count;
      at += count;
      if (count < 16) return at;
    }
    return at;
#else
    const char *found = next_backslash(at, stop);
    std::memcpy(end, at, static_cast<size_t>(found - at));
    end += found - at;
    return found;
#endif
  }

  // Writes what the escape stands for whose letter is at `at`; returns what follows it, or nullptr.
  const char *escape(const char *at) noexcept {
    switch (*at) {
      case '"': case '\\': case '/': *end++ = *at; return at + 1;
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
