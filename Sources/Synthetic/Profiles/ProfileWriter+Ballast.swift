/// Fields that no feature reads, but the three that say so.
extension ProfileWriter {
  /// Who the person is.
  mutating func putPerson() {
    text.key("source_id")
    text.quote()
    text.put("S-")
    text.put(random.below(1_000_000_000))
    text.quote()
    let first = any(ProfileWords.firstNames)
    let last = any(ProfileWords.lastNames)
    field("first_name", missing: 0.02, word: first)
    if open("last_name", missing: 0.03, empty: .text) {
      text.quote()
      text.put(escaped: last)
      text.quote()
    }
    if open("headline", missing: 0.3, empty: .text) {
      text.quote()
      putRole(Int(life.jobs.first?.role ?? 0))
      text.put(" | ")
      text.put(any(ProfileWords.interests))
      text.quote()
    }
    if open("summary", missing: 0.4, empty: .text) {
      text.quote()
      text.put(escaped: any(ProfileWords.sentences))
      for _ in 0..<random.below(3) {
        text.put(" ")
        text.put(escaped: any(ProfileWords.sentences))
      }
      text.quote()
    }
  }

  /// Whom the person reaches; `linkedin_connections` is a feature's.
  mutating func putReach() {
    if open("linkedin_connections", missing: 0.09) {
      if mistake == .hugeConnections { text.put(500_000_000) } else { putNumber(life.connections) }
    }
    field("followers", missing: 0.3, number: life.connections + random.below(200))
    field("posts", missing: 0.4, number: random.below(300))
    field("groups", missing: 0.4, number: random.below(25))
    field("volunteering", missing: 0.6, number: random.below(4))
    field("publications", missing: 0.7, number: random.below(3))
    field("patents", missing: 0.8, number: random.below(2))
    field("awards", missing: 0.6, number: random.below(5))
    if open("interests", missing: 0.4, empty: .list) {
      text.put("[")
      text.quoted(any(ProfileWords.interests))
      text.put("]")
    }
  }

  /// Where the person is to be found; `email_provider` is a feature's.
  mutating func putPlace() {
    if open("email_provider", missing: 0.12, empty: .text) {
      text.quoted(mistake == .emailUnknown ? "gmx" : ProfileWords.emailProviders[life.emailProvider])
    }
    if open("phone", missing: 0.5, empty: .text) {
      text.quote()
      text.put("+1-555-01")
      text.put(10 + random.below(90))
      text.quote()
    }
    if open("website", missing: 0.7, empty: .text) {
      text.quote()
      text.put("https://example.com/in/")
      text.put(random.below(1_000_000))
      text.quote()
    }
    field("photo_url", missing: 0.5, word: "https://example.com/photo.jpg")
    let city = Int(life.jobs.first?.city ?? 3) % 16
    field("city", missing: 0.2, word: ProfileWords.cities[city])
    field("state", missing: 0.3, word: SyntheticWords.states[city * 3].code)
    if open("postal_code", missing: 0.4, empty: .text) {
      text.quote()
      text.put(10_000 + random.below(90_000))
      text.quote()
    }
    let country = ProfileWords.countries[random.below(16)]
    field("country", missing: 0.1, word: country)
    field("timezone", missing: 0.3, word: any(ProfileWords.timezones))
    field("gdpr_region", missing: 0.2, word: "none")
  }

  /// What the systems keep; `profile_created_year` is a feature's.
  mutating func putAccount() {
    field("salary_band", missing: 0.6, word: ProfileWords.salaryBands[life.level])
    field("remote", missing: 0.4, flag: random.chance(0.3))
    field("open_to_work", missing: 0.4, flag: !life.isEmployed)
    field("premium", missing: 0.2, flag: random.chance(0.1))
    if open("profile_created_year", missing: 0.05) { putNumber(life.createdYear) }
    field("last_active", missing: 0.1, number: 1_700_000_000 + random.below(60_000_000))
    field("last_updated", missing: 0.1, number: 1_650_000_000 + random.below(100_000_000))
    field("profile_completeness", missing: 0.05, number: 25 * richness.rawValue + random.below(20))
    field("consent", missing: 0.1, flag: true)
  }

  private mutating func field(_ name: StaticString, missing chance: Double, flag: Bool) {
    if open(name, missing: chance) { text.put(flag ? "true" : "false") }
  }
}
