// Nanoseconds that a mapping takes to read a record, with its profile as an object and as a text. Another kernel of simdjson's is
// measured with SIMDJSON_FORCE_IMPLEMENTATION=haswell (or westmere, fallback). From the repository's folder:
//   clang++ -std=c++17 -O2 -I Sources/CSimdjson -I Sources/CSimdjson/include Benchmarks/mapping/bench.cpp \
//     Sources/CSimdjson/mapping.cpp -lsimdjson -o /tmp/mapping-bench && taskset -c 0 /tmp/mapping-bench
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "CSimdjson.h"
#include "simdjson.h"

namespace {

std::mt19937_64 numbers(7);

uint64_t below(uint64_t bound) { return numbers() % bound; }
bool chance(int percent) { return below(100) < static_cast<uint64_t>(percent); }

std::string pick(std::initializer_list<const char *> words) { return *(words.begin() + below(words.size())); }
std::string text(const std::string &value) { return "\"" + value + "\""; }
std::string number(uint64_t low, uint64_t high) { return std::to_string(low + below(high - low + 1)); }
std::string word() {
  return pick({"Anna", "Berg", "Carlos", "Dietrich", "Eva", "Fontaine", "Green", "Hofer", "Ivanov", "Jansen", "Kowalski", "Lopez"});
}

std::string list(size_t least, size_t most, std::string (*make)()) {
  std::string all = "[";
  size_t count = least + below(most - least + 1);
  for (size_t index = 0; index < count; index++) all += (index ? "," : "") + make();
  return all + "]";
}

std::string skill() {
  return text(pick({"COBOL", "Rust", "Kotlin", "Excel", "SQL", "Figma", "Typing", "Accounting", "React", "Welding", "Spanish", "SAP"}));
}

std::string language() { return text(pick({"English", "German", "Spanish", "Mandarin"})); }

std::string job() {
  uint64_t start = 1985 + below(38);
  return "{\"title\":" + text("Senior Engineer") + ",\"company\":" + text(word() + " Ltd") + ",\"start_year\":" + std::to_string(start) +
         ",\"end_year\":" + (chance(30) ? "null" : std::to_string(start + below(4))) + ",\"location\":" + text("Springfield") + "}";
}

std::string profile() {
  std::string all = "{";
  auto add = [&all](const char *key, const std::string &value) {
    all += std::string(all.size() > 1 ? "," : "") + "\"" + key + "\":" + value;
  };
  add("first_name", text(word()));
  add("last_name", text(word()));
  add("headline", text(word() + " at " + word() + " Ltd"));
  add("tenure_months", number(0, 240));
  add("job_level", text(pick({"Intern", "Entry", "Junior", "Mid", "Senior", "Lead", "Manager"})));
  add("city", text("Springfield"));
  add("state", text("OR"));
  add("postal_code", text(number(10000, 99999)));
  add("linkedin_connections", number(0, 3000));
  add("education_level", text(pick({"High School", "Associate's", "Bachelor's", "Master's", "Doctorate"})));
  add("graduation_year", chance(90) ? number(1970, 2024) : "null");
  add("phone", text("+1-555-" + number(1000, 9999)));
  add("website", text("https://example.com/" + number(1000, 9999)));
  add("jobs", list(1, 3, job));
  add("skills", list(3, 8, skill));
  add("job_title", text(pick({"Senior Engineer", "Head of Sales", "Trainee", "Account Manager"})));
  add("industry", text(pick({"Technology", "Finance", "Healthcare"})));
  add("company", text(word() + " Ltd"));
  add("company_size", text(pick({"1-10", "51-200", "10001+"})));
  add("department", text("Operations"));
  add("industry_code", number(100, 999));
  add("salary_band", number(1, 9));
  add("email_provider", text(pick({"gmail", "yahoo", "aol"})));
  add("profile_created_year", number(2003, 2025));
  add("certifications", list(0, 2, skill));
  add("recommendations", number(0, 40));
  add("languages", list(1, 2, language));
  add("country", text("US"));
  for (const char *flag : {"remote", "open_to_work", "premium", "consent"}) add(flag, chance(50) ? "true" : "false");
  for (const char *count : {"followers", "posts", "groups", "volunteering", "publications", "patents", "awards"}) {
    add(count, number(0, 500));
  }
  add("interests", list(0, 3, skill));
  add("last_active", text("2026-0" + number(1, 9) + "-1" + number(0, 9)));
  add("last_updated", text("2026-0" + number(1, 9) + "-1" + number(0, 9)));
  add("profile_completeness", "0." + number(10, 99));
  add("source_system", text("crm"));
  add("source_id", text("a" + number(100000, 999999)));
  add("gdpr_region", text("none"));
  add("timezone", text("UTC-7"));
  add("photo_url", "null");
  add("summary", text("Works with people and numbers, likes both; " + word() + " and " + word() + " know more"));
  add("company_domain", text("example.org"));
  add("awards_text", text(word()));
  return all + "}";
}

std::string as_text(const std::string &json) {
  std::string all = "\"";
  for (char c : json) {
    if (c == '"' || c == '\\') all += '\\';
    all += c;
  }
  return all + "\"";
}

std::vector<std::string> records(size_t count, bool is_text) {
  std::vector<std::string> all;
  for (size_t index = 0; index < count; index++) {
    std::string inner = profile();
    all.push_back("{\"pid\":" + number(100000000, 999999999) + ",\"birth_year\":" + (chance(30) ? number(1940, 2005) : "null") +
                  ",\"approximate_age\":" + (chance(20) ? number(18, 80) : "null") + ",\"profile_json\":" +
                  (is_text ? as_text(inner) : inner) + "}");
  }
  return all;
}

tally_mapping *mapping() {
  tally_mapping *made = tally_mapping_new(256 << 10);
  auto child = [made](int32_t parent, const std::string &key) { return tally_mapping_child(made, parent, key.data(), key.size()); };
  for (const char *key : {"pid", "birth_year", "approximate_age"}) tally_mapping_want(made, child(0, key));
  int32_t profile = child(0, "profile_json");
  tally_mapping_parse_text(made, profile);
  tally_mapping_want(made, profile);
  for (const char *key : {"tenure_months", "job_level", "linkedin_connections", "education_level", "graduation_year", "job_title",
                          "industry", "company_size", "email_provider", "profile_created_year", "recommendations", "country"}) {
    tally_mapping_want(made, child(profile, key));
  }
  for (const char *key : {"jobs", "skills", "certifications", "languages"}) {
    int32_t list = child(profile, key);
    tally_mapping_want(made, list);
    int32_t elements = tally_mapping_elements(made, list);
    if (std::string(key) == "skills") tally_mapping_want(made, elements);
    if (std::string(key) != "jobs") continue;
    for (const char *field : {"title", "start_year", "end_year"}) tally_mapping_want(made, child(elements, field));
  }
  return made;
}

// The best of several passes over all records: other work on the machine only makes a pass longer.
template <typename Read>
double nanoseconds(const std::vector<std::string> &all, Read read) {
  double best = 1e18;
  for (int pass = 0; pass < 400; pass++) {
    auto start = std::chrono::steady_clock::now();
    for (const std::string &record : all) read(record);
    std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / static_cast<double>(all.size()));
  }
  return best;
}

void measure(const char *name, bool is_text) {
  auto all = records(2000, is_text);
  size_t bytes = 0;
  for (const std::string &record : all) bytes += record.size();
  tally_mapping *made = mapping();
  tally_mapped mapped;
  double whole = nanoseconds(all, [&](const std::string &record) {
    if (tally_mapping_read(made, record.data(), record.size(), &mapped) != TALLY_JSON_OK) std::abort();
  });
  uint64_t values = 0;
  for (uint64_t index = 0; index < mapped.values_count; index++) values += mapped.values[index].kind != TALLY_JSON_ABSENT;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> index;
  (void)simdjson::get_active_implementation()->create_dom_parser_implementation(256 << 10, 1, index);
  std::vector<char> buffer(256 << 10);
  double first = nanoseconds(all, [&](const std::string &record) {
    std::copy(record.begin(), record.end(), buffer.begin());
    auto input = reinterpret_cast<const uint8_t *>(buffer.data());
    if (index->stage1(input, record.size(), simdjson::stage1_mode::regular) != simdjson::SUCCESS) std::abort();
  });
  std::printf("%s: %zu bytes a record, %.0f ns; of which copying and the index of the record %.0f ns (%llu of %llu values)\n", name,
              bytes / all.size(), whole, first, static_cast<unsigned long long>(values),
              static_cast<unsigned long long>(mapped.values_count));
  tally_mapping_free(made);
}

}  // namespace

int main() {
  std::printf("implementation: %s\n", simdjson::get_active_implementation()->name().c_str());
  measure("object", false);
  measure("text", true);
}
