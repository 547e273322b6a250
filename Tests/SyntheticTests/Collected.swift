import Events
import Synthetic

/// A history's events with what their JSON says, for tests that count.
struct Collected {
  let configuration: SyntheticConfiguration
  var events: [SyntheticEvent] = []

  init(_ configuration: SyntheticConfiguration) {
    self.configuration = configuration
    for event in SyntheticLog(configuration) { events.append(event) }
  }
}

/// All bytes of a history in JSON, a line an event.
func lines(_ configuration: SyntheticConfiguration) -> [UInt8] {
  var bytes: [UInt8] = []
  for event in SyntheticLog(configuration) {
    event.appendJSON(to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
  }
  return bytes
}

/// All rows of a history's labels.
func labelRows(_ configuration: SyntheticConfiguration) -> [UInt8] {
  var bytes: [UInt8] = []
  for label in SyntheticLabels(configuration) { label.appendCSV(to: &bytes) }
  return bytes
}

/// A short form of bytes for golden values.
func fingerprint(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { Hash128(of: $0).hex } }
