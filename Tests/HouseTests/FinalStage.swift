/// The last stage of a Dockerfile, which becomes the image, as far as its text tells.
struct FinalStage {
  /// What the stage begins from, with tag or digest.
  private(set) var base = ""
  /// Names of the packages that it installs.
  private(set) var packages: [String] = []
  /// What it copies, from an earlier stage or from the project.
  private(set) var copied: [String] = []
  /// Other commands that it runs.
  private(set) var others: [String] = []

  /// Reads the text of a Dockerfile.
  init(_ dockerfile: String) {
    let joined = dockerfile.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n")
      .replacing("\\\n", with: " ")
    for line in joined.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      switch words.first?.uppercased() {
      case "FROM":
        self = FinalStage(base: words.dropFirst().first { !$0.hasPrefix("--") } ?? "")
      case "COPY", "ADD":
        copied += words.dropFirst().dropLast().filter { !$0.hasPrefix("--") }
      case "RUN":
        for command in line.dropFirst("RUN".count).replacing("&&", with: ";").split(separator: ";") {
          read(command.split(separator: " ").map(String.init))
        }
      default: break
      }
    }
  }

  private init(base: String) { self.base = base }

  private mutating func read(_ command: [String]) {
    if let place = command.firstIndex(of: "install"), command[..<place].contains("apt-get") {
      packages += command[(place + 1)...].filter { !$0.hasPrefix("-") }
    } else {
      others.append(command.joined(separator: " "))
    }
  }

  /// What the program is made with, and whatever fetches more of it.
  private static let tools: Set<String> = [
    "build-essential", "gcc", "g++", "clang", "llvm", "lld", "make", "cmake", "binutils", "pkg-config",
    "dpkg-dev", "git",
    "python3", "swift", "swiftlang",
  ]

  /// What has no place in the image; empty: nothing.
  var objections: [String] {
    var found: [String] = []
    let isBare = base.hasPrefix("debian:") && base.contains("-slim")
    if !isBare { found.append("it begins from \(base), not from a bare Debian") }
    for package in packages {
      let name = String(package.prefix { $0 != "=" && $0 != ":" })
      let stem = String(name.reversed().drop { $0.isNumber || $0 == "." || $0 == "-" }.reversed())
      if name.hasSuffix("-dev") || Self.tools.contains(name) || Self.tools.contains(stem) {
        found.append("it installs \(package)")
      }
    }
    let expected: Set<String> = ["/out/tally", "pipelines", "deploy/tally.yaml"]
    for path in copied where !expected.contains(path) { found.append("it copies \(path)") }
    for command in others where !["apt-get update", "rm -rf /var/lib/apt/lists/*"].contains(command) {
      if !command.hasPrefix("useradd ") { found.append("it runs \(command)") }
    }
    return found
  }
}
