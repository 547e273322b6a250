/// The one script that writes: compare-and-set of a partition's record together with states.
///
/// KEYS: the record, then the states. ARGV: the record that must be there (empty: none), the record to put
/// there, the states' expiry in milliseconds (0: none), then the states. Returns 1: written; 2: the new
/// record is already there, so an earlier try has succeeded; 0: another record is there, and nothing was
/// written. The record never expires.
enum RedisScript {
  static let source = """
    local current = redis.call('GET', KEYS[1]) or ''
    if current ~= ARGV[1] then
      if current == ARGV[2] then return 2 end
      return 0
    end
    if ARGV[3] == '0' then
      local pairs = {KEYS[1], ARGV[2]}
      for i = 2, #KEYS do
        pairs[2 * i - 1] = KEYS[i]
        pairs[2 * i] = ARGV[i + 2]
      end
      redis.call('MSET', unpack(pairs))
    else
      for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[i + 2], 'PX', ARGV[3]) end
      redis.call('SET', KEYS[1], ARGV[2])
    end
    return 1
    """
}
