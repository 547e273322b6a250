import TestPlaces
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
    let sources = ["tally", "Configuration", "Operations"].flatMap { Places.sources(of: $0) }
    for (path, text) in sources where path != "Demo/PrivateRedis.swift" {
      for line in text.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("//") {
        for match in line.matches(of: /(?:^|[\s"(\[])(--[a-z][a-z-]+[a-z])/) {
          #expect(all.contains(String(match.1)), "\(path): \(match.1)")
        }
      }
    }
  }
}
