import Events

/// Writes what a person states: the life with its gaps and mistakes, among some thirty fields that say little.
struct ProfileWriter {
  private let form: ProfileForm
  var life: ProfileLife
  var random = SeededRandom(seed: 0, stream: 0)
  var text = ProfileText()
  var mistake = ProfileMistake.none
  var richness = ProfileRichness.ordinary

  init(_ configuration: ProfileConfiguration) {
    form = configuration.form
    life = ProfileLife(asOfYear: configuration.asOfYear)
  }

  /// Appends the record of the person that `random` makes, without a line break.
  mutating func append(pid: Int64, from random: SeededRandom, to bytes: inout [UInt8]) {
    self.random = random
    life.draw(&self.random)
    richness = ProfileRichness.draw(&self.random)
    mistake = ProfileMistake.draw(&self.random)
    text.clear()
    text.key("pid", after: UInt8(ascii: "{"))
    text.put(Int(pid))
    putKnownAge()
    text.key("profile_json")
    if form == .text {
      text.quote()
      text.isInside = true
    }
    let start = text.count
    putProfile()
    if form == .text {
      if mistake == .brokenText { text.cut(to: start + (text.count - start) * 2 / 3) }
      text.isInside = false
      text.quote()
    }
    text.put("}")
    text.append(to: &bytes)
  }

  /// Three of eight have a known age: half of those a year of birth, a quarter an age, a quarter both.
  private mutating func putKnownAge() {
    let kind = random.unit() / 0.375
    let hasYear = kind < 0.75
    let hasAge = kind >= 0.5 && kind < 1
    text.key("birth_year")
    if hasYear {
      let wrong = mistake == .birthYearAhead ? life.asOfYear + 1 + random.below(60) : life.birthYear
      text.put(wrong)
    } else {
      text.put("null")
    }
    text.key("approximate_age")
    guard hasAge else { return text.put("null") }
    // Some are told by people who count otherwise, or were told last year.
    let off = random.below(10)
    text.put(life.asOfYear - life.birthYear + (off == 0 ? -1 : off == 1 ? 1 : 0))
  }

  private mutating func putProfile() {
    if richness == .nearlyEmpty && random.chance(0.02) { return text.put("{}") }
    text.key("source_system", after: UInt8(ascii: "{"))
    text.quoted(ProfileWords.sourceSystems[random.below(4)])
    putPerson()
    putWork()
    putHistory()
    putReach()
    putPlace()
    putAccount()
    text.put("}")
  }

  /// Opens a field; false: it is missing, in one of the ways in which fields are.
  ///
  /// `chance`: how often it is missing in ordinary profiles; `empty`: what stands there when it was left empty.
  @inline(__always)
  mutating func open(_ name: StaticString, missing chance: Double, empty: ProfileEmptiness = .null) -> Bool {
    let luck = random.unit()
    let missing = richness.missing(chance)
    if luck >= missing {
      text.key(name)
      return true
    }
    if luck >= missing * 0.5 {
      text.key(name)
      putEmpty(luck < missing * 0.95 ? .null : empty)
    }
    return false
  }

  private mutating func putEmpty(_ empty: ProfileEmptiness) {
    switch empty {
    case .null: text.put("null")
    case .text: text.quoted("")
    case .list: text.put("[]")
    }
  }

  /// A field whose value is one of `words`.
  @inline(__always)
  mutating func field(_ name: StaticString, missing chance: Double, word: StaticString) {
    if open(name, missing: chance, empty: .text) { text.quoted(word) }
  }

  /// A field whose value is a whole number.
  @inline(__always)
  mutating func field(_ name: StaticString, missing chance: Double, number: Int) {
    if open(name, missing: chance) { text.put(number) }
  }

  /// One of `words`, each as likely.
  @inline(__always)
  mutating func any(_ words: [StaticString]) -> StaticString { words[random.below(words.count)] }
}

/// What stands in a field that was left empty.
enum ProfileEmptiness {
  case null, text, list
}
