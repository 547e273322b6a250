import Declaration

package typealias SettingKey<Value> = any WritableKeyPath<Settings, Value> & Sendable

/// Settings by kind.
extension Setting {
  /// A text that passes a rule.
  package static func text(
    _ path: String, _ key: SettingKey<String>, _ rule: TextRule, _ meaning: String
  ) -> Setting {
    Setting(path, .text(rule), meaning) { given, settings in
      settings[keyPath: key] = try given.text(rule)
    } show: {
      .text($0[keyPath: key])
    }
  }

  /// A text that need not be.
  package static func optional(
    _ path: String, _ key: SettingKey<String?>, _ rule: TextRule, _ meaning: String
  ) -> Setting {
    Setting(path, .text(rule), meaning) { given, settings in
      settings[keyPath: key] = try given.text(rule)
    } show: {
      $0[keyPath: key].map { .text($0) } ?? .nothing
    }
  }

  /// A path of a file or a folder: the only maker of settings that are paths, so that all have the same rule. `get`
  /// gives nil where something else stands in its place; what `isPath` refuses is a word, which stays as it is.
  package static func path(
    _ path: String, _ meaning: String, allowed: String = "a path",
    isPath: @escaping @Sendable (String) -> Bool = { _ in true },
    set: @escaping @Sendable (String, Origin, inout Settings) -> Void,
    get: @escaping @Sendable (Settings) -> String?
  ) -> Setting {
    Setting(path, .path, meaning) { given, settings in
      let text = try given.value.string()
      guard !text.isEmpty else { throw given.value.wrong(allowed: allowed) }
      let place = isPath(text) ? settings.path(text, path, given) : text
      set(place, given.origin, &settings)
    } show: {
      guard let text = get($0) else { return .nothing }
      return isPath(text) ? .path(text) : .text(text)
    }
  }

  /// A path that is always there.
  package static func path(_ path: String, _ key: SettingKey<String>, _ meaning: String) -> Setting {
    Setting.path(path, meaning) {
      $2[keyPath: key] = $0
    } get: {
      $0[keyPath: key]
    }
  }

  /// A path of a file with a secret.
  package static func secretFile(
    _ path: String, _ key: SettingKey<GivenSecret?>, _ meaning: String
  ) -> Setting {
    Setting.path(path, meaning) {
      $2[keyPath: key] = GivenSecret(.file($0), $1)
    } get: {
      if case .file(let name)? = $0[keyPath: key]?.source { name } else { nil }
    }
  }

  /// One of some words; `offered`: those of them that a refusal names.
  package static func choice(
    _ path: String, _ key: SettingKey<String>, of words: [String], offered: [String]? = nil, _ meaning: String
  ) -> Setting {
    Setting(path, .choice(words), meaning) { given, settings in
      if let offered, (try? given.value.choice(of: words)) == nil {
        throw given.value.wrong(allowed: "one of " + offered.joined(separator: ", "))
      }
      settings[keyPath: key] = try given.value.choice(of: words)
    } show: {
      .text($0[keyPath: key])
    }
  }

  /// One of a type's words.
  package static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ path: String, _ key: SettingKey<Choice>, _ meaning: String
  ) -> Setting {
    let words = Choice.allCases.map(\.rawValue)
    return Setting(path, .choice(words), meaning) { given, settings in
      let word = try given.value.choice(of: words)
      if let choice = Choice(rawValue: word) { settings[keyPath: key] = choice }
    } show: {
      .text($0[keyPath: key].rawValue)
    }
  }

  package static func number(
    _ path: String, _ key: SettingKey<Int>, in range: ClosedRange<Int>, _ meaning: String
  ) -> Setting {
    Setting(path, .number(range), meaning) { given, settings in
      settings[keyPath: key] = try given.value.int(in: range)
    } show: {
      .plain("\($0[keyPath: key])")
    }
  }

  /// A span of time, held in milliseconds; the range, too.
  package static func time(
    _ path: String, _ key: SettingKey<Int>, in range: ClosedRange<Int64>, _ meaning: String
  ) -> Setting {
    let micros = range.lowerBound * 1000...range.upperBound * 1000
    return Setting(path, .time(micros, step: 1000, word: nil), meaning) { given, settings in
      let micros = try given.value.duration(in: micros)
      guard micros % 1000 == 0 else { throw given.value.wrong(allowed: "whole milliseconds") }
      settings[keyPath: key] = Int(micros / 1000)
    } show: {
      .plain(durationText(Int64($0[keyPath: key]) * 1000))
    }
  }

  package static func bytes(
    _ path: String, _ key: SettingKey<Int>, in range: ClosedRange<Int64>, _ meaning: String
  ) -> Setting {
    Setting(path, .bytes(range), meaning) { given, settings in
      settings[keyPath: key] = try given.value.byteCount(in: range)
    } show: {
      .plain(byteCountText($0[keyPath: key]))
    }
  }

  package static func flag(_ path: String, _ key: SettingKey<Bool>, _ meaning: String) -> Setting {
    Setting(path, .truth(onlyTrue: false), meaning) { given, settings in
      settings[keyPath: key] = try given.value.bool()
    } show: {
      .plain($0[keyPath: key] ? "true" : "false")
    }
  }
}

extension GivenValue {
  /// A text that passes a rule. Throws `DeclarationError`.
  func text(_ rule: TextRule) throws -> String {
    let text = try value.string()
    guard rule.takes(text) else { throw value.wrong(allowed: rule.allowed) }
    return text
  }
}
