extension ProfileWriter {
  /// What the person does now.
  mutating func putWork() {
    if open("job_title", missing: 0.07, empty: .text) { putTitle() }
    if open("job_level", missing: 0.18, empty: .text) { putLevel() }
    let company = Int(life.jobs.first?.company ?? 0)
    field("company", missing: 0.12, word: ProfileWords.companies[company % 32])
    if open("company_domain", missing: 0.3, empty: .text) {
      text.quote()
      text.put(ProfileWords.domains[company % 8])
      text.put(".example")
      text.quote()
    }
    field("company_size", missing: 0.22, word: ProfileWords.companySizes[life.companySize])
    field("department", missing: 0.4, word: ProfileWords.skills[16 + company % 40])
    if open("industry", missing: 0.1, empty: .text) {
      text.quoted(mistake == .industryUnknown ? "Cryptozoology" : ProfileWords.industries[life.industry])
    }
    field("industry_code", missing: 0.3, number: 1000 + life.industry * 17)
    if open("tenure_months", missing: 0.16) { putTenure() }
  }

  private mutating func putTitle() {
    let isList = mistake == .titleAsList
    if isList { text.put("[") }
    text.quote()
    let start = text.count
    let luck = random.unit()
    if luck < 0.02 {
      text.put(escaped: any(ProfileWords.foreignTitles))
    } else {
      let words = ProfileWords.titleWords[life.level * 4 + random.below(4)]
      text.put(words.before)
      putRole(Int(life.jobs.first?.role ?? 0))
      text.put(words.after)
      if luck > 0.92 {
        text.put(" at ")
        text.put(any(ProfileWords.companies))
      }
      if luck < 0.05 { text.capitalise(from: start) }
    }
    text.quote()
    if isList { text.put("]") }
  }

  mutating func putRole(_ role: Int) {
    let own = ProfileWords.rolesPerIndustry
    text.put(ProfileWords.roles[life.industry * own + role % own])
  }

  private mutating func putLevel() {
    switch mistake {
    case .levelUnknown: text.quoted(any(ProfileWords.foreignLevels))
    case .levelCase:
      let start = text.count
      text.quoted(ProfileWords.levels[life.level])
      if random.chance(0.5) { text.lowercase(from: start) } else { text.capitalise(from: start) }
    default:
      // People call themselves a step higher or lower.
      let luck = random.unit()
      let told = luck < 0.05 ? life.level - 1 : luck < 0.12 ? life.level + 1 : life.level
      text.quoted(ProfileWords.levels[min(max(told, 0), ProfileWords.levels.count - 1)])
    }
  }

  private mutating func putTenure() {
    let luck = random.unit()
    // One in ten has not kept it up to date.
    let stale = luck < 0.1 ? life.tenureMonths * luck * 10 : life.tenureMonths
    let months = Int(min(stale, 700).rounded())
    switch mistake {
    case .negativeTenure: text.put(-1 - random.below(60))
    case .numberAsText where random.chance(0.3), .numberAsWords where random.chance(0.3): putWrong(months)
    default:
      text.put(months)
      if luck > 0.97 { text.put(".5") }
    }
  }

  /// A number as the text that it should not be.
  mutating func putWrong(_ number: Int) {
    if mistake == .numberAsWords { return text.quoted(random.chance(0.5) ? "n/a" : "about ten") }
    text.quote()
    text.put(number)
    text.quote()
  }

  /// A number that can be wrong.
  mutating func putNumber(_ number: Int) {
    switch mistake {
    case .numberAsText where random.chance(0.3), .numberAsWords where random.chance(0.3): putWrong(number)
    default: text.put(number)
    }
  }
}
