-- Changes the stored objects and tool calls of a session in one step. KEYS are its global scope, its list of ids, the
-- key under which the result is stored, and those of the changed objects. ARGV[1] is the change as remote_objects.py writes
-- it, the others are the values that are stored. Returns 1; 0, and nothing changes, where another request has changed what
-- this one has read; 2, and nothing changes, where the call is to be repeated (`use_session`).

local VERSION_LENGTH = 16  -- of the beginning of a stored object
local CHANGED = ':changed'  -- the end of the key of the ids in a list whose objects have changed since they were new

-- Lists objects outside of sessions in the order in which they were new.
local function list_shared(names, listed, ttl)
  local changed = names .. CHANGED
  for place, id in ipairs(listed) do
    local score = string.format('%.6f', (now + place) / 1000000)
    if redis.call('ZADD', names, 'NX', score, id) == 0 then
      redis.call('ZADD', changed, score, id)
      redis.call('EXPIRE', changed, ttl)
    end
  end
  if listed[1] then redis.call('EXPIRE', names, ttl) end
end

-- Removes ids from a list whose objects have ended. Twice their time allows for clocks that differ.
local function trim(names, ttl)
  local changed, before = names .. CHANGED, string.format('(%.6f', now / 1000000 - 2 * ttl)
  redis.call('ZREMRANGEBYSCORE', changed, '-inf', before)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', names, '-inf', before, 'LIMIT', 0, MOST_ARGUMENTS)) do
    if not redis.call('ZSCORE', changed, id) then redis.call('ZREM', names, id) end
  end
end

local function write_update(keys, arguments)
  local change = cmsgpack.unpack(arguments[1])
  local ttl, in_session, checks, forgotten, written, listed, repeated_for, trims =
    change[1], change[2], change[3], change[4], change[5], change[6], change[7], change[8]
  local global, names, result = keys[1], keys[2], keys[3]
  now = store_time()
  if repeated_for > 0 then
    local before = redis.call('GET', result)
    if before then return tonumber(before) end
  end
  if in_session then
    local ready, renewed = use_session(global, redis.call('HGET', global, RENEWED), ttl)
    if not ready then return 2 end
    if renewed then redis.call('HSET', global, RENEWED, renewed) end
    if ttl > 0 then redis.call('EXPIRE', global, ttl) end
  end
  local done = 1
  for _, check in ipairs(checks) do
    if redis.call('GETRANGE', keys[check[1]], 0, VERSION_LENGTH - 1) ~= check[2] then done = 0 end
  end
  if done == 1 then
    for _, each in ipairs(forgotten) do
      redis.call('UNLINK', keys[each[1]])
      redis.call('ZREM', names, each[2])
      if in_session then
        redis.call('ZREM', global .. INDEX, keys[each[1]])
      else
        redis.call('ZREM', names .. CHANGED, each[2])
      end
    end
    local joining = {}
    for _, each in ipairs(written) do
      for place = 2, #each do
        local key = keys[each[place]]
        if in_session then
          redis.call('SET', key, arguments[each[1]])
          joining[#joining + 1] = key
        else
          redis.call('SET', key, arguments[each[1]], 'EX', ttl)
        end
      end
    end
    if in_session then
      for place, id in ipairs(listed) do
        redis.call('ZADD', names, 'NX', string.format('%.6f', (now + place) / 1000000), id)
      end
      if listed[1] then joining[#joining + 1] = names end
    else
      list_shared(names, listed, ttl)
    end
    for first = 1, #joining, MOST_ARGUMENTS do
      join_session({unpack(joining, first, math.min(first + MOST_ARGUMENTS - 1, #joining))})
    end
  end
  if trims then trim(names, ttl) end
  if repeated_for > 0 then redis.call('SET', result, done, 'PX', repeated_for) end
  return done
end
