import Foundation

/// Writes a line to standard output at once, so that it keeps its place among the lines of views.
func say(_ text: String) { put(text + "\n", STDOUT_FILENO) }

/// Writes a line to standard error.
func complain(_ text: String) { put(text + "\n", STDERR_FILENO) }

/// Writes text; what nobody reads any more (`tally run | head`) is dropped, so that the scorer goes on.
func put(_ text: String, _ descriptor: Int32) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count > 0 {
      rest = rest.dropFirst(count)
    } else if errno != EINTR {
      return
    }
  }
}
