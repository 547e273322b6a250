import ArgumentParser
import Configuration
import Glibc
import Logging

/// The `tally` program: a streaming scorer.
@main
struct Tally: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tally",
    abstract: "Scores events as they stream: Kafka in, features in Redis, XGBoost, a topic and a table out.",
    discussion: """
      First look:       tally demo
      A real pipeline:  tally check pipelines/engagement.yaml
                        tally train --config tally.yaml
                        tally run --config tally.yaml

      Settings come from defaults, then the configuration file (--config, or tally.yaml in this folder), then the
      environment (TALLY_SECTION_KEY), then --set SECTION.KEY=VALUE, then other flags; the last one wins. tally config
      shows them.
      Exit codes: 0 done, 1 failed (the error says what to do next), 64 wrong usage.
      """,
    version: TallyVersion.current,
    subcommands: [
      Demo.self, Run.self, Check.self, Train.self, Models.self, Generate.self, FeaturesOf.self, Status.self,
      Skip.self,
      Replay.self, Runs.self, Verify.self, DeadLetters.self, Rebuild.self, Copy.self, Tick.self, Erase.self,
      DevBroker.self,
      Completions.self, Config.self, Explain.self, ForestCommand.self, Simulate.self, ReadBatch.self,
      ReferenceCommand.self,
    ])

  /// What the program writes (tables, event files, states of a demo) is its user's alone, unless a file says otherwise.
  static func main() {
    umask(0o077)
    LoggingSystem.bootstrap { TerminalLog(label: $0) }
    main(nil)
  }
}
