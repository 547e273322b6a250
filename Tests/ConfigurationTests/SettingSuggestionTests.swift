import Testing

@testable import Configuration

/// What a refusal suggests is not refused, too.
@Suite struct SettingSuggestionTests {
  /// A suggested path, ready to be given.
  private func accepts(_ path: Substring) throws -> (flag: String?, file: String?) {
    let path = String(path.replacing(".NAME", with: ""))
    guard
      let sample = SettingSample.all.first(where: {
        $0.path == path || ($0.setting?.isMap == true && $0.setting?.path == path)
      })
    else { return ("no sample of \(path)", nil) }
    return (
      try refusal(environment: sample.company, set: ["\(sample.path)=\(sample.good)"]),
      try refusal(file: sample.file(SettingsText.quoted(sample.good)), environment: sample.company)
    )
  }

  @Test func settingsThatAreSuggestedAreTaken() throws {
    var suggestions = 0
    for setting in Setting.all {
      let key = setting.key
      let others = Setting.sections.filter { $0 != setting.section } + [""]
      var wrong = [setting.path + "x", String(setting.path.dropLast()), key]
      wrong += others.map { $0.isEmpty ? key : "\($0).\(key)" }
      wrong.append(setting.path.replacing("_", with: ""))
      for path in wrong where Setting.find(path: path) == nil {
        for text in [path, path + ".client.rack"] {
          let said = try refusal(set: ["\(text)=1"]) ?? ""
          guard let match = said.firstMatch(of: /is it ([a-z_.A-Z]+)\?/) else { continue }
          suggestions += 1
          #expect(try accepts(match.1).flag == nil, "\(text): \(said)")
        }
        let parts = path.split(separator: ".", maxSplits: 1)
        let said =
          try refusal(file: parts.count == 1 ? "\(path): 1\n" : "\(parts[0]): {\(parts[1]): 1}\n") ?? ""
        guard let match = said.firstMatch(of: /is it ([a-z_.]+)\?/) else { continue }
        suggestions += 1
        #expect(try accepts(match.1).file == nil, "\(path): \(said)")
      }
      for variable in [setting.variable + "X", String(setting.variable.dropLast())]
      where Setting.find(variable: variable) == nil {
        let said = SettingsOverrides.warning(unknown: variable)
        guard let match = said.firstMatch(of: /is it ([A-Z_]+)\?/) else { continue }
        suggestions += 1
        #expect(match.1 == "TALLY_CONFIG" || Setting.find(variable: String(match.1)) != nil, "\(said)")
      }
    }
    #expect(suggestions > 150, "\(suggestions)")
  }

  /// Words, examples and ends of ranges that a refused value is told of.
  @Test(arguments: SettingSample.all)
  func valuesThatAreSuggestedAreTaken(_ sample: SettingSample) throws {
    for bad in sample.bad {
      guard let said = try refusal(set: ["\(sample.path)=\(bad)"]),
        let allowed = said.firstRange(of: "allowed: ")
      else { continue }
      let text = said[allowed.upperBound...]
      var offered: [Substring] = []
      if let match = text.firstMatch(of: /(?:such as|^one of) ([^;]+)/) {
        offered += match.1.split(separator: ", ")
      }
      if let match = text.firstMatch(of: /from (\S+) to (\S+)/) { offered += [match.1, match.2] }
      if let match = text.firstMatch(of: /of at (?:least|most) (\S+)/) { offered.append(match.1) }
      for value in offered {
        let again = try refusal(environment: sample.company, set: ["\(sample.path)=\(value)"])
        #expect(again == nil, "\(said)")
      }
    }
  }
}
