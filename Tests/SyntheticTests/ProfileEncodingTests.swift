import Dataflow
import Events
import Foundation
import TestThreads
import Testing

@testable import Synthetic

@Suite(.onThreads) struct ProfileEncodingTests {
  private static let population = ProfilePopulation(ProfileConfiguration(seed: 3))

  private struct Kept: Equatable {
    var key: [UInt8]?
    var value: [UInt8]?
    var expected: DeadLetterReason?
  }

  private static func records(
    _ numbers: Range<Int>, badShare: Double, hasKeys: Bool = true
  ) -> [Kept] {
    var encoder = ProfileEncoder(population, badShare: badShare, hasKeys: hasKeys)
    var all: [Kept] = []
    for number in numbers {
      encoder.encode(number) { all.append(Kept(key: $0.key, value: $0.value, expected: $0.expected)) }
    }
    return all
  }

  @Test func theKeyIsThePid() throws {
    var encoder = ProfileEncoder(Self.population)
    for number in 0..<200 {
      var count = 0
      try encoder.encode(number) { record in
        count += 1
        #expect(record.key == Array("\(Self.population.pid(of: number))".utf8))
        #expect(record.contentType == .json && record.expected == nil && !record.isMisplaced)
        let value = try #require(record.value)
        #expect(try CollectedProfiles.object(value)["pid"] as? Int == Int(Self.population.pid(of: number)))
      }
      #expect(count == 1)
    }
  }

  @Test func badRecordsComeInTheirShareAndLeaveTheOthersAlone() {
    let mixed = Self.records(0..<3000, badShare: 0.25)
    let bad = mixed.filter { $0.expected != nil }
    #expect(mixed.filter { $0.expected == nil } == Self.records(0..<3000, badShare: 0))
    #expect(isExpected(bad.count, of: mixed.count, share: 0.25))
    #expect(Set(bad.compactMap(\.expected)) == Set(ProfileEncoder.badReasons))
    #expect(Self.records(0..<3000, badShare: 0.25) == mixed)
    let parts = Self.records(0..<700, badShare: 0.25) + Self.records(700..<3000, badShare: 0.25)
    #expect(parts == mixed)
  }

  /// A file has lines alone: what only a key or a header can make wrong would be good there.
  @Test func withoutKeysAllBadRecordsAreBadByTheirValues() {
    let bad = Self.records(0..<500, badShare: 0.5, hasKeys: false).compactMap(\.expected)
    #expect(
      Set(bad) == [.emptyRecord, .undecodable, .missingEntityID, .invalidID, .invalidUTF8])
  }

  @Test(arguments: [false, true])
  func badRecordsAreBadInTheirWay(isOther: Bool) throws {
    let pid = Self.population.pid(of: 0)
    let key = Array("\(pid)".utf8)
    let maker = BadProfile(pid: pid, key: key, isOther: isOther)
    #expect(maker.make(.emptyRecord).key == nil && maker.make(.emptyRecord).value == nil)
    #expect(maker.make(.emptyValue).key == key && maker.make(.emptyValue).value == nil)
    #expect(maker.make(.keyMismatch).key != key)
    let invalid = try #require(maker.make(.invalidUTF8).value)
    #expect(String(validating: invalid, as: UTF8.self) == nil)
    let broken = try #require(maker.make(.undecodable).value)
    #expect(throws: (any Error).self) { try CollectedProfiles.object(broken) }
    let nameless = try CollectedProfiles.object(try #require(maker.make(.missingEntityID).value))
    #expect(nameless["pid"] as? Int == nil && nameless["profile_json"] is [String: Any])
    let odd = try CollectedProfiles.object(try #require(maker.make(.invalidID).value))
    let id = try #require(odd["pid"] as? String)
    #expect(id.utf8.count > 256 || id.utf8.contains { $0 < 0x20 })
    for reason in ProfileEncoder.badReasons { #expect(maker.make(reason).expected == reason) }
  }
}
