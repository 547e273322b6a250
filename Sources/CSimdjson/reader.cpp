#include "CSimdjson.h"

#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "simdjson.h"

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::key_value_pair;
using simdjson::dom::object;

struct tally_json {
  simdjson::dom::parser parser;
  std::unique_ptr<char[]> input;
  std::unique_ptr<tally_json_attribute[]> attributes;
  // The same, to look into lists.
  std::unique_ptr<element[]> values;
  // What the elements of a list hold; grows.
  tally_json_entry *entries = nullptr;
  size_t entries_max = 0;
  size_t bytes_max;
  size_t attributes_max;
  // Whether marks stand for values that JSON cannot hold.
  bool is_repaired = false;

  tally_json(size_t bytes_max, size_t attributes_max)
      : bytes_max(bytes_max), attributes_max(attributes_max) {}
  ~tally_json() { std::free(entries); }
};

namespace {

// Below this simdjson would allocate once more.
constexpr size_t capacity_min = 64;

const tally_json_value absent = {TALLY_JSON_ABSENT, 0, nullptr, 0};

tally_json_value number(uint32_t kind, uint64_t bits) { return {kind, 0, nullptr, bits}; }

tally_json_value value_of(element value, bool is_repaired) noexcept {
  switch (value.type()) {
    case element_type::NULL_VALUE: return number(TALLY_JSON_NULL, 0);
    case element_type::BOOL: return number(TALLY_JSON_FLAG, value.get_bool().value_unsafe() ? 1 : 0);
    case element_type::INT64:
      return number(TALLY_JSON_INTEGER, static_cast<uint64_t>(value.get_int64().value_unsafe()));
    case element_type::UINT64: return number(TALLY_JSON_UNSIGNED, value.get_uint64().value_unsafe());
    case element_type::DOUBLE: {
      double real = value.get_double().value_unsafe();
      uint64_t bits;
      std::memcpy(&bits, &real, sizeof bits);
      return number(TALLY_JSON_REAL, bits);
    }
    case element_type::STRING: {
      std::string_view text = value.get_string().value_unsafe();
      if (is_repaired && text.size() >= 2 && text[0] == 0) {
        switch (text[1]) {
          case 'B': return number(TALLY_JSON_BEYOND, 0);
          case 'I': return number(TALLY_JSON_INFINITE, 0);
          case 'G': return number(TALLY_JSON_GARBLED, 0);
          default: break;
        }
      }
      return {TALLY_JSON_TEXT, static_cast<uint32_t>(text.size()), text.data(), 0};
    }
    case element_type::ARRAY: return number(TALLY_JSON_ARRAY, 0);
    default: return number(TALLY_JSON_OBJECT, 0);
  }
}

template <size_t N>
bool is(std::string_view key, const char (&name)[N]) noexcept {
  return key.size() == N - 1 && std::memcmp(key.data(), name, N - 1) == 0;
}

void read_attributes(tally_json *parser, object attributes, tally_json_event *event) noexcept {
  for (key_value_pair field : attributes) {
    if (event->attributes_count < parser->attributes_max) {
      parser->values[event->attributes_count] = field.value;
      parser->attributes[event->attributes_count++] = {field.key.data(), field.key.size(), value_of(field.value, parser->is_repaired)};
    }
    event->attributes_total++;
  }
}

// Reads a profile or an engagement; `name` is "mode" or "type".
template <size_t N>
void read_kind(tally_json *parser, object kind, const char (&name)[N], tally_json_value *named,
               tally_json_event *event) noexcept {
  bool found = false;
  object attributes;
  for (key_value_pair field : kind) {
    if (is(field.key, name)) {
      *named = value_of(field.value, parser->is_repaired);
    } else if (is(field.key, "attributes")) {
      event->attributes = value_of(field.value, parser->is_repaired);
      found = event->attributes.kind == TALLY_JSON_OBJECT;
      if (found) attributes = field.value.get_object().value_unsafe();
    }
  }
  if (found) read_attributes(parser, attributes, event);
}

void read_promotion(tally_json *parser, object promotion, tally_json_event *event) noexcept {
  for (key_value_pair field : promotion) {
    if (is(field.key, "number")) {
      event->number = value_of(field.value, parser->is_repaired);
    } else if (is(field.key, "set")) {
      event->set = value_of(field.value, parser->is_repaired);
    } else if (is(field.key, "pipeline")) {
      event->pipeline = value_of(field.value, parser->is_repaired);
    }
  }
}

void read_event(tally_json *parser, object root, tally_json_event *event) noexcept {
  object profile, engagement, promotion;
  for (key_value_pair field : root) {
    tally_json_value *place = nullptr;
    if (is(field.key, "event_id")) {
      place = &event->event_id;
    } else if (is(field.key, "entity_id")) {
      place = &event->entity_id;
    } else if (is(field.key, "event_time_us")) {
      place = &event->event_time_us;
    } else if (is(field.key, "source")) {
      place = &event->source;
    } else if (is(field.key, "schema_version")) {
      place = &event->schema_version;
    } else if (is(field.key, "profile")) {
      place = &event->profile;
      if (field.value.type() == element_type::OBJECT) profile = field.value.get_object().value_unsafe();
    } else if (is(field.key, "engagement")) {
      place = &event->engagement;
      if (field.value.type() == element_type::OBJECT) engagement = field.value.get_object().value_unsafe();
    } else if (is(field.key, "tick")) {
      place = &event->tick;
    } else if (is(field.key, "erasure")) {
      place = &event->erasure;
    } else if (is(field.key, "promotion")) {
      place = &event->promotion;
      if (field.value.type() == element_type::OBJECT) promotion = field.value.get_object().value_unsafe();
    }
    if (place) *place = value_of(field.value, parser->is_repaired);
  }
  if (event->engagement.kind == TALLY_JSON_OBJECT) {
    read_kind(parser, engagement, "type", &event->type, event);
  } else if (event->profile.kind == TALLY_JSON_OBJECT) {
    read_kind(parser, profile, "mode", &event->mode, event);
  }
  if (event->promotion.kind == TALLY_JSON_OBJECT) read_promotion(parser, promotion, event);
}

// Values that JSON cannot hold become texts that no producer writes, so that the rest of the record can be read: a zero, and a
// letter that says what stood there.
constexpr char mark_beyond = 'B', mark_infinite = 'I', mark_garbled = 'G';

bool is_hex(char c) noexcept { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// Value of the four hexadecimal digits at `text`; -1: they are not.
int unit_at(const char *text) noexcept {
  int unit = 0;
  for (int at = 0; at < 4; at++) {
    if (!is_hex(text[at])) return -1;
    char c = text[at];
    unit = unit * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return unit;
}

// Writes a record with such values replaced; `input` ends in zeros. Only for records that simdjson refuses.
class Repair {
 public:
  Repair(const char *input, size_t count, char *output) noexcept : input(input), count(count), output(output) {}

  // Returns the bytes written; 0: nothing was replaced.
  size_t run() noexcept {
    while (at < count) {
      char c = input[at];
      if (c == '"') {
        text();
      } else if (c == '-' || (c >= '0' && c <= '9')) {
        number();
      } else if (starts("NaN")) {
        replace(mark_infinite, 3);
      } else if (starts("Infinity")) {
        replace(mark_infinite, 8);
      } else {
        output[written++] = input[at++];
      }
    }
    return replaced == 0 ? 0 : written;
  }

  // Most bytes that `run` writes: the shortest such value has three.
  static size_t bytes_max(size_t count) noexcept { return count * 8 + 32; }

 private:
  const char *input;
  size_t count;
  char *output;
  size_t at = 0;
  size_t written = 0;
  unsigned replaced = 0;

  bool starts(const char *word) const noexcept {
    size_t length = std::strlen(word);
    return count - at >= length && std::memcmp(input + at, word, length) == 0;
  }

  // A number makes the text unlike all others: it may be a key.
  void replace(char mark, size_t length) noexcept {
    written += static_cast<size_t>(std::snprintf(output + written, 24, "\"\\u0000%c%u\"", mark, replaced++));
    at += length;
  }

  void copy(size_t length) noexcept {
    std::memcpy(output + written, input + at, length);
    written += length;
    at += length;
  }

  void text() noexcept {
    size_t end = at + 1;
    bool garbled = false;
    while (end < count && input[end] != '"') {
      if (input[end] != '\\') {
        end++;
        continue;
      }
      if (input[end + 1] != 'u') {
        end += 2;
        continue;
      }
      int unit = unit_at(input + end + 2);
      if (unit < 0) break;
      end += 6;
      if (unit >= 0xdc00 && unit <= 0xdfff) garbled = true;
      if (unit < 0xd800 || unit > 0xdbff) continue;
      int next = input[end] == '\\' && input[end + 1] == 'u' ? unit_at(input + end + 2) : -1;
      if (next >= 0xdc00 && next <= 0xdfff) {
        end += 6;
      } else {
        garbled = true;
      }
    }
    size_t length = end < count ? end + 1 - at : count - at;
    if (garbled && end < count && input[end] == '"') {
      replace(mark_garbled, length);
    } else {
      copy(length);
    }
  }

  void number() noexcept {
    if (starts("-Infinity")) return replace(mark_infinite, 9);
    size_t length = 0;
    bool whole = true;
    while (at + length < count && input[at + length] != 0 && std::strchr("+-.eE0123456789", input[at + length])) {
      if (std::strchr(".eE", input[at + length])) whole = false;
      length++;
    }
    const char *begin = input + at;
    const char *digits = begin + (*begin == '-' ? 1 : 0);
    char *end = nullptr;
    double real = std::strtod(begin, &end);
    bool malformed = digits[0] < '0' || digits[0] > '9' || (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') ||
                     end != begin + length || end[-1] == '.';
    if (malformed) return copy(length);
    if (std::isinf(real)) return replace(whole ? mark_beyond : mark_infinite, length);
    errno = 0;
    if (whole) *begin == '-' ? static_cast<void>(std::strtoll(begin, nullptr, 10))
                             : static_cast<void>(std::strtoull(begin, nullptr, 10));
    if (whole && errno == ERANGE) return replace(mark_beyond, length);
    copy(length);
  }
};

// Parses; a record that simdjson refuses for such values a second time, without them.
simdjson::error_code parse(tally_json *parser, size_t count, element &root) noexcept {
  parser->is_repaired = false;
  auto error = parser->parser.parse(parser->input.get(), count, false).get(root);
  switch (error) {
    case simdjson::SUCCESS:
    case simdjson::DEPTH_ERROR:
    case simdjson::UTF8_ERROR:
    case simdjson::CAPACITY:
    case simdjson::EMPTY:
    case simdjson::MEMALLOC: return error;
    default: break;
  }
  std::unique_ptr<char[]> output(
      new (std::nothrow) char[Repair::bytes_max(count) + simdjson::SIMDJSON_PADDING]);
  if (!output) return error;
  size_t written = Repair(parser->input.get(), count, output.get()).run();
  if (written == 0) return error;
  std::memset(output.get() + written, 0, simdjson::SIMDJSON_PADDING);
  parser->is_repaired = true;
  return parser->parser.parse(output.get(), written, false).get(root);
}

}  // namespace

extern "C" tally_json *tally_json_new(size_t bytes_max, size_t depth_max, size_t attributes_max) {
  std::unique_ptr<tally_json> made(new (std::nothrow) tally_json(bytes_max, attributes_max));
  if (!made) return nullptr;
  made->input.reset(new (std::nothrow) char[bytes_max + simdjson::SIMDJSON_PADDING]);
  made->attributes.reset(new (std::nothrow) tally_json_attribute[attributes_max]);
  made->values.reset(new (std::nothrow) element[attributes_max]);
  if (!made->input || !made->attributes || !made->values) return nullptr;
  // The document, too, is allocated now; simdjson would grow it record by record.
  size_t capacity = bytes_max < capacity_min ? capacity_min : bytes_max;
  if (made->parser.allocate(capacity, depth_max) != simdjson::SUCCESS) return nullptr;
  if (made->parser.doc.allocate(capacity) != simdjson::SUCCESS) return nullptr;
  return made.release();
}

namespace {

// Room for one more entry; nullptr: no memory.
tally_json_entry *add_entry(tally_json *parser, size_t count) noexcept {
  if (count == parser->entries_max) {
    size_t larger = count < 32 ? 64 : 2 * count;
    void *moved = std::realloc(parser->entries, larger * sizeof(tally_json_entry));
    if (!moved) return nullptr;
    parser->entries = static_cast<tally_json_entry *>(moved);
    parser->entries_max = larger;
  }
  return parser->entries + count;
}

}  // namespace

extern "C" int tally_json_read_list(tally_json *parser, uint64_t attribute, tally_json_list *list) {
  simdjson::dom::array array;
  if (parser->values[attribute].get_array().get(array) != simdjson::SUCCESS) return 0;
  *list = {0, 0, nullptr};
  for (element value : array) {
    object fields;
    if (value.get_object().get(fields) == simdjson::SUCCESS) {
      for (key_value_pair field : fields) {
        tally_json_entry *entry = add_entry(parser, list->count);
        if (!entry) return 0;
        *entry = {field.key.data(), field.key.size(), list->size, value_of(field.value, parser->is_repaired)};
        list->count++;
      }
    } else {
      tally_json_entry *entry = add_entry(parser, list->count);
      if (!entry) return 0;
      *entry = {nullptr, 0, list->size, value_of(value, parser->is_repaired)};
      list->count++;
    }
    list->size++;
  }
  list->entry = parser->entries;
  return 1;
}

extern "C" void tally_json_free(tally_json *parser) { delete parser; }

extern "C" int tally_json_read(tally_json *parser, const void *bytes, size_t count, tally_json_event *event) {
  if (count > parser->bytes_max) return TALLY_JSON_TOO_LARGE;
  std::memcpy(parser->input.get(), bytes, count);
  std::memset(parser->input.get() + count, 0, simdjson::SIMDJSON_PADDING);
  element root;
  switch (parse(parser, count, root)) {
    case simdjson::SUCCESS: break;
    case simdjson::DEPTH_ERROR: return TALLY_JSON_TOO_DEEP;
    case simdjson::UTF8_ERROR: return TALLY_JSON_INVALID_UTF8;
    case simdjson::CAPACITY: return TALLY_JSON_TOO_LARGE;
    default: return TALLY_JSON_UNDECODABLE;
  }
  object fields;
  if (root.get_object().get(fields) != simdjson::SUCCESS) return TALLY_JSON_UNDECODABLE;
  *event = {absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent,
            absent, 0, 0, nullptr};
  event->attribute = parser->attributes.get();
  read_event(parser, fields, event);
  return TALLY_JSON_OK;
}

extern "C" int tally_valid_utf8(const void *bytes, size_t count) {
  return simdjson::validate_utf8(static_cast<const char *>(bytes), count) ? 1 : 0;
}
