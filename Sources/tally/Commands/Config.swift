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

      Examples:
        tally config
        tally config --origin --config tally.yaml
        TALLY_WORKER_THREADS=4 tally config --set kafka.session_timeout=20s --origin
        tally config --check && tally run
      """)

  @OptionGroup var connection: ConnectionOptions
  @Flag(help: "Say where each value comes from: default, file and line, environment variable or flag.")
  var origin = false
  @Flag(help: "Check only, the pipeline file, too; print nothing but errors and warnings.") var check = false

  func run() throws {
    try reporting {
      let settings = try connection.settings()
      if check {
        _ = try LoadedPipeline(file: settings.pipeline)
      } else {
        say(SettingsText(settings).yaml(origins: origin))
      }
    }
  }
}
