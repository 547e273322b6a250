/// The scripts that write. The first: compare-and-set of a partition's record together with states.
///
/// KEYS: the record, then the states. ARGV: the record that must be there (empty: none), the record to put
/// there, the states' expiry in milliseconds (0: none), then the states (empty: the state is removed). Returns 1: written; 2: the new
/// record is already there, so an earlier try has succeeded; 0: another record is there, and nothing was
/// written. The record never expires. `unpack` holds to about 7,990 values, so that many states take several MSETs; what may
/// be refused (DEL) comes first, as nothing is undone.
enum RedisScript {
  static let source = """
    local current = redis.call('GET', KEYS[1]) or ''
    if current ~= ARGV[1] then
      if current == ARGV[2] then return 2 end
      return 0
    end
    for i = 2, #KEYS do
      if ARGV[i + 2] == '' then redis.call('DEL', KEYS[i]) end
    end
    if ARGV[3] == '0' then
      local pairs = {KEYS[1], ARGV[2]}
      local n = 2
      for i = 2, #KEYS do
        local state = ARGV[i + 2]
        if state ~= '' then
          pairs[n + 1] = KEYS[i]
          pairs[n + 2] = state
          n = n + 2
        end
        if n >= 7000 then
          redis.call('MSET', unpack(pairs))
          pairs = {}
          n = 0
        end
      end
      if n > 0 then redis.call('MSET', unpack(pairs)) end
    else
      for i = 2, #KEYS do
        local state = ARGV[i + 2]
        if state ~= '' then
          redis.call('SET', KEYS[i], state, 'PX', ARGV[3])
        end
      end
      redis.call('SET', KEYS[1], ARGV[2])
    end
    return 1
    """

  /// Removes states while the record is what it should be. KEYS: the record, then the states. ARGV: the record that
  /// must be there. Returns 1: removed; 0: another record is there, and nothing was removed.
  static let clear = """
    if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
    for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
    return 1
    """
}
