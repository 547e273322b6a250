import Operations
import ArgumentParser
import Configuration
import Dataflow
import Events
import Features
import Envelope
import Foundation
import Ingest
import Tables

extension DeadLetters {
  /// `tally dead-letters show`.
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows one letter with its contents, and what the decoder says of it today.",
      discussion: """
        Examples:
          tally dead-letters show 3/1042
          tally dead-letters show 3/1042 --raw > value.bin
        """)

    @Argument(help: "PARTITION/OFFSET, as the list prints it.") var address: String
    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "Write the value's bytes as they came, and nothing else.") var raw = false

    func run() throws {
      try reporting {
        let settings = try connection.settings()
        let pipeline = try LoadedPipeline(file: settings.pipeline)
        let place = try LetterAddress(address)
        guard var letter = try settings.deadLetterTable(pipeline).letter(at: place) else {
          throw Failure(
            "there is no dead letter at \(place.text) of \(settings.topic), or no longer: \(DeadLetters.whyGone)",
            reason: .notFound
          )
        }
        // Its value is where the record is.
        if letter.isCut || letter.reason == DeadLetterReason.wrongPartition.rawValue,
          let logged = try LoggedRecords(access: Deployment(settings, pipeline)).read([place])[place]
        {
          (letter.key, letter.value) = (logged.key, logged.value)
        }
        if raw {
          FileHandle.standardOutput.write(Data(letter.value ?? []))
          return
        }
        say("address    \(settings.topic) \(letter.address.text)")
        say("reason     \(letter.reason)\(letter.detail.isEmpty ? "" : ": \(letter.detail)")")
        say("ingested   \(letter.ingestTime.map(Moment.format) ?? "-")")
        say("written    \(Moment.format(letter.recordedAt))")
        say(
          "replayed   \(letter.replayedAt.map { "\(Moment.format($0)), \(letter.replays) times" } ?? "-")"
        )
        say("today      \(try Self.judgement(letter, settings, pipeline))")
        say("key        \(letter.key.map(Self.text) ?? "none")")
        let whole = letter.isCut ? " of \(letter.valueBytes ?? 0); the log no longer has the rest" : ""
        say("value      \(letter.value.map { "\($0.count) bytes\(whole)" } ?? "none\(whole)")")
        if let value = letter.value { say(Self.text(value)) }
      }
    }

    /// What becomes of it if it is replayed now, as far as the record itself can tell.
    private static func judgement(
      _ letter: StoredLetter, _ settings: Settings, _ pipeline: LoadedPipeline
    ) throws -> String {
      // A replay goes where the key belongs.
      let decoder = try settings.makeDecoder(pipeline, homes: .onePartition)
      let reason = withBytes(letter.key) { key in
        withBytes(letter.value) { value in
          decoder.decode(
            RawRecord(
              partition: 0, offset: letter.address.offset,
              ingestTimeMs: SystemClock().wallMicros() / 1000, key: key, value: value,
              contentType: .unspecified),
            into: EventBatch(symbols: pipeline.program.symbols))
        }
      }
      guard let reason else {
        return "the decoder would take it: tally dead-letters replay \(letter.address.text)"
      }
      let detail = decoder.refusedDetail
      return "a replay would end as \(reason.rawValue)" + (detail.isEmpty ? "" : ": \(detail)")
    }

    private static func withBytes<R>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) -> R) -> R {
      guard let bytes else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
      return (bytes.isEmpty ? [0] : bytes).withUnsafeBytes {
        body(UnsafeRawBufferPointer(rebasing: $0[..<bytes.count]))
      }
    }

    /// JSON indented, other text as it is, a protobuf event field by field, both also within Confluent's framing, anything else in
    /// hexadecimal.
    private static func text(_ bytes: [UInt8]) -> String {
      let framed = bytes.withUnsafeBytes { value -> (schema: UInt32, message: [UInt8])? in
        guard case .message(let message) = ConfluentFrame(value),
          let schema = ConfluentFrame.schemaID(of: value)
        else { return nil }
        return (schema, Array(message))
      }
      guard let framed else { return plain(bytes) }
      let text = plain(framed.message)
      return text == hexDump(framed.message)
        ? hexDump(bytes) : "in Confluent's framing, schema \(framed.schema)\n" + text
    }

    private static func plain(_ bytes: [UInt8]) -> String {
      let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      if bytes.first == UInt8(ascii: "{"), let object = try? JSONSerialization.jsonObject(with: Data(bytes)),
        let pretty = try? JSONSerialization.data(withJSONObject: object, options: options),
        let text = String(validating: pretty, as: UTF8.self), isHarmless(text)
      {
        return text
      }
      if let text = String(validating: bytes, as: UTF8.self), isHarmless(text) { return text }
      if let event = ReadEnvelope(bytes) {
        return (["tally.Event, in protobuf"] + event.lines).joined(separator: "\n")
      }
      return hexDump(bytes)
    }

    /// Whether a terminal only shows it: without control characters, also those of ISO 8859 (U+009B begins commands).
    private static func isHarmless(_ text: String) -> Bool {
      text.unicodeScalars.allSatisfy {
        $0.properties.generalCategory != .control || $0 == "\n" || $0 == "\t"
      }
    }

    private static func hexDump(_ bytes: [UInt8]) -> String {
      stride(from: 0, to: bytes.count, by: 16).map { start in
        let line = bytes[start..<min(start + 16, bytes.count)]
        let hex = line.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
        let text = String(line.map { $0 >= 0x20 && $0 < 0x7f ? Character(UnicodeScalar($0)) : "." })
        let address = String(start, radix: 16)
        return String(repeating: "0", count: max(0, 6 - address.count)) + address + "  " + hex.padded(49)
          + text
      }.joined(separator: "\n")
    }
  }
}
