/// A card before it is Markdown or HTML. All texts are plain: what writes them escapes them.
struct Document {
  /// A part of it.
  enum Block {
    case heading(String)
    case subheading(String)
    case paragraph(String)
    case list([String])
    case warning(String)
    case table(Table)
    /// Plots that stand beside each other where there is room.
    case figures([Figure])
  }

  struct Table {
    /// Titles of the columns; the first one's cells are texts, those of the others numbers.
    var columns: [String]
    var rows: [[String]]
    /// Columns whose cells are texts.
    var texts: Set<Int> = [0]
  }

  struct Figure {
    /// What it shows and how it is read.
    var caption: String
    /// SVG, complete.
    var svg: String
    /// Its numbers, for Markdown.
    var table: Table?
  }

  var title: String
  var subtitle: String
  var blocks: [Block] = []

  /// Markdown, with tables in place of plots.
  var markdown: String {
    var text = "# \(MarkdownText.escape(title))\n\n\(MarkdownText.escape(subtitle))\n"
    for block in blocks {
      switch block {
      case .heading(let heading): text += "\n## \(MarkdownText.escape(heading))\n"
      case .subheading(let heading): text += "\n### \(MarkdownText.escape(heading))\n"
      case .paragraph(let paragraph): text += "\n\(MarkdownText.escape(paragraph))\n"
      case .list(let items): text += "\n" + items.map { "* \(MarkdownText.escape($0))\n" }.joined()
      case .warning(let warning): text += "\n> **Warning:** \(MarkdownText.escape(warning))\n"
      case .table(let table): text += "\n" + Self.markdown(table)
      case .figures(let figures):
        for figure in figures {
          guard let table = figure.table else { continue }
          text += "\n\(MarkdownText.escape(figure.caption))\n\n" + Self.markdown(table)
        }
      }
    }
    return text
  }

  private static func markdown(_ table: Table) -> String {
    func row(_ cells: [String]) -> String {
      "| " + cells.map(MarkdownText.escape).joined(separator: " | ") + " |\n"
    }
    let rule = table.columns.indices.map { table.texts.contains($0) ? "---" : "---:" }
    return row(table.columns) + "| " + rule.joined(separator: " | ") + " |\n" + table.rows.map(row).joined()
  }

  /// One page of HTML that needs nothing else: no scripts, no links, light or dark as the reader's system is.
  var html: String {
    var body = "<h1>\(HTMLText.escape(title))</h1>\n<p class=\"sub\">\(HTMLText.escape(subtitle))</p>\n"
    for block in blocks {
      switch block {
      case .heading(let heading): body += "<h2>\(HTMLText.escape(heading))</h2>\n"
      case .subheading(let heading): body += "<h3>\(HTMLText.escape(heading))</h3>\n"
      case .paragraph(let paragraph): body += "<p>\(HTMLText.escape(paragraph))</p>\n"
      case .list(let items):
        body += "<ul>" + items.map { "<li>\(HTMLText.escape($0))</li>" }.joined() + "</ul>\n"
      case .warning(let warning):
        body += "<p class=\"warn\"><strong>Warning:</strong> \(HTMLText.escape(warning))</p>\n"
      case .table(let table): body += Self.html(table)
      case .figures(let figures):
        body += "<div class=\"figs\">\n"
        for figure in figures {
          body +=
            "<figure>\(figure.svg)<figcaption>\(HTMLText.escape(figure.caption))</figcaption></figure>\n"
        }
        body += "</div>\n"
      }
    }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(HTMLText.escape(title))</title>
      <style>
      \(CardStyle.css)
      </style>
      </head>
      <body>
      <main>
      \(body)</main>
      </body>
      </html>

      """
  }

  private static func html(_ table: Table) -> String {
    func cells(_ row: [String], _ tag: String) -> String {
      row.enumerated().map { index, cell in
        let isText = table.texts.contains(index)
        // Short texts stay on a line; long ones may be broken anywhere.
        let style = isText ? cell.count <= 28 ? " class=\"k\"" : "" : " class=\"n\""
        return "<\(tag)\(style)>\(HTMLText.escape(cell))</\(tag)>"
      }.joined()
    }
    let rows = table.rows.map { "<tr>\(cells($0, "td"))</tr>\n" }.joined()
    return
      "<div class=\"wide\"><table>\n<thead><tr>\(cells(table.columns, "th"))</tr></thead>\n<tbody>\n\(rows)</tbody></table></div>\n"
  }
}
