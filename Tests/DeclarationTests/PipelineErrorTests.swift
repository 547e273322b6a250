import Dataflow
import Declaration
import Features
import Testing

/// A mistake, and where it must be reported with which words.
struct Mistake: Sendable, CustomTestStringConvertible {
  let place: String
  let replacement: String
  let line: Int
  let column: Int
  let found: String
  let allowed: String

  init(_ place: String, _ replacement: String, _ line: Int, _ column: Int, _ found: String, _ allowed: String)
  {
    self.place = place
    self.replacement = replacement
    self.line = line
    self.column = column
    self.found = found
    self.allowed = allowed
  }

  var testDescription: String { replacement.isEmpty ? "without \(place)" : replacement }
}

@Suite struct PipelineErrorTests {
  private static let keysAndTypes: [Mistake] = [
    Mistake(
      "idle_ttl", "idle_tll", 2, 1, "the key \"idle_tll\"",
      "pipeline, input, state, idle_ttl, state_max, future_bound, control, profile"),
    Mistake("pipeline: small", "idle: 1d", 1, 1, "the key \"idle\"", "pipeline"),
    Mistake("pipeline: small\n", "", 1, 1, "the file without the key pipeline", "pipeline"),
    Mistake("pipeline: small", "pipeline: Small", 1, 11, "\"Small\"", "small letters"),
    Mistake("400d", "400", 2, 11, "\"400\"", "7d"),
    Mistake("400d", "1s", 2, 11, "\"1s\"", "from 1h to 40000d"),
    Mistake("10m", "-1m", 3, 15, "\"-1m\"", "at most 366d"),
    Mistake("vip: flag", "vip: boolean", 7, 8, "\"boolean\"", "number, category, text, flag"),
    Mistake("vip: flag", "vip: category", 7, 8, "\"category\"", "vocabulary"),
    Mistake("vip: flag", "vip: {type: flag, min: 1}", 7, 21, "the key \"min\"", "type"),
    Mistake("vip: flag", "vip: {typ: flag}", 7, 8, "without the key type", "type"),
    Mistake("vip: flag", "vip: [flag]", 7, 8, "a list", "one of number"),
    Mistake("vip: flag", "9ip: flag", 7, 3, "the name \"9ip\"", "letters"),
    Mistake("vip: flag", "vip: {type: number, decimals: 2}", 7, 23, "the key \"decimals\"", "type, min, max"),
    Mistake("min: 13, max: 120", "min: 13, max: 12", 5, 37, "\"12\"", "min below max"),
    Mistake("min: 13, max: 120", "min: nan", 5, 28, "\"nan\"", "a number"),
    Mistake("decimals: 3", "round: true", 11, 55, "\"true\"", "round beside decimals"),
    Mistake("decimals: 3", "decimals: 3, round: up", 11, 68, "\"up\"", "true or false"),
    Mistake("vip: flag", "vip: {type: number, round: true}", 7, 23, "the key \"round\"", "type, min, max"),
    Mistake("decimals: 3", "decimals: 10", 11, 58, "\"10\"", "from 0 to 9"),
    Mistake("max: 1440, decimals: 3", "max: 1e12, decimals: 9", 11, 42, "\"1e12\"", "a number from"),
    Mistake("[free, premium]", "[]", 6, 38, "an empty list", "at least one word"),
    Mistake("[free, premium]", "[free, free]", 6, 45, "\"free\" twice", "each word once"),
    Mistake("[free, premium]", "free", 6, 38, "\"free\"", "a list"),
  ]
  private static let namesAndExpressions: [Mistake] = [
    Mistake("logins: count(login, 30d)", "logins:", 14, 10, "nothing", "an expression"),
    Mistake("daily: logins / 30", "daily: \"\"", 16, 10, "nothing", "an expression"),
    Mistake("daily: logins / 30", "daily: [1]", 16, 10, "a list", "an expression"),
    Mistake("daily: logins / 30", "LOGINS: 1", 16, 3, "intermediate \"logins\"", "differ"),
    Mistake("value: \"bucket", "expr: \"bucket", 19, 5, "the key \"expr\"", "value, labels"),
    Mistake("[low, high]", "[low, [high]]", 20, 19, "a list", "a text"),
    Mistake("  first: {", "  daily: {", 22, 3, "feature \"daily\"", "differ"),
    Mistake("name: act", "name: level", 27, 21, "decision \"level\"", "differ"),
    Mistake("name: act", "name: second", 27, 21, "output \"second\"", "differ"),
    Mistake("name: act", "name: Offset", 27, 21, "\"Offset\"", "other than as_of, definition"),
    Mistake("  second: {", "  topic: {", 23, 3, "\"topic\"", "a column name other than"),
    Mistake("first.json", "../first.json", 22, 17, "\"../first.json\"", "inside the models folder"),
    Mistake("first.json", "first.bin", 22, 17, "\"first.bin\"", ".json or .ubj"),
    Mistake("\"binary:logistic\"", "\"binary:logit\"", 22, 50, "\"binary:logit\"", "binary:logistic"),
    Mistake("file: second.ubj", "label: y", 23, 11, "models.second without the key file", "file"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "label: y, objective: \"multi:softprob\"", 22, 50,
      "softprob", "binary:logistic"),
    Mistake("file: second.ubj", "file: second.ubj, trees: first", 23, 37, "\"first\"", "one of best, all"),
    Mistake("file: second.ubj", "file: second.ubj, accept_version: 1", 23, 46, "\"1\"", "true or false"),
  ]
  private static let training: [Mistake] = [
    Mistake(
      "file: second.ubj", "file: second.ubj, training: {trees: 5}", 23, 40,
      "training of a model without a label",
      "models that have a label"),
    Mistake("label: y,", "label: y, training: {tree: 5},", 22, 50, "the key \"tree\"", "trees, depth, eta"),
    Mistake("label: y,", "label: y, training: {trees: 0},", 22, 57, "\"0\"", "from 1 to 100000"),
    Mistake("label: y,", "label: y, training: {eta: 2},", 22, 55, "\"2\"", "from 1e-06 to 1.0"),
    Mistake("label: y,", "label: y, training: {subsample: 0},", 22, 61, "\"0\"", "to 1.0"),
    Mistake(
      "label: y,", "label: y, training: {monotone: {daily: up}},", 22, 68, "\"up\"", "increasing, decreasing"),
    Mistake(
      "label: y,", "label: y, training: {interactions: [[]]},", 22, 65, "a list", "features that may meet"),
    Mistake(
      "label: y,", "label: y, training: {class_weights: {1: 2}},", 22, 65, "without the key 0", "given once"),
    Mistake("label: y,", "label: y, training: {class_weights: {0: 0, 1: 2}},", 22, 69, "\"0\"", "from 1e-09"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "label: y, training: {class_weights: {0: 1, 1: 2}}", 22, 65,
      "learns reg:squarederror", "binary:logistic"),
  ]
  private static let decisions: [Mistake] = [
    Mistake("- clamp", "- clip", 25, 5, "the key \"clip\"", "clamp, category, trigger"),
    Mistake("clamp: {output: first", "clamp: {output: frist", 25, 21, "\"frist\"", "first, second"),
    Mistake("min: 0, max: 1}", "min: 1, max: 1}", 25, 41, "\"1\"", "above min"),
    Mistake(", min: 0, max: 1}", "}", 25, 12, "without the key min", "min, given once"),
    Mistake("medium: 0.4", "medium: 0.7", 26, 76, "\"0.7\"", "descend"),
    Mistake("medium: 0.4", "medium: some", 26, 76, "\"some\"", "a number"),
    Mistake("otherwise: low", "otherwise: high", 26, 93, "\"high\"", "not among"),
    Mistake(", otherwise: low", "", 26, 15, "without the key otherwise", "otherwise"),
    Mistake("{high: 0.7, medium: 0.4}", "{}", 26, 56, "a section", "1 to 64"),
    Mistake("above: 0.7", "below: 0.7", 27, 42, "the key \"below\"", "name, output, above"),
    Mistake("above: 0.7", "above: 1e99", 27, 49, "\"1e99\"", "fits 32 bits"),
    Mistake(
      "output: second, above: 0.7}", "when: second > 1, above: 1}", 27, 44, "the key \"above\"", "name, when"),
    Mistake(
      "trigger: {name: act, output: second, above: 0.7}", "number: {name: act}", 27, 13,
      "without the key value", "value"),
    Mistake(
      "trigger: {name: act, output: second, above: 0.7}",
      "number: {name: act, value: \"1\", source: {name: second, labels: [a]}}", 27, 52,
      "output \"second\"", "differ"),
    Mistake(
      "trigger: {name: act, output: second, above: 0.7}",
      "number: {name: act, value: \"1\", source: {name: from, labels: []}}", 27, 66, "a list", "one label"),
    Mistake(
      "file: second.ubj", "file: second.ubj, optional: maybe", 23, 40, "\"maybe\"", "true or false"),
    Mistake("table:", "labels: {z: \"1\"}\ntable:", 28, 10, "the label \"z\"", "label: z"),
    Mistake("age: {type: number", "age: {type: list", 5, 21, "the key \"min\"", "type, of, wrong"),
    Mistake("vip: flag", "vip: list", 7, 8, "\"list\"", "{type: list, of: text}"),
    Mistake(
      "vip: flag", "vip: {type: list, of: {type: list, of: text}}", 7, 25, "a list of lists", "other types"),
    Mistake("vip: flag", "vip: {type: flag, wrong: no}", 7, 28, "\"no\"", "letter, missing, clamp"),
    Mistake("pipeline: small", "pipeline: small\nstate: some", 2, 8, "\"some\"", "kept, none"),
    Mistake(
      "pipeline: small", "pipeline: small\nstate: none", 9, 1, "events with state: none", "neither events"),
    Mistake("[daily, hour]", "[daily, logins]", 29, 21, "under let", "daily, plan_code, hour"),
    Mistake("[daily, hour]", "[dayly]", 29, 14, "\"dayly\"", "daily, plan_code, hour"),
    Mistake("[daily, hour]", "[daily, daily]", 29, 21, "\"daily\" twice", "once"),
  ]
  private static let views: [Mistake] = [
    Mistake("best: select", "best: update", 31, 9, "\"update * from", "begins with SELECT or WITH"),
    Mistake(
      "best: select * from", "best: select 1; drop table", 31, 9, "a semicolon inside", "one statement"),
    Mistake("best: select", "Scores: select", 31, 3, "the name \"Scores\"", "tables and indices"),
    Mistake("best: select", "dead_letters_pkey: select", 31, 3, "the name \"dead_letters_pkey\"", "tables"),
    Mistake("best: select", "tally_best: select", 31, 3, "the name \"tally_best\"", "tally_, pg_, sqlite_"),
    Mistake("best: select", "TWICE: select", 32, 3, "the view \"twice\" twice", "the letters' case"),
    Mistake("best: select", "be-st: select", 31, 3, "the name \"be-st\"", "letters, digits and _"),
    Mistake("postgres: |", "mysql: |", 33, 5, "the key \"mysql\"", "postgres, sqlite"),
    Mistake("order_by: first, ", "", 36, 8, "without the key order_by", "order_by"),
    Mistake("order_by: first, ", "order_by: act, ", 36, 19, "\"act\"", "an output: first, second"),
    Mistake("show: [second, act]", "show: [third]", 36, 33, "\"third\"", "first, second, level, act"),
    Mistake("show: [second, act]", "show: [first]", 36, 33, "\"first\"", "none that is order_by"),
    Mistake(
      "order_by: first,", "title: \"\\e[31mx\", order_by: first,", 36, 16, "control characters", "1 to 80"),
    Mistake(
      "order_by: first,", "title: \"\\u202Ex\", order_by: first,", 36, 16, "control characters", "1 to 80"),
    Mistake("order_by: first,", "title: '', order_by: first,", 36, 16, "0 characters", "1 to 80"),
    Mistake("show: [second, act]", "limit: 3", 36, 26, "the key \"limit\"", "title, order_by, show"),
  ]
  private static let syntax: [Mistake] = [
    Mistake("vip: flag", "age: flag", 7, 3, "the key \"age\" twice", "each key once"),
    Mistake("name: act", "name: act, name: b", 27, 15, "the key \"name\" twice", "each key once"),
    Mistake("  hour:", "   hour:", 18, 4, "broken YAML", "valid YAML"),
    Mistake("[daily, hour]", "[daily, hour", 30, 6, "while parsing a flow sequence from 29:13", "valid YAML"),
    Mistake("daily: logins / 30", "daily: a: b", 16, 11, "broken YAML: mapping values", "valid YAML"),
    Mistake(
      "daily: logins / 30", "daily: \"a", 19, 13, "while parsing a block mapping from 16:3", "valid YAML"),
    Mistake("daily: logins / 30", "daily: *x", 16, 10, "undefined alias", "valid YAML"),
    Mistake("daily: logins / 30", "daily: \u{7}", 16, 10, "broken YAML: control", "valid YAML"),
    Mistake("  daily: logins / 30", "\tdaily: 1", 16, 1, "broken YAML", "valid YAML"),
    Mistake("pipeline: small", "--- 1\n---", 2, 1, "broken YAML", "valid YAML"),
  ]

  @Test(arguments: keysAndTypes + namesAndExpressions + training + decisions + views + syntax)
  func isReportedWhereItStands(_ mistake: Mistake) throws {
    let error = try #require(loadError(broken(mistake.place, mistake.replacement)))
    #expect(error.position == SourcePosition(line: mistake.line, column: mistake.column), "\(error)")
    #expect(error.found.contains(mistake.found), "\(error)")
    #expect(error.allowed.contains(mistake.allowed), "\(error)")
  }

  @Test("a model's training names features, and such as have an order") func features() throws {
    func error(_ training: String) throws -> DeclarationError? {
      let pipeline = try loadPipeline(yaml: broken("label: y,", "label: y, training: {\(training)},"))
      let columns = try FeatureProgram(pipeline.features).columns
      do {
        try checkTraining(of: pipeline.models, columns)
        return nil
      } catch { return error }
    }
    #expect(
      try error("monotone: {daily: increasing, hour: decreasing}, interactions: [[plan_code, hour], [daily]]")
        == nil)
    let unknown = try #require(try error("monotone: {dayly: increasing}"))
    #expect(unknown.position == SourcePosition(line: 22, column: 61), "\(unknown)")
    #expect(
      unknown.found.contains("\"dayly\", which is no feature")
        && unknown.allowed.contains("daily, plan_code, hour"))
    let unmet = try #require(try error("interactions: [[daily, logins]]"))
    #expect(unmet.found.contains("\"logins\", which is no feature"), "\(unmet)")
    let unordered = try #require(try error("monotone: {plan_code: decreasing}"))
    #expect(unordered.found.contains("plan_code, a category, whose codes have no order"), "\(unordered)")
  }

  @Test(arguments: ["", "# nothing", "- a", "text", "[", "a: &x [*x]", String(repeating: "[", count: 5000)])
  func brokenFilesAreErrors(_ yaml: String) throws {
    #expect(loadError(yaml) != nil)
  }

  @Test func hugeFilesAndAliasBombsAreErrors() throws {
    #expect(
      loadError(String(repeating: "#", count: YAMLLimits.fileBytesMax + 1))?.found.contains("bytes") == true)
    var bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for level in 1..<9 {
      bomb +=
        "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
        + "]\n"
    }
    #expect(loadError(bomb)?.found.contains("100000 values") == true)
  }
}
