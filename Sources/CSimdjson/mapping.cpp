#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "CSimdjson.h"
#include "keys.h"
#include "scalar.h"
#include "unescape.h"

using tally::Key;
using tally::Keys;
using tally::Node;
using tally::plain;

struct tally::Node {
  int32_t parent;
  int32_t first_child = -1;
  int32_t next_sibling = -1;
  int32_t elements = -1;     // the node of its elements
  int32_t place = -1;        // in `values`, or the field of elements; -1: it is not wanted
  uint32_t level = 0;        // in how many texts it lies
  bool is_element = false;   // itself or something above it
  bool has_text = false;     // a text there may hold JSON
  char *key = nullptr;
  uint32_t key_count = 0;
  Keys *keys = nullptr;      // of its children, when there are any
  uint64_t seen = 0;         // the last object that had its key

  explicit Node(int32_t parent) noexcept : parent(parent) {}
};

namespace {

// An array that grows while a mapping is built; of plain values only.
template <typename T>
struct Growing {
  T *items = nullptr;
  size_t count = 0;
  size_t capacity = 0;

  ~Growing() { std::free(static_cast<void *>(items)); }

  bool append(const T &item) noexcept {
    if (count == capacity) {
      size_t larger = capacity == 0 ? 16 : capacity * 2;
      void *moved = std::realloc(static_cast<void *>(items), larger * sizeof(T));
      if (!moved) return false;
      items = static_cast<T *>(moved);
      capacity = larger;
    }
    items[count++] = item;
    return true;
  }
};

using Index = std::unique_ptr<simdjson::internal::dom_parser_implementation>;

}  // namespace

struct tally_mapping {
  size_t bytes_max;
  Growing<Node> nodes;
  uint32_t values_count = 0;
  uint32_t fields_count = 0;
  uint32_t levels = 1;
  bool is_built = false;
  // Of the record and of texts in it, one a level.
  std::unique_ptr<Index[]> indexes;
  std::unique_ptr<char[]> input;
  // Texts without their escapes, one after the other. Those of a level are no longer than what they are read from.
  std::unique_ptr<char[]> texts;
  std::unique_ptr<tally_json_value[]> values;
  std::unique_ptr<tally_json_value[]> absent;
  std::unique_ptr<tally_json_element[]> elements;
  // Of the record that is being read.
  char *texts_end = nullptr;
  uint64_t elements_count = 0;
  uint64_t objects = 0;
  uint32_t element_index = 0;
  int32_t problem_node = -1;
  int failure = TALLY_JSON_UNDECODABLE;

  explicit tally_mapping(size_t bytes_max) noexcept : bytes_max(bytes_max) {}

  ~tally_mapping() {
    for (size_t index = 0; index < nodes.count; index++) {
      std::free(nodes.items[index].key);
      delete nodes.items[index].keys;
    }
  }

  bool is_node(int32_t node) const noexcept { return node >= 0 && static_cast<size_t>(node) < nodes.count; }

  int32_t number(const Node &node) const noexcept { return static_cast<int32_t>(&node - nodes.items); }

  bool finish() noexcept;
  bool finish(Node &node) noexcept;
};

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
  is_built = true;
  return true;
}

namespace {

constexpr uint64_t bit(char c) noexcept { return uint64_t(1) << (c & 63); }

// Places of what simdjson finds in a text: brackets, colons, commas, and where each scalar begins.
using Place = const uint32_t *;

// Reads the record, or a text in it. A place is that of the value or key to read, and what is read returns the place after it;
// nullptr is an error. A zero stands behind the text, and its place behind all others: it is never what must be there.
class Walk {
 public:
  Walk(tally_mapping &mapping, const char *base, uint32_t level) noexcept : mapping(mapping), base(base), level(level) {}

  // Reads the whole text as the object of a node.
  bool run(Node &node) noexcept {
    const auto &index = *mapping.indexes[level];
    Place at = index.structural_indexes.get();
    if (index.n_structural_indexes == 0 || base[*at] != '{') return false;
    Place end = at + index.n_structural_indexes;
    return (node.keys ? object(node, at + 1) : skip(at)) == end;
  }

 private:
  tally_mapping &mapping;
  const char *base;
  uint32_t level;

  Node &node_at(int32_t node) noexcept { return mapping.nodes.items[node]; }

  void put(const Node &node, const tally_json_value &value) noexcept {
    if (node.place < 0) return;
    if (node.is_element) {
      mapping.elements[mapping.elements_count++] = {static_cast<uint32_t>(node.place), mapping.element_index, value};
    } else {
      mapping.values[node.place] = value;
    }
  }

  Place object(Node &node, Place at) noexcept {
    if (base[*at] == '}') return at + 1;
    Keys &keys = *node.keys;
    uint64_t number = ++mapping.objects;
    Key *before = keys.beginning();
    while (true) {
      if (base[*at] != '"') return nullptr;
      Key *key = before->next;
      if (!key->matches(base + *at + 1) && !unexpected(keys, *before, at, key)) return nullptr;
      if (base[at[1]] != ':') return nullptr;
      at += 2;
      if (!key || !key->node) {
        at = skip(at);
      } else {
        Node &wanted = *key->node;
        if (wanted.seen == number && mapping.problem_node < 0) mapping.problem_node = mapping.number(wanted);
        wanted.seen = number;
        at = value(wanted, at);
      }
      if (!at) return nullptr;
      if (key) before = key;
      char c = base[*at++];
      if (c == '}') return at;
      if (c != ',') return nullptr;
    }
  }

  // Finds a key that is not the one that followed `before` last time; nullptr: nobody wants it. Returns false for a wrong escape.
  bool unexpected(Keys &keys, Key &before, Place at, Key *&key) noexcept {
    // Mostly the expected one is left out.
    key = before.next->next;
    const char *begin = base + *at + 1;
    if (key->matches(begin)) return true;
    key = nullptr;
    const char *end = text_end(at);
    if (!end) return false;
    if (tally::next_backslash(begin, end) != end) {
      tally::Unescaped text(mapping.texts_end);
      if (!text.read(begin, end)) return false;
      if (text.is_garbled) return true;
      begin = mapping.texts_end;
      end = text.end;
    }
    auto count = static_cast<uint32_t>(end - begin);
    key = keys.find(begin, count);
    if (!key) key = keys.insert(begin, count, nullptr);
    if (key) before.next = key;
    return true;
  }

  // Where the closing quote of a text stands: the last thing before the next place.
  const char *text_end(Place at) const noexcept {
    const char *end = base + at[1] - 1;
    while (tally::is_white(*end)) end--;
    return *end == '"' && end > base + *at ? end : nullptr;
  }

  Place value(Node &node, Place at) noexcept {
    switch (base[*at]) {
      case '"':
        if (node.has_text) return text_with_json(node, at);
        return node.place < 0 ? at + 1 : text(node, at);
      case '{':
        put(node, plain(TALLY_JSON_OBJECT));
        return node.keys ? object(node, at + 1) : skip(at);
      case '[':
        if (node.elements >= 0) return list(node, at + 1);
        put(node, plain(TALLY_JSON_ARRAY));
        return skip(at);
      default: {
        if (node.place < 0) return skip(at);
        tally_json_value value;
        if (!tally::read_scalar(base + *at, value)) return nullptr;
        put(node, value);
        return at + 1;
      }
    }
  }

  Place list(Node &node, Place at) noexcept {
    auto first = static_cast<uint32_t>(mapping.elements_count);
    uint32_t count = 0;
    Node &element = node_at(node.elements);
    if (base[*at] == ']') {
      at++;
    } else {
      while (true) {
        mapping.element_index = count++;
        at = value(element, at);
        if (!at) return nullptr;
        char c = base[*at++];
        if (c == ']') break;
        if (c != ',') return nullptr;
      }
    }
    if (mapping.elements) mapping.elements[mapping.elements_count++] = {TALLY_MAPPING_RUN_END, count, plain(TALLY_JSON_ABSENT)};
    put(node, {TALLY_JSON_ARRAY, first, nullptr, count});
    return at;
  }

  // Reads a text; one without escapes is left where it is. nullptr: a wrong escape.
  bool read_text(Place at, tally_json_value &value) noexcept {
    const char *begin = base + *at + 1;
    const char *end = text_end(at);
    if (!end) return false;
    if (tally::next_backslash(begin, end) == end) {
      value = {TALLY_JSON_TEXT, static_cast<uint32_t>(end - begin), begin, 0};
      return true;
    }
    char *output = mapping.texts_end;
    tally::Unescaped text(output);
    if (!text.read(begin, end)) return false;
    if (text.is_garbled) {
      value = plain(TALLY_JSON_GARBLED);
    } else {
      value = {TALLY_JSON_TEXT, static_cast<uint32_t>(text.end - output), output, 0};
      mapping.texts_end = text.end;
    }
    return true;
  }

  Place text(const Node &node, Place at) noexcept {
    tally_json_value value;
    if (!read_text(at, value)) return nullptr;
    put(node, value);
    return at + 1;
  }

  Place text_with_json(Node &node, Place at) noexcept {
    tally_json_value value;
    if (!read_text(at, value)) return nullptr;
    if (value.kind == TALLY_JSON_TEXT && holds_object(node, value)) return at + 1;
    put(node, value);
    return at + 1;
  }

  // Walks the object in a text, if that is what stands there; else nothing of it remains.
  bool holds_object(Node &node, const tally_json_value &value) noexcept {
    const char *begin = value.text;
    size_t count = value.text_count;
    while (count > 0 && tally::is_white(*begin)) begin++, count--;
    if (count == 0 || *begin != '{') return false;
    if (mapping.texts_end != value.text + value.text_count) {
      // It has no escapes and lies in what is being read, with its closing quote behind it.
      std::memcpy(mapping.texts_end, begin, count);
      begin = mapping.texts_end;
      mapping.texts_end += count;
    }
    *mapping.texts_end++ = 0;
    auto elements_count = mapping.elements_count;
    auto problem_node = mapping.problem_node;
    auto failure = mapping.failure;
    put(node, plain(TALLY_JSON_OBJECT));
    if (mapping.indexes[level + 1]->stage1(reinterpret_cast<const uint8_t *>(begin), count, simdjson::stage1_mode::regular) ==
            simdjson::SUCCESS &&
        Walk(mapping, begin, level + 1).run(node)) {
      return true;
    }
    mapping.elements_count = elements_count;
    mapping.problem_node = problem_node;
    mapping.failure = failure;
    forget(node);
    return false;
  }

  // What stands below a node is absent.
  void forget(const Node &node) noexcept {
    if (node.is_element) return;
    for (int32_t child = node.first_child; child >= 0; child = node_at(child).next_sibling) {
      if (node_at(child).place >= 0) mapping.values[node_at(child).place] = plain(TALLY_JSON_ABSENT);
      forget(node_at(child));
    }
  }

  // Passes over a value.
  Place skip(Place at) noexcept {
    // What a scalar may begin with is marked in a bit for each of the first 128 characters.
    auto c = static_cast<unsigned char>(base[*at]);
    constexpr uint64_t low = bit('"') | bit('-') | ((bit('9') << 1) - bit('0'));
    constexpr uint64_t high = bit('t') | bit('f') | bit('n') | bit('N') | bit('I');
    if (c < 128 && ((c < 64 ? low : high) >> (c & 63) & 1) != 0) return at + 1;
    return c == '{' || c == '[' ? skip_container(at) : nullptr;
  }

  Place skip_container(Place at) noexcept {
    // A bit for each container that is open, the innermost lowest: whether it is an object.
    uint64_t open = 0;
    int depth = 0;
    while (true) {
      char c = base[*at++];
      switch (c) {
        case '{': case '[':
          if (depth == 64) {
            mapping.failure = TALLY_JSON_TOO_DEEP;
            return nullptr;
          }
          depth++;
          open = open << 1 | (c == '{' ? 1 : 0);
          break;
        case '}': case ']':
          if ((open & 1) != (c == '}' ? 1u : 0u)) return nullptr;
          open >>= 1;
          if (--depth == 0) return at;
          break;
        case 0: return nullptr;
        default: break;
      }
    }
  }
};

}  // namespace

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
  if (!mapping->is_built && !mapping->finish()) return TALLY_JSON_NO_MEMORY;
  char *input = mapping->input.get();
  std::memcpy(input, bytes, count);
  std::memset(input + count, 0, tally::slack);
  auto error =
      mapping->indexes[0]->stage1(reinterpret_cast<const uint8_t *>(input), count, simdjson::stage1_mode::regular);
  if (error) return error == simdjson::UTF8_ERROR ? TALLY_JSON_INVALID_UTF8 : TALLY_JSON_UNDECODABLE;
  mapping->texts_end = mapping->texts.get();
  mapping->elements_count = 0;
  mapping->problem_node = -1;
  mapping->failure = TALLY_JSON_UNDECODABLE;
  std::memcpy(mapping->values.get(), mapping->absent.get(), mapping->values_count * sizeof(tally_json_value));
  Node &root = mapping->nodes.items[0];
  if (!Walk(*mapping, input, 0).run(root)) return mapping->failure;
  if (root.place >= 0) mapping->values[root.place] = plain(TALLY_JSON_OBJECT);
  *mapped = {mapping->values.get(), mapping->values_count, mapping->elements.get(), mapping->elements_count, mapping->problem_node};
  return mapping->problem_node < 0 ? TALLY_JSON_OK : TALLY_JSON_TWICE;
}
