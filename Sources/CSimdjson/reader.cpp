#include "CSimdjson.h"

#include <cmath>
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
  size_t bytes_max;
  size_t attributes_max;

  tally_json(size_t bytes_max, size_t attributes_max)
      : bytes_max(bytes_max), attributes_max(attributes_max) {}
};

namespace {

// Below this simdjson would allocate once more.
constexpr size_t capacity_min = 64;

const tally_json_value absent = {TALLY_JSON_ABSENT, 0, nullptr, 0};

tally_json_value number(uint32_t kind, uint64_t bits) { return {kind, 0, nullptr, bits}; }

tally_json_value value_of(element value) noexcept {
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
      parser->attributes[event->attributes_count++] = {field.key.data(), field.key.size(), value_of(field.value)};
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
      *named = value_of(field.value);
    } else if (is(field.key, "attributes")) {
      event->attributes = value_of(field.value);
      found = event->attributes.kind == TALLY_JSON_OBJECT;
      if (found) attributes = field.value.get_object().value_unsafe();
    }
  }
  if (found) read_attributes(parser, attributes, event);
}

void read_event(tally_json *parser, object root, tally_json_event *event) noexcept {
  object profile, engagement;
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
    }
    if (place) *place = value_of(field.value);
  }
  if (event->engagement.kind == TALLY_JSON_OBJECT) {
    read_kind(parser, engagement, "type", &event->type, event);
  } else if (event->profile.kind == TALLY_JSON_OBJECT) {
    read_kind(parser, profile, "mode", &event->mode, event);
  }
}

// Why simdjson refused a number: looks at every number outside of strings. Only for records that are refused
// anyway. `input` ends in zeros.
int explain_number(const char *input, size_t count) noexcept {
  int outcome = TALLY_JSON_UNDECODABLE;
  bool in_string = false;
  for (size_t at = 0; at < count; at++) {
    char c = input[at];
    if (in_string) {
      if (c == '\\') {
        at++;
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    if (c == '"') {
      in_string = true;
      continue;
    }
    if (c != '-' && (c < '0' || c > '9')) continue;
    size_t begin = at;
    bool whole = true;
    while (at < count && std::strchr("+-.eE0123456789", input[at]) != nullptr && input[at] != 0) {
      if (input[at] == '.' || input[at] == 'e' || input[at] == 'E') whole = false;
      at++;
    }
    size_t length = at - begin;
    at--;
    const char *digits = input + begin + (input[begin] == '-' ? 1 : 0);
    bool malformed = digits[0] < '0' || digits[0] > '9' ||
                     (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9');
    char *end = nullptr;
    double real = std::strtod(input + begin, &end);
    if (malformed || end != input + begin + length || end[-1] == '.') return TALLY_JSON_UNDECODABLE;
    if (std::isinf(real)) {
      outcome = TALLY_JSON_NOT_FINITE;
    } else if (whole && std::fabs(real) >= 9223372036854775808.0 && outcome == TALLY_JSON_UNDECODABLE) {
      outcome = TALLY_JSON_OUT_OF_BOUNDS;
    }
  }
  return outcome;
}

}  // namespace

extern "C" tally_json *tally_json_new(size_t bytes_max, size_t depth_max, size_t attributes_max) {
  std::unique_ptr<tally_json> made(new (std::nothrow) tally_json(bytes_max, attributes_max));
  if (!made) return nullptr;
  made->input.reset(new (std::nothrow) char[bytes_max + simdjson::SIMDJSON_PADDING]);
  made->attributes.reset(new (std::nothrow) tally_json_attribute[attributes_max]);
  if (!made->input || !made->attributes) return nullptr;
  // The document, too, is allocated now; simdjson would grow it record by record.
  size_t capacity = bytes_max < capacity_min ? capacity_min : bytes_max;
  if (made->parser.allocate(capacity, depth_max) != simdjson::SUCCESS) return nullptr;
  if (made->parser.doc.allocate(capacity) != simdjson::SUCCESS) return nullptr;
  return made.release();
}

extern "C" void tally_json_free(tally_json *parser) { delete parser; }

extern "C" int tally_json_read(tally_json *parser, const void *bytes, size_t count, tally_json_event *event) {
  if (count > parser->bytes_max) return TALLY_JSON_TOO_LARGE;
  std::memcpy(parser->input.get(), bytes, count);
  std::memset(parser->input.get() + count, 0, simdjson::SIMDJSON_PADDING);
  element root;
  auto error = parser->parser.parse(parser->input.get(), count, false).get(root);
  switch (error) {
    case simdjson::SUCCESS: break;
    case simdjson::DEPTH_ERROR: return TALLY_JSON_TOO_DEEP;
    case simdjson::UTF8_ERROR: return TALLY_JSON_INVALID_UTF8;
    case simdjson::CAPACITY: return TALLY_JSON_TOO_LARGE;
    case simdjson::NUMBER_ERROR: return explain_number(parser->input.get(), count);
    default: return TALLY_JSON_UNDECODABLE;
  }
  object fields;
  if (root.get_object().get(fields) != simdjson::SUCCESS) return TALLY_JSON_UNDECODABLE;
  *event = {absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, absent, 0, 0, nullptr};
  event->attribute = parser->attributes.get();
  read_event(parser, fields, event);
  return TALLY_JSON_OK;
}

extern "C" int tally_valid_utf8(const void *bytes, size_t count) {
  return simdjson::validate_utf8(static_cast<const char *>(bytes), count) ? 1 : 0;
}
