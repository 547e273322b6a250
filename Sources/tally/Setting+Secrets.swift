import Declaration
import Features
import Kafka

extension Setting {
  /// A password: from a file, from a variable, or, in the environment, itself (`alias` is that variable's short name).
  static func secret(
    _ path: String, _ key: SettingKey<GivenSecret?>, alias: String? = nil
  ) -> [Setting] {
    let file = Setting(path: "\(path)_file", group: path) { given, settings in
      settings[keyPath: key] = GivenSecret(.file(try given.value.string()), given.origin)
    } show: {
      if case .file(let name)? = $0[keyPath: key]?.source { .text(name) } else { .nothing }
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
  static func properties(
    _ path: String, _ make: @escaping @Sendable (String) -> GivenSecret.Source
  ) -> Setting {
    Setting(path: path, isMap: true) { given, settings in
      let text = try given.value.string()
      if let objection = KafkaProperties.objection(to: [(given.name, text)]) {
        throw Failure("\(given.origin.place): \(objection)")
      }
      guard text != SettingsText.mask || !KafkaProperties.isSecret(given.name) else {
        throw given.value.wrong(
          allowed: "the secret's file or variable, in properties_file or properties_env")
      }
      settings.kafkaProperties.removeAll { $0.name.utf8.elementsEqual(given.name.utf8) }
      settings.kafkaProperties.append(
        KafkaProperty(name: given.name, value: GivenSecret(make(text), given.origin)))
    } show: { settings in
      let kind = make("")
      return .names(
        settings.kafkaProperties.compactMap { property in
          switch (property.value.source, kind) {
          case (.literal(let text), .literal):
            (property.name, KafkaProperties.isSecret(property.name) ? SettingsText.mask : text)
          case (.file(let text), .file), (.variable(let text), .variable): (property.name, text)
          default: nil
          }
        })
    }
  }
}
