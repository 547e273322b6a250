// Reads a record, or a text in it, along the places that simdjson found in it.
#pragma once
#include "mapping.h"
#include "unescape.h"

namespace tally {

// A bit for a character of its half of ASCII.
inline constexpr uint64_t bit(char c) noexcept { return uint64_t(1) << (c & 63); }

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
    // Mostly some of those that are expected are left out.
    const char *begin = base + *at + 1;
    key = before.next;
    for (int left_out = 0; left_out < 4; left_out++) {
      key = key->next;
      if (key->matches(begin)) return true;
    }
    key = nullptr;
    const char *end = text_end(at);
    if (!end) return false;
    if (next_backslash(begin, end) != end) {
      Unescaped text(mapping.texts_end);
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
    while (is_white(*end)) end--;
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
        if (!read_scalar(base + *at, value)) return nullptr;
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

  // Reads a text; one without escapes is left where it is. Returns false for a wrong escape.
  bool read_text(Place at, tally_json_value &value) noexcept {
    const char *begin = base + *at + 1;
    const char *end = text_end(at);
    if (!end) return false;
    if (next_backslash(begin, end) == end) {
      value = {TALLY_JSON_TEXT, static_cast<uint32_t>(end - begin), begin, 0};
      return true;
    }
    char *output = mapping.texts_end;
    Unescaped text(output);
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
    while (count > 0 && is_white(*begin)) begin++, count--;
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

}  // namespace tally
