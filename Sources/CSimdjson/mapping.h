// A mapping: the nodes that are declared, and the buffers of the record that is being read.
#pragma once
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "CSimdjson.h"
#include "keys.h"
#include "scalar.h"
#include "simdjson.h"

namespace tally {

// A declared node of records.
struct Node {
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

}  // namespace tally

struct tally_mapping {
  size_t bytes_max;
  tally::Growing<tally::Node> nodes;
  uint32_t values_count = 0;
  uint32_t fields_count = 0;
  uint32_t levels = 1;
  bool is_built = false;
  // Whether simdjson's index leaves UTF-8 unchecked: the one for processors that it knows nothing of does.
  bool is_unchecked = false;
  // Of the record and of texts in it, one a level.
  std::unique_ptr<tally::Index[]> indexes;
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

  int32_t number(const tally::Node &node) const noexcept { return static_cast<int32_t>(&node - nodes.items); }

  bool finish() noexcept;
  bool finish(tally::Node &node) noexcept;
};
