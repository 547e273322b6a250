// Reads the values at declared paths out of a JSON record of any shape, with simdjson's index of the record (3.0.1, the one that
// its On-Demand parser walks): one call a record, no exception, and no allocation after the first call. All pointers in an
// answer lie in the mapping and live until its next call.
#pragma once
#include "CSimdjson.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tally_mapping tally_mapping;

// The field of the element that ends a list's run.
#define TALLY_MAPPING_RUN_END UINT32_MAX

// A wanted value of an element of a list.
typedef struct tally_json_element {
  uint32_t field;  // what tally_mapping_want gave; no two lists share a field
  uint32_t index;  // of the element in its list; of a run's end, the number of elements
  tally_json_value value;
} tally_json_element;

// What a record holds.
typedef struct tally_mapped {
  const tally_json_value *values;  // by place; ABSENT where nothing stands
  uint64_t values_count;
  // The runs of all lists, one after the other, in the order of the record; each ends with an element of the field
  // TALLY_MAPPING_RUN_END. What an element has no key for is not in the run; null and values of any other kind are. Empty when no
  // value of elements is wanted at all.
  const tally_json_element *elements;
  uint64_t elements_count;
  int32_t problem_node;  // TALLY_JSON_TWICE: the node whose key stands twice; else -1
} tally_mapped;

// A mapping for records of at most `bytes_max` bytes, which are below 2^31. One thread. It holds about 6 bytes of address space per
// byte of `bytes_max`, 16 more when values of elements are wanted, and all of that again for each level of texts in texts;
// it is touched only as far as records are long. NULL: out of memory, or too many bytes.
tally_mapping *tally_mapping_new(size_t bytes_max);
void tally_mapping_free(tally_mapping *mapping);

// Building, before the first read. Node 0 is the record itself. -1 is the answer of all of these when there is no memory, no such
// node, or after the first read.

// The node of a key of an object, made on first use. `key` is UTF-8 without JSON's escapes.
int32_t tally_mapping_child(tally_mapping *mapping, int32_t parent, const char *key, size_t count);

// The node that stands for each element of a list, made on first use. -1 also below such a node, and for the record itself.
// Without it a list is neither entered nor counted. It need not be wanted: then elements are only counted.
int32_t tally_mapping_elements(tally_mapping *mapping, int32_t list);

// A text there may hold JSON, whose keys are the node's children. Texts in texts may be declared, too, and texts in elements.
// Not for the record itself.
void tally_mapping_parse_text(tally_mapping *mapping, int32_t node);

// The value at the node is wanted. Returns its place in `values`; of an elements node and what is below it, the field of elements.
int32_t tally_mapping_want(tally_mapping *mapping, int32_t node);

// Reads a record; `mapped` is filled when TALLY_JSON_OK or TALLY_JSON_TWICE is returned.
//
// Values. A list with an elements node is an ARRAY with the number of its elements in `bits` and the first element of its run in
// `text_count`. A text with JSON that is an object is an OBJECT; one that is none is a TEXT, and no child is there. Any other
// container that is not declared is ARRAY or OBJECT and not entered; a container where a scalar is declared, likewise.
//
// Keys are compared as they are without escapes. One that is declared and stands twice in an object, also in an element or in
// a text, is TALLY_JSON_TWICE (the last value is then the answer's), unless the record is undecodable or the text no JSON.
//
// What is looked at: all of the record must be UTF-8, its texts closed and without control characters; brackets must match;
// objects and lists that are entered must have their keys, colons and commas in place, and the record must end with its object.
// A scalar that is passed over must begin like one and be followed by a comma or the end of what holds it. Not looked at: the
// rest of such a scalar (tru, 1.2.3, a text with a wrong escape), and what stands beside brackets in a container that is not
// entered, but for a zero byte. More than 64 containers in each other there are TALLY_JSON_TOO_DEEP. A byte-order mark is
// TALLY_JSON_UNDECODABLE. An object is entered when children are declared or a text there may hold JSON.
int tally_mapping_read(tally_mapping *mapping, const void *bytes, size_t count, tally_mapped *mapped);

#ifdef __cplusplus
}
#endif
