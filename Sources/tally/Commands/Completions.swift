import ArgumentParser

/// `tally completions`: a script that completes commands and options in a shell.
struct Completions: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints a shell's completion script.",
    discussion: """
      It completes commands, flags, words that flags take, settings after --set, and files. A new shell has it.

      Examples:
        tally completions bash > ~/.local/share/bash-completion/completions/tally    # needs the package bash-completion
        source <(tally completions bash)                                            # this shell only
        tally completions zsh > ~/.zfunc/_tally          # with fpath+=~/.zfunc before compinit
        tally completions fish > ~/.config/fish/completions/tally.fish
      """)

  /// Shells that there are scripts for.
  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash
    case zsh
    case fish
  }

  @Argument(help: "bash, zsh or fish.") var shell: Shell

  func run() throws {
    let kind: CompletionShell =
      switch shell {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    say(Tally.completionScript(for: kind))
  }
}
