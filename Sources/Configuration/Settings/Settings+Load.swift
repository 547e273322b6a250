import Foundation

extension Settings {
  /// Settings from defaults, file, environment, `--set` and the other flags, in this order; checked as far as can be
  /// without asking a server. Warns of what looks like a mistake. Throws `Failure`.
  package static func load(
    config: String?, set: [String], flags: [(path: String, text: String, flag: String)],
    environment: [String: String] = ProcessInfo.processInfo.environment,
    warn: (String) -> Void
  ) throws -> Settings {
    var settings = Settings()
    try SettingsFile.layer(path: config, environment: environment)?.apply(to: &settings)
    let (variables, unknown) = try SettingsOverrides.layer(environment: environment)
    for name in unknown { warn(SettingsOverrides.warning(unknown: name)) }
    try variables.apply(to: &settings)
    try SettingsOverrides.layer(set: set).apply(to: &settings)
    try SettingsOverrides.layer(flags: flags).apply(to: &settings)
    try settings.resolveSecrets(environment)
    try settings.check()
    for warning in settings.secretWarnings() + settings.pathWarnings() { warn(warning) }
    return settings
  }
}
