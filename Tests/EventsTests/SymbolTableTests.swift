import Testing

@testable import Events

@Suite struct SymbolTableTests {
  private func lookup(_ table: SymbolTable, _ name: String) -> Int32 {
    var copy = name
    return copy.withUTF8 { table.lookup(UnsafeRawBufferPointer($0)) }
  }

  @Test("numbers are given once, in order, through several growths")
  func numbers() {
    let table = SymbolTable()
    for index in 0..<1000 { #expect(table.intern("name-\(index)") == Int32(index)) }
    for index in 0..<1000 {
      #expect(table.intern("name-\(index)") == Int32(index))
      #expect(lookup(table, "name-\(index)") == Int32(index))
      #expect(table.names[index] == "name-\(index)")
    }
    #expect(lookup(table, "name-1000") == SymbolTable.unknown)
    #expect(table.names.count == 1000)
  }

  @Test("names are their UTF-8 bytes, not their characters")
  func bytes() {
    let table = SymbolTable()
    let composed = table.intern("caf\u{e9}")
    #expect(lookup(table, "cafe\u{301}") == SymbolTable.unknown)
    #expect(table.intern("cafe\u{301}") != composed)
    #expect(lookup(table, "caf\u{e9}") == composed)
  }

  @Test("the empty name and prefixes are names of their own")
  func edges() {
    let table = SymbolTable()
    #expect(lookup(table, "") == SymbolTable.unknown)
    #expect(table.intern("") == 0)
    #expect(table.intern("a") == 1)
    #expect(table.intern("aa") == 2)
    #expect(lookup(table, "") == 0)
    #expect(lookup(table, "aaa") == SymbolTable.unknown)
  }
}
