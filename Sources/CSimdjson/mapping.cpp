#include "mapping.h"

#include "walk.h"

using tally::Index;
using tally::Key;
using tally::Keys;
using tally::Node;
using tally::plain;

// Keys come after texts: the level of a node is known when it is first read.
bool tally_mapping::finish(Node &node) noexcept {
  if (node.parent >= 0) {
    const Node &parent = nodes.items[node.parent];
    node.level = parent.level + (parent.has_text ? 1 : 0);
  }
  if (node.level + (node.has_text ? 1 : 0) >= levels) levels = node.level + (node.has_text ? 2 : 1);
  uint32_t children = 0;
  for (int32_t child = node.first_child; child >= 0; child = nodes.items[child].next_sibling) children++;
  if (children == 0 && !node.has_text) return true;
  delete node.keys;
  node.keys = new (std::nothrow) Keys();
  if (!node.keys || !node.keys->reserve(children)) return false;
  Key *before = node.keys->beginning();
  for (int32_t child = node.first_child; child >= 0; child = nodes.items[child].next_sibling) {
    before->next = node.keys->insert(nodes.items[child].key, nodes.items[child].key_count, &nodes.items[child]);
    before = before->next;
  }
  return true;
}

bool tally_mapping::finish() noexcept {
  // Parents come before their children.
  for (size_t index = 0; index < nodes.count; index++) {
    if (!finish(nodes.items[index])) return false;
  }
  size_t elements_max = levels * (bytes_max / 2 + 1);
  indexes.reset(new (std::nothrow) Index[levels]);
  input.reset(new (std::nothrow) char[bytes_max + tally::slack]);
  texts.reset(new (std::nothrow) char[levels * bytes_max + tally::slack]);
  values.reset(new (std::nothrow) tally_json_value[values_count + 1]);
  absent.reset(new (std::nothrow) tally_json_value[values_count + 1]);
  if (fields_count > 0) elements.reset(new (std::nothrow) tally_json_element[elements_max]);
  if (!indexes || !input || !texts || !values || !absent || (fields_count > 0 && !elements)) return false;
  for (uint32_t place = 0; place < values_count; place++) absent[place] = plain(TALLY_JSON_ABSENT);
  for (uint32_t level = 0; level < levels; level++) {
    size_t capacity = bytes_max < 64 ? 64 : bytes_max;
    auto made = simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, indexes[level]);
    if (made != simdjson::SUCCESS) return false;
  }
  is_unchecked = simdjson::get_active_implementation()->name() == "fallback";
  is_built = true;
  return true;
}

extern "C" tally_mapping *tally_mapping_new(size_t bytes_max) {
  if (bytes_max >= size_t(1) << 31) return nullptr;
  std::unique_ptr<tally_mapping> made(new (std::nothrow) tally_mapping(bytes_max));
  if (!made || !made->nodes.append(Node(-1))) return nullptr;
  return made.release();
}

extern "C" void tally_mapping_free(tally_mapping *mapping) { delete mapping; }

extern "C" int32_t tally_mapping_child(tally_mapping *mapping, int32_t parent, const char *key, size_t count) {
  if (mapping->is_built || !mapping->is_node(parent) || count > UINT32_MAX) return -1;
  Node *nodes = mapping->nodes.items;
  for (int32_t child = nodes[parent].first_child; child >= 0; child = nodes[child].next_sibling) {
    if (nodes[child].key_count == count && std::memcmp(nodes[child].key, key, count) == 0) return child;
  }
  Node made(parent);
  made.is_element = nodes[parent].is_element;
  made.key = static_cast<char *>(std::malloc(count + 1));
  if (!made.key) return -1;
  std::memcpy(made.key, key, count);
  made.key_count = static_cast<uint32_t>(count);
  auto number = static_cast<int32_t>(mapping->nodes.count);
  if (!mapping->nodes.append(made)) {
    std::free(made.key);
    return -1;
  }
  // At the end: declared in the order of records, keys are expected rightly at once.
  int32_t *link = &mapping->nodes.items[parent].first_child;
  while (*link >= 0) link = &mapping->nodes.items[*link].next_sibling;
  *link = number;
  return number;
}

extern "C" int32_t tally_mapping_elements(tally_mapping *mapping, int32_t list) {
  if (mapping->is_built || !mapping->is_node(list) || list == 0) return -1;
  const Node &node = mapping->nodes.items[list];
  if (node.is_element || node.elements >= 0) return node.is_element ? -1 : node.elements;
  Node made(list);
  made.is_element = true;
  auto number = static_cast<int32_t>(mapping->nodes.count);
  if (!mapping->nodes.append(made)) return -1;
  mapping->nodes.items[list].elements = number;
  return number;
}

extern "C" void tally_mapping_parse_text(tally_mapping *mapping, int32_t node) {
  if (!mapping->is_built && mapping->is_node(node) && node > 0) mapping->nodes.items[node].has_text = true;
}

extern "C" int32_t tally_mapping_want(tally_mapping *mapping, int32_t node) {
  if (mapping->is_built || !mapping->is_node(node)) return -1;
  Node &wanted = mapping->nodes.items[node];
  if (wanted.place < 0) {
    wanted.place = static_cast<int32_t>(wanted.is_element ? mapping->fields_count++ : mapping->values_count++);
  }
  return wanted.place;
}

extern "C" int tally_mapping_read(tally_mapping *mapping, const void *bytes, size_t count, tally_mapped *mapped) {
  if (count > mapping->bytes_max) return TALLY_JSON_TOO_LARGE;
  if (count == 0) return TALLY_JSON_UNDECODABLE;
  if (!mapping->is_built && !mapping->finish()) return TALLY_JSON_NO_MEMORY;
  char *input = mapping->input.get();
  std::memcpy(input, bytes, count);
  std::memset(input + count, 0, tally::slack);
  auto error =
      mapping->indexes[0]->stage1(reinterpret_cast<const uint8_t *>(input), count, simdjson::stage1_mode::regular);
  if (error) return error == simdjson::UTF8_ERROR ? TALLY_JSON_INVALID_UTF8 : TALLY_JSON_UNDECODABLE;
  if (mapping->is_unchecked && !simdjson::validate_utf8(input, count)) return TALLY_JSON_INVALID_UTF8;
  mapping->texts_end = mapping->texts.get();
  mapping->elements_count = 0;
  mapping->problem_node = -1;
  mapping->failure = TALLY_JSON_UNDECODABLE;
  std::memcpy(mapping->values.get(), mapping->absent.get(), mapping->values_count * sizeof(tally_json_value));
  Node &root = mapping->nodes.items[0];
  if (!tally::Walk(*mapping, input, 0).run(root)) return mapping->failure;
  if (root.place >= 0) mapping->values[root.place] = plain(TALLY_JSON_OBJECT);
  *mapped = {mapping->values.get(), mapping->values_count, mapping->elements.get(), mapping->elements_count, mapping->problem_node};
  return mapping->problem_node < 0 ? TALLY_JSON_OK : TALLY_JSON_TWICE;
}
