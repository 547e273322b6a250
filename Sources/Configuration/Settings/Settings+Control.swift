import Dataflow
import Features
import Foundation
package import Ingest

/// Who may send ticks and erasures.
extension Settings {
  /// The keys of `control.key_file`; none without one. Throws `Failure`, which never shows a key.
  package func controlKeys() throws -> [ControlKey] {
    guard let file = controlKeyFile, case .file(let path) = file.source else { return [] }
    func problem(_ what: String) -> Failure {
      Failure(
        "\(file.origin.place): found the key file \(path), \(what); allowed: one key a line, of \(ControlKey.bytesMin) bytes or "
          + "more, in a file that nobody else may read: openssl rand -hex 32 > FILE; chmod 600 FILE",
        reason: .controlKeys)
    }
    // In containers secrets are mounted readable for all.
    let isMounted = ["/run/secrets/", "/var/run/secrets/"].contains { path.hasPrefix($0) }
    let mode = try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
    guard isMounted || (mode?.intValue ?? 0) & 0o077 == 0 else {
      throw problem("which others may read or write")
    }
    let lines = file.revealed.split(whereSeparator: \.isNewline).map {
      $0.trimmingCharacters(in: .whitespaces)
    }.filter { !$0.isEmpty }
    return try lines.enumerated().map { number, line in
      guard let key = ControlKey(Array(line.utf8)) else {
        throw problem("the key number \(number + 1) of which has less than \(ControlKey.bytesMin) bytes")
      }
      return key
    }
  }

  /// What a pipeline's file says of it, with the keys; nil: anybody may. Throws `Failure` unless file and keys fit together: who reads
  /// the log without the keys would take other events for erasures than those who have them.
  package func controlRule(_ pipeline: LoadedPipeline) throws -> ControlRule? {
    let declared = pipeline.declaration.features.control
    let keys = try controlKeys()
    let ids = keys.map(\.id).joined(separator: ", ")
    guard !declared.isEmpty else {
      guard let first = keys.first else { return nil }
      throw Failure(
        "\(origin(of: "control.key_file").place): keys are given (\(ids)), and \(pipeline.file) does not ask for signatures: what "
          + "changes outputs is in the pipeline's file; add to it control: [{key: \(first.id)}], or with since_us: MICROSECONDS "
          + "where the log has older ticks and erasures, and rebuild the states (tally rebuild)",
        reason: .controlKeys)
    }
    return ControlRule(
      try declared.map { declaration in
        guard let key = keys.first(where: { $0.id == declaration.id }) else {
          throw Failure(
            "\(pipeline.file):\(declaration.position.line):\(declaration.position.column): control events are signed by the key "
              + "\(declaration.id); found \(ids.isEmpty ? "no control.key_file" : "the keys \(ids) in control.key_file"); allowed: the file "
              + "with that key", reason: .controlKeys)
        }
        return (since: declaration.since, key: key)
      })
  }
}
