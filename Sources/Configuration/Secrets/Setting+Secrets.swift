import Dataflow
import Declaration
import Features
import Kafka

extension Setting {
  /// A password: from a file, from a variable, or, in the environment, itself (`alias` is that variable's short
  /// name). `whose` says in the meanings what it opens.
  package static func password(
    _ path: String, _ key: SettingKey<GivenSecret?>, alias: String? = nil, of whose: String,
    examples: (file: String, variable: String)
  ) -> [Setting] {
    let file = secretFile(
      "\(path)_file", key, "File with the password of \(whose); white space around it is dropped."
    ).group(path).example(examples.file)
    let variable = Setting(
      "\(path)_env", .variable, "Name of an environment variable with the password of \(whose)."
    ) { given, settings in
      settings[keyPath: key] = GivenSecret(.variable(try given.value.string()), given.origin)
    } show: {
      if case .variable(let name)? = $0[keyPath: key]?.source { .text(name) } else { .nothing }
    }.group(path).example(examples.variable)
    var own = Setting(
      path, .secret, "The password of \(whose) itself: only the environment may give it."
    ) { given, settings in
      settings[keyPath: key] = GivenSecret(.literal(try given.value.string()), given.origin)
    } show: {
      if case .literal? = $0[keyPath: key]?.source { .secret } else { .nothing }
    }.group(path)
    own.alias = alias
    return [file, variable, own]
  }

  /// Properties of librdkafka: their values, or where these are.
  package static func properties(
    _ path: String, _ kind: SettingKind.NamedValue, _ meaning: String
  ) -> Setting {
    Setting(path, .names(of: kind), meaning) { given, settings in
      let text = try given.value.string()
      if let objection = KafkaProperties.objection(to: [(given.name, text)]) {
        throw Failure("\(given.origin.place): \(objection)", reason: .badSetting)
      }
      guard text != SettingsText.mask || !KafkaProperties.isSecret(given.name) else {
        throw given.value.wrong(
          allowed: "the secret's file or variable, in properties_file or properties_env")
      }
      settings.kafkaProperties.removeAll { $0.name.utf8.elementsEqual(given.name.utf8) }
      let place = "\(path).\(given.name)"
      let source: GivenSecret.Source =
        switch kind {
        case .path: .file(settings.path(text, place, given))
        case .value: .literal(KafkaProperties.value(text, of: given.name) { settings.path($0, place, given) })
        case .variable: .variable(text)
        }
      settings.kafkaProperties.append(
        KafkaProperty(name: given.name, value: GivenSecret(source, given.origin)))
    } show: { settings in
      .names(
        settings.kafkaProperties.compactMap { property in
          switch (property.value.source, kind) {
          case (.literal(let text), .value):
            (
              property.name,
              KafkaProperties.isSecret(property.name)
                ? SettingsText.mask
                : KafkaProperties.value(text, of: property.name, path: SettingsPath.absolute)
            )
          case (.file(let text), .path): (property.name, SettingsPath.absolute(text))
          case (.variable(let text), .variable): (property.name, text)
          default: nil
          }
        })
    }
  }
}
