import ArgumentParser
import Configuration

/// `tally config`: the settings in force.
struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the settings in force, as YAML, and checks them.",
    discussion: """
      Every command with these options would have the same settings. What is printed can be used as a configuration file;
      secrets are masked. Everything that can be checked without a server is: settings, secrets' files and variables,
      librdkafka's properties with their certificates, connection strings. Nothing is sent over the network.

      Any setting can be given by the file, the environment (TALLY_SECTION_KEY) and --set SECTION.KEY=VALUE; later ones win.
      Paths in a file are relative to that file, all others to this folder; they are printed from the root.
      Properties of librdkafka: kafka.properties.NAME, in the environment TALLY_KAFKA_PROPERTIES_NAME with _ for each dot.

      --reference prints what can be set instead of what is: type, range, default, variables, flags and meaning of every
      setting.

      Examples:
        tally config
        tally config --origin --config tally.yaml
        TALLY_WORKER_THREADS=4 tally config --set kafka.session_timeout=20s --origin
        tally config --workers 4 --http 9464 --origin
        tally config --check && tally run
        tally config --reference                              # every setting: range, default, meaning
        tally config --reference --schema > tally.schema.json  # for editors
      """)

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var options: RunOptions
  @Flag(help: "Say where each value comes from: default, file and line, environment variable or flag.")
  var origin = false
  @Flag(help: "Check only, the pipeline file, too; print nothing but errors and warnings.") var check = false
  @Flag(help: "Print every setting with its range, default and meaning; no settings are read.")
  var reference = false
  @Flag(help: "With --reference: as JSON.") var json = false
  @Flag(help: "With --reference: a JSON schema (draft 2020-12) of the configuration file, for editors.")
  var schema = false

  func validate() throws {
    guard reference || !(json || schema) else {
      throw ValidationError("--json and --schema go with --reference")
    }
    guard !(json && schema) else { throw ValidationError("give --json or --schema, not both") }
    guard !reference || !(origin || check) else {
      throw ValidationError("--reference goes with neither --origin nor --check")
    }
  }

  func run() throws {
    if reference {
      return say(
        json ? SettingsReference.json : schema ? SettingsSchema.text : SettingsReference.text)
    }
    try reporting {
      let settings = try connection.settings(options.given)
      if check {
        _ = try LoadedPipeline(file: settings.pipeline)
      } else {
        say(SettingsText(settings).yaml(origins: origin))
      }
    }
  }
}
