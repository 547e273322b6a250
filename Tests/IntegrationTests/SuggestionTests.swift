import ArgumentParser
import Testing

@testable import tally

/// What a refusal suggests is not refused, too.
@Suite struct SuggestionTests {
  /// Every command with the words that call it.
  private static let commands: [(words: [String], type: any ParsableCommand.Type)] = {
    func all(_ type: any ParsableCommand.Type, _ words: [String]) -> [([String], any ParsableCommand.Type)] {
      [(words, type)]
        + type.configuration.subcommands.flatMap { all($0, words + [$0._commandName]) }
    }
    return all(Tally.self, [])
  }()

  /// Long flags by what help says, those of the subcommand that is called without its name included.
  private static func flags(of type: any ParsableCommand.Type) -> Set<String> {
    let own = Set(
      type.helpMessage(includeHidden: true).matches(of: /(?:^|[\s,])(--[a-z][a-z-]+)/).map { String($0.1) })
    return type.configuration.defaultSubcommand.map { own.union(flags(of: $0)) } ?? own
  }

  /// Flags of all commands.
  private static let all = commands.reduce(into: Set<String>()) { $0.formUnion(flags(of: $1.type)) }.sorted()

  private static func message(_ words: [String]) -> String? {
    do {
      _ = try Tally.parseAsRoot(words)
      return nil
    } catch { return Tally.fullMessage(for: error) }
  }

  /// Every flag of any command, misspelt, at every command: what is suggested is one of its own.
  @Test(arguments: 0..<commands.count) func flagsThatAreSuggestedAreTheCommands(_ number: Int) {
    let (words, type) = Self.commands[number]
    let own = Self.flags(of: type)
    // Each parse takes a while: of the flags of others some.
    for (index, flag) in Self.all.enumerated() where own.contains(flag) || (index + number) % 4 == 0 {
      let wrong = [String(flag.dropLast()), flag + "x", String(flag.dropFirst())][(index + number) % 3]
      guard let said = Self.message(words + [wrong, "1"]),
        let match = said.firstMatch(of: /Did you mean '([^']+)'/)
      else { continue }
      #expect(own.contains(String(match.1)), "\(words) \(wrong): \(match.1)")
    }
  }

  @Test func commandsAndFlagsAreFound() {
    #expect(Self.commands.count > 20 && Self.all.count > 60)
    #expect(Self.message(["run", "--worker", "1"])?.contains("Did you mean '--workers'") == true)
  }

  /// Flags that a command's own texts name are flags of some command.
  @Test func flagsInMessagesExist() throws {
    var all = Set(Self.all)
    // Of Kafka's and Redis' own tools, whose commands are shown.
    all.formUnion([
      "--bootstrap-server", "--alter", "--entity-type", "--entity-name", "--add-config", "--create", "--scan",
      "--count",
    ])
    for (path, text) in Places.sources(of: "tally") where path != "PrivateRedis.swift" {
      for line in text.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("//") {
        for match in line.matches(of: /(?:^|[\s"(\[])(--[a-z][a-z-]+[a-z])/) {
          #expect(all.contains(String(match.1)), "\(path): \(match.1)")
        }
      }
    }
  }

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
