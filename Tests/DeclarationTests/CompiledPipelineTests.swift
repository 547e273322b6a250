import Dataflow
import Declaration
import Events
import Features
import Testing

/// What the compiler finds in a file: its errors must stand where the file has them.
@Suite struct CompiledPipelineTests {
  private func compileError(_ yaml: String) -> DeclarationError? {
    do {
      _ = try FeatureProgram(try loadPipeline(yaml: yaml).features)
      return nil
    } catch {
      return error
    }
  }

  /// Which control events count decides states, and what scores are made of, and means nothing to a model.
  @Test func keysOfControlEventsArePartOfTheDefinition() throws {
    func program(_ control: String) throws -> FeatureProgram {
      try FeatureProgram(loadPipeline(yaml: small + control).features)
    }
    let (one, other) = ("\ncontrol: [{key: 0123456789abcdef}]\n", "\ncontrol: [{key: fedcba9876543210}]\n")
    let later = "\ncontrol: [{key: 0123456789abcdef, since_us: 1767225600000000}]\n"
    let programs = try ["", one, other, later].map(program)
    #expect(Set(programs.map(\.stateHash.hex)).count == 4)
    #expect(Set(programs.map(\.definitionHash.hex)).count == 4)
    #expect(programs.allSatisfy { $0.featureHashes.differences(from: programs[0].featureHashes).isEmpty })
    #expect(try program("\ncontrol: []\n").stateHash == programs[0].stateHash)
  }

  @Test func theFixtureCompiles() throws {
    #expect(compileError(small) == nil)
  }

  @Test(arguments: [
    ("count(login, 30d)", "count(logn, 30d)", 14, 17), ("logins / 30", "logins / visits", 16, 19),
    ("'profile.plan'", "'profile.age + profile.plam'", 17, 29),
    ("logins / 30", "logins\n      / 30 +\n      visits", 18, 7),
    ("logins / 30", ">\n    logins\n    / visits", 18, 7),
    ("logins / 30", "mean(session.note, 30d)", 16, 15), ("  login:", "  any:", 9, 3),
    ("plan_code: 'p", "where: 'p", 17, 11),
  ])
  func compilersErrorsStandInTheFile(_ place: String, _ replacement: String, _ line: Int, _ column: Int)
    throws
  {
    let error = try #require(compileError(broken(place, replacement)))
    #expect(error.position == SourcePosition(line: line, column: column), "\(error)")
  }

  @Test(arguments: [
    "race", "ethnicity", "religion", "creed", "national_origin", "citizenship", "sexual_orientation",
    "marital_status",
    "maritalStatus", "genetic_risk", "disability", "military_status", "is_veteran", "political_affiliation",
  ])
  func protectedClassesAreRefusedWhereTheyStand(_ name: String) throws {
    let places: [(String, String, SourcePosition)] = [
      ("  vip: flag", "  \(name): flag", SourcePosition(line: 7, column: 3)),
      ("    note: text", "    \(name): text", SourcePosition(line: 12, column: 5)),
      ("  plan_code: 'profile.plan'", "  \(name): 1", SourcePosition(line: 17, column: 5 + name.count)),
    ]
    for (place, replacement, position) in places {
      let error = try #require(compileError(broken(place, replacement)))
      #expect(error.position == position, "\(error)")
      #expect(error.allowed.contains("prohibited"))
    }
  }
}
