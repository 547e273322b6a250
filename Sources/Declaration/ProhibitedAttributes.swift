/// Attributes that no pipeline may use: the protected classes of the requirements, section 2.4.3
/// ("Never use as model inputs").
///
/// A name is compared without case, underscores and other signs, so `MaritalStatus` and `marital_status` are one.
/// The check is by name: it stops a mistake, not a person who renames a column.
enum ProhibitedAttributes {
  /// What is prohibited, for errors.
  static let text =
    "no race or ethnicity, religion or creed, national origin or citizenship, sexual orientation, marital "
    + "status, genetic information, disability, military or veteran status, political affiliation"

  /// Refused where they are a whole word of the name.
  private static let words: Set<String> = [
    "race", "races", "racial", "creed", "caste", "citizen", "marital", "married", "dna", "genome", "gay",
    "lesbian",
    "lgbt", "lgbtq",
  ]
  /// Refused wherever they occur in the name's letters.
  private static let stems: [String] = [
    "ethnic", "religio", "nationalorigin", "nationality", "citizenship", "countryofbirth", "birthcountry",
    "sexualorient", "sexualpref", "sexuality", "maritalstatus", "civilstatus", "genetic", "disabilit",
    "military",
    "veteran", "politic", "skincolor", "skincolour",
  ]

  /// Whether the name speaks of a protected class.
  static func contains(_ name: String) -> Bool {
    let words = Self.words(of: name)
    if words.contains(where: { Self.words.contains($0) }) { return true }
    let letters = words.joined()
    if Self.words.contains(letters) { return true }
    return stems.contains { occurs($0, in: letters) }
  }

  /// Lower-case runs of letters; a capital after a small letter begins a new one.
  private static func words(of name: String) -> [String] {
    var words: [String] = []
    var word = ""
    var wasSmall = false
    for scalar in name.unicodeScalars {
      let isCapital = ("A"..."Z").contains(scalar)
      if isCapital && wasSmall || !scalar.properties.isAlphabetic {
        words.append(word)
        word = ""
      }
      if scalar.properties.isAlphabetic { word += scalar.properties.lowercaseMapping }
      wasSmall = ("a"..."z").contains(scalar)
    }
    words.append(word)
    return words.filter { !$0.isEmpty }
  }

  private static func occurs(_ stem: String, in letters: String) -> Bool {
    let text = Array(letters.utf8)
    let part = Array(stem.utf8)
    guard text.count >= part.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0..<($0 + part.count)].elementsEqual(part) }
  }
}
