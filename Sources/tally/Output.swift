import Foundation

/// Writes a line to standard output at once, so that it keeps its place among the lines of views.
func say(_ text: String) {
  FileHandle.standardOutput.write(Data((text + "\n").utf8))
}
