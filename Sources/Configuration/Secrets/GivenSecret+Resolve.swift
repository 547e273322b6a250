import Dataflow
import Foundation

extension GivenSecret {
  /// The secret with its value. Throws `Failure` naming the file or variable that does not have it.
  package func resolved(_ environment: [String: String]) throws -> GivenSecret {
    switch source {
    case .literal: return self
    case .variable(let name):
      guard let text = environment[name], !text.isEmpty else {
        throw Failure(
          "\(origin.place): found the environment variable \(shown(name)), which is "
            + "\(environment[name] == nil ? "not set" : "empty"); allowed: the name of one that holds the secret",
          reason: .badSetting
        )
      }
      return with(text)
    case .file(let path): return with(try Self.read(path, origin))
    }
  }

  private static func read(_ path: String, _ origin: Origin) throws -> String {
    func problem(_ what: String) -> Failure {
      Failure(
        "\(origin.place): found the secret file \(path), which \(what); allowed: a file with the secret",
        reason: .badSetting)
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw problem(FileManager.default.fileExists(atPath: path) ? "cannot be read" : "is not there")
    }
    guard data.count <= bytesMax else { throw problem("has more than \(bytesMax) bytes") }
    guard let text = String(data: data, encoding: .utf8) else { throw problem("is not UTF-8") }
    let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !secret.isEmpty else { throw problem("is empty") }
    return secret
  }

  /// Largest secret file, bytes: a chain of certificates has its place.
  private static let bytesMax = 1 << 20

  /// What should be said of how the secret is kept; nil: nothing.
  package func warning(_ path: String) -> String? {
    switch source {
    case .literal:
      return origin.isInPlain
        ? "\(origin.place): \(path) stands in plain; better from a file or the environment" : nil
    case .variable: return nil
    case .file(let file):
      // In containers secrets are mounted readable for all.
      let isMounted = ["/run/secrets/", "/var/run/secrets/"].contains { file.hasPrefix($0) }
      let mode = try? FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
      guard let mode, mode.intValue & 0o004 != 0, !isMounted else { return nil }
      return "\(origin.place): everybody on this machine may read the secret file \(file); better: chmod 600"
    }
  }
}

/// A name for an error, unless it can be something else given by mistake, such as a password.
package func shown(_ name: String) -> String {
  name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_.-]{0,59}/) != nil ? name : "(not a name)"
}
