import Dataflow
import Declaration
import Features
import Kafka

extension Setting {
  /// A password: from a file, from a variable, or, in the environment, itself (`alias` is that variable's short name).
  package static func secret(
    _ path: String, _ key: SettingKey<GivenSecret?>, alias: String? = nil
  ) -> [Setting] {
    let file = Setting(path: "\(path)_file", group: path) { given, settings in
      let file = settings.path(try given.value.string(), "\(path)_file", given)
      settings[keyPath: key] = GivenSecret(.file(file), given.origin)
    } show: {
      if case .file(let name)? = $0[keyPath: key]?.source {
        .text(SettingsPath.absolute(name))
      } else {
        .nothing
      }
    }
    let variable = Setting(path: "\(path)_env", group: path) { given, settings in
      settings[keyPath: key] = GivenSecret(.variable(try given.value.string()), given.origin)
    } show: {
      if case .variable(let name)? = $0[keyPath: key]?.source { .text(name) } else { .nothing }
    }
    let own = Setting(path: path, alias: alias, group: path, isSecret: true) { given, settings in
      settings[keyPath: key] = GivenSecret(.literal(try given.value.string()), given.origin)
    } show: {
      if case .literal? = $0[keyPath: key]?.source { .secret } else { .nothing }
    }
    return [file, variable, own]
  }

  /// Properties of librdkafka: their values, or where these are.
  package static func properties(
    _ path: String, _ make: @escaping @Sendable (String) -> GivenSecret.Source
  ) -> Setting {
    Setting(path: path, isMap: true) { given, settings in
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
        switch make(text) {
        case .file(let file): .file(settings.path(file, place, given))
        case .literal(let value):
          .literal(KafkaProperties.value(value, of: given.name) { settings.path($0, place, given) })
        case .variable: make(text)
        }
      settings.kafkaProperties.append(
        KafkaProperty(name: given.name, value: GivenSecret(source, given.origin)))
    } show: { settings in
      let kind = make("")
      return .names(
        settings.kafkaProperties.compactMap { property in
          switch (property.value.source, kind) {
          case (.literal(let text), .literal):
            (
              property.name,
              KafkaProperties.isSecret(property.name)
                ? SettingsText.mask
                : KafkaProperties.value(text, of: property.name, path: SettingsPath.absolute)
            )
          case (.file(let text), .file): (property.name, SettingsPath.absolute(text))
          case (.variable(let text), .variable): (property.name, text)
          default: nil
          }
        })
    }
  }
}
