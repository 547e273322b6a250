// Reads the JSON form of an event with simdjson (3.0.1, its DOM parser): one call a record, no exception and no
// allocation after `tally_json_new`. All pointers in an answer lie in the parser and live until its next call.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What became of a record.
enum tally_json_outcome {
  TALLY_JSON_OK = 0,
  TALLY_JSON_UNDECODABLE = 1,    // not JSON, or not one object
  TALLY_JSON_TOO_DEEP = 2,       // nested deeper than the parser's limit
  TALLY_JSON_INVALID_UTF8 = 3,   // not UTF-8
  TALLY_JSON_TOO_LARGE = 6,      // larger than the parser's limit
  TALLY_JSON_TWICE = 7,          // a declared key stands twice in one object; only from tally_mapping_read
  TALLY_JSON_NO_MEMORY = 8,      // only from the first tally_mapping_read
};

// What a value is.
enum tally_json_kind {
  TALLY_JSON_NULL = 0,
  TALLY_JSON_FLAG = 1,     // bits: 0 or 1
  TALLY_JSON_INTEGER = 2,  // bits: two's complement
  TALLY_JSON_REAL = 3,     // bits: IEEE 754
  TALLY_JSON_TEXT = 4,     // text, text_count
  TALLY_JSON_UNSIGNED = 5, // bits: a whole number of 2^63 or more
  TALLY_JSON_ARRAY = 6,
  TALLY_JSON_OBJECT = 7,
  TALLY_JSON_ABSENT = 8,   // no such field
  TALLY_JSON_BEYOND = 9,   // a whole number beyond 64 bits
  TALLY_JSON_INFINITE = 10, // a number beyond a double, or NaN or Infinity, which JSON does not have
  TALLY_JSON_GARBLED = 11, // a text with half of a surrogate pair
};

typedef struct tally_json_value {
  uint32_t kind;
  uint32_t text_count;
  const char *text;
  uint64_t bits;
} tally_json_value;

typedef struct tally_json_attribute {
  const char *name;
  uint64_t name_count;
  tally_json_value value;
} tally_json_attribute;

// The fields of an event as they stand; a key given twice: the last one. Fields of other names are passed over.
typedef struct tally_json_event {
  tally_json_value event_id;
  tally_json_value entity_id;
  tally_json_value event_time_us;
  tally_json_value source;
  tally_json_value schema_version;
  tally_json_value profile;     // OBJECT, NULL, ABSENT, or what else stands there
  tally_json_value engagement;  // likewise
  tally_json_value tick;        // likewise
  tally_json_value erasure;     // likewise
  tally_json_value promotion;   // likewise
  tally_json_value number;      // of the promotion
  tally_json_value set;         // of the promotion
  tally_json_value pipeline;    // of the promotion
  tally_json_value mode;        // of the profile
  tally_json_value type;        // of the engagement
  tally_json_value attributes;  // of the one kind that is an object (the engagement when both are)
  uint64_t attributes_total;    // as many as stand there
  uint64_t attributes_count;    // as many as were kept, at most the parser's limit
  const tally_json_attribute *attribute;
} tally_json_event;

typedef struct tally_json tally_json;

// A parser for values of at most `bytes_max` bytes, nested at most `depth_max` deep, keeping `attributes_max`
// attributes. NULL: out of memory.
tally_json *tally_json_new(size_t bytes_max, size_t depth_max, size_t attributes_max);
void tally_json_free(tally_json *parser);

// Reads one event; `event` is filled when TALLY_JSON_OK is returned.
int tally_json_read(tally_json *parser, const void *bytes, size_t count, tally_json_event *event);

// What an element of a list holds: a field of an object (`name`), or a value (`name` NULL). An element that is an empty object has none.
typedef struct tally_json_entry {
  const char *name;
  uint64_t name_count;
  uint64_t element;  // number of the element in its list
  tally_json_value value;
} tally_json_entry;

typedef struct tally_json_list {
  uint64_t size;  // elements
  uint64_t count;
  const tally_json_entry *entry;
} tally_json_list;

// What the list holds that is the value of the last event's attribute with this number; valid until the next call of either. 0: it is no
// list, or there is no memory.
int tally_json_read_list(tally_json *parser, uint64_t attribute, tally_json_list *list);

// Whether the bytes are UTF-8.
int tally_valid_utf8(const void *bytes, size_t count);

#ifdef __cplusplus
}
#endif

#include "CSimdjsonMapping.h"
