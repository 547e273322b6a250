/// Attributes that must never be a model's input, recognised by name.
///
/// A name is cut into lower-case words at underscores, digits and changes of case, and compared word by word, so
/// `national_origin`, `nationalOrigin`, `customer_race` and `is_veteran` are found while `trace` and
/// `grace_period` are not. A whole word decides: `race_pace` is refused too; name it otherwise (`running_pace`).
/// Words that are innocent in most names (`disabled`, `citizen`, `faith`, …) count only as the name's whole content
/// beside words such as `is` or `customer`: `is_disabled` is found, `push_disabled` is not.
enum ProhibitedAttribute {
  /// What a name stands for; nil: nothing prohibited.
  static func category(of name: String) -> String? {
    let words = Self.words(of: name)
    let core = words.filter { !fillers.contains($0) }
    for rule in rules {
      for phrase in rule.anywhere where contains(words, phrase) { return rule.category }
      for phrase in rule.whole
      where core == phrase.words || (core.count == 1 && isJoined(core[0], phrase.joined)) {
        return rule.category
      }
    }
    return nil
  }

  /// The error for a prohibited name; nil: it is allowed.
  static func problem(_ name: String, what: String, at position: SourcePosition) -> DeclarationError? {
    guard let category = category(of: name) else { return nil }
    return DeclarationError(
      position, found: "\(what) \"\(name)\", which stands for \(category)",
      allowed: "nothing of the kind: race, religion, national origin, sexual orientation, marital status, "
        + "genetic information, disability, military service and political affiliation are prohibited as model "
        + "inputs")
  }

  /// Lower-case words of an identifier in any style.
  static func words(of name: String) -> [String] {
    var result: [[UInt8]] = []
    var word: [UInt8] = []
    let bytes = Array(name.utf8)
    for (index, byte) in bytes.enumerated() {
      let isUpper = byte >= 0x41 && byte <= 0x5a
      let isLower = byte >= 0x61 && byte <= 0x7a
      let afterLower = index > 0 && bytes[index - 1] >= 0x61 && bytes[index - 1] <= 0x7a
      let beforeLower = index + 1 < bytes.count && bytes[index + 1] >= 0x61 && bytes[index + 1] <= 0x7a
      let cut = isUpper ? afterLower || beforeLower : !isLower
      if cut && !word.isEmpty {
        result.append(word)
        word = []
      }
      if isUpper || isLower { word.append(isUpper ? byte + 0x20 : byte) }
    }
    if !word.isEmpty { result.append(word) }
    return result.map { String(decoding: $0, as: UTF8.self) }
  }

  private struct Rule {
    var category: String
    /// Phrases that decide wherever they stand; also written as one word.
    var anywhere: [Phrase]
    /// Phrases that decide only when fillers stand beside them.
    var whole: [Phrase] = []
  }

  private struct Phrase {
    var words: [String]
    var joined: String
  }

  private static func phrases(_ text: String) -> [Phrase] {
    text.split(separator: ",").map {
      let words = $0.split(separator: " ").map(String.init)
      return Phrase(words: words, joined: words.joined())
    }
  }

  private static func contains(_ words: [String], _ phrase: Phrase) -> Bool {
    if words.contains(where: { isJoined($0, phrase.joined) }) { return true }
    let count = phrase.words.count
    guard words.count >= count else { return false }
    return (0...(words.count - count)).contains { words[$0..<($0 + count)].elementsEqual(phrase.words) }
  }

  /// Whether a word is the phrase written as one, alone or with a filler: `maritalstatus`, `customerrace`.
  private static func isJoined(_ word: String, _ phrase: String) -> Bool {
    guard word.utf8.count > phrase.utf8.count else { return word == phrase }
    if word.hasPrefix(phrase) { return fillers.contains(String(word.dropFirst(phrase.count))) }
    return word.hasSuffix(phrase) && fillers.contains(String(word.dropLast(phrase.count)))
  }

  private static let fillers: Set<String> = [
    "is", "has", "was", "customer", "user", "person", "member", "client", "profile", "self", "reported",
    "declared",
    "status", "code", "flag", "group", "type", "category", "id", "name", "value", "my", "the", "of",
  ]

  private static let rules: [Rule] = [
    Rule(
      category: "race or ethnicity",
      anywhere: phrases("race,races,racial,ethnic,ethnicity,ethnicities,skin color,skin colour")),
    Rule(
      category: "religion or creed", anywhere: phrases("religion,religions,religious,creed"),
      whole: phrases("faith,church,denomination")),
    Rule(
      category: "national origin or citizenship",
      anywhere: phrases(
        "national origin,nationality,nationalities,citizenship,citizenships,country of birth,birth country,"
          + "birthplace,place of birth,country of origin,immigration status"),
      whole: phrases("citizen,immigrant,immigration")),
    Rule(
      category: "sexual orientation",
      anywhere: phrases("sexual orientation,sexual preference,sexuality,lgbt,lgbtq,homosexual,heterosexual"),
      whole: phrases("gay,lesbian,bisexual,queer")),
    Rule(
      category: "marital status",
      anywhere: phrases("marital,married,unmarried,marriage status,civil status"),
      whole: phrases("divorced,widowed,marriage,spouse")),
    Rule(
      category: "genetic information",
      anywhere: phrases("genetic,genetics,genetically,genome,genomic,genomics,genotype,dna")),
    Rule(
      category: "disability",
      anywhere: phrases("disability,disabilities,handicap,handicapped"), whole: phrases("disabled,impaired")),
    Rule(
      category: "military or veteran status",
      anywhere: phrases("veteran,veterans,military,armed forces"), whole: phrases("soldier")),
    Rule(
      category: "political affiliation",
      anywhere: phrases(
        "political,politics,politically,party affiliation,party membership,voter registration,voting preference"
      ),
      whole: phrases("voter,republican,democrat")),
  ]
}
