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
  using simdjson::SIMDJSON_BUILTIN_IMPLEMENTATION::numberparsing::parse_double;
  auto error = parse_double(reinterpret_cast<const uint8_t *>(begin)).get(real);
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

// Reads digits from `at` on; returns what follows them. Most numbers are shorter than eight digits: those are read at once.
inline const char *read_digits(const char *at, uint64_t &whole) noexcept {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint64_t word;
  std::memcpy(&word, at, 8);
  // The highest bit of each byte that is no digit; a carry only reaches bytes behind the first of them.
  uint64_t digits = word ^ 0x3030303030303030;
  uint64_t others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
  if (others != 0) {
    int bits = __builtin_ctzll(others) & ~7;
    if (bits == 0) return at;
    // Zeros in front, then neighbours together: 1, 2, 4 digits.
    digits <<= 64 - bits;
    digits = (digits * 10 + (digits >> 8)) & 0x00ff00ff00ff00ff;
    digits = (digits * 100 + (digits >> 16)) & 0x0000ffff0000ffff;
    whole = (digits * 10000 + (digits >> 32)) & 0xffffffff;
    return at + bits / 8;
  }
#endif
  for (; is_digit(*at); at++) whole = whole * 10 + static_cast<uint64_t>(*at - '0');
  return at;
}

// Returns false for what is no number of JSON.
inline bool read_number(const char *begin, tally_json_value &value) noexcept {
  bool is_negative = *begin == '-';
  const char *digits = begin + is_negative;
  const char *at = digits;
  uint64_t whole = 0;
  at = read_digits(at, whole);
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

}  // namespace tally
