import Events

/// What to offer for an unknown name: the nearest of the known names, else (or besides) the list.
func offer(_ name: String, of kind: String, among known: [String]) -> String {
  if known.isEmpty { return "nothing: no \(kind) is declared" }
  let near = known.map { (editDistance($0, name), $0) }.filter { $0.0 <= max(1, name.count / 3) }
    .sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(3).map { $0.1 }
  let list = known.count <= 24 ? known : Array(known.prefix(24)) + ["…"]
  let all = "\(kind): \(list.joined(separator: ", "))"
  return near.isEmpty ? all : "\(near.joined(separator: ", ")) perhaps; \(all)"
}

/// Insertions, deletions, replacements and swaps of neighbours that make one name of the other, letter case aside
/// (optimal string alignment).
func editDistance(_ left: String, _ right: String) -> Int {
  let a = Array(left.lowercased().utf8)
  let b = Array(right.lowercased().utf8)
  var before = Array(repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
      row.append(best)
    }
    before = last
    last = row
  }
  return last[b.count]
}
