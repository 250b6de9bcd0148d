-- Sessions in the store. A session lives until its global scope expires, and each use renews that. Its other keys are in
-- an index, by the time at which they were last renewed, and live twice as long. Uses renew those that are old, some at a
-- time. Where the global scope has expired, the next uses delete the others first. So a session ends as a whole, and no
-- call blocks the store for long.

-- All functions are made once; what follows is of the present call.

local now  -- in microseconds
local session, session_ttl  -- the present session's global scope; how many seconds an unused one lasts, 0: for ever

local INDEX = ':index'  -- the end of the key of a session's index
local RENEWED = 'r'  -- the field of the global scope with the time at which the other keys were last renewed
local RENEWALS = 4  -- in the life of an unused session
local PORTION = 500  -- the most other keys that one call renews or deletes

local MOST_ARGUMENTS = 1000  -- of one command, of which Lua's stack bounds the number

local function text(number) return string.format('%.0f', number) end

local function store_time()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Lets keys end with the present session, from now on. Keys that are not there leave its index.
local function join_session(keys)
  local index, scores = session .. INDEX, {}
  for _, key in ipairs(keys) do
    if session_ttl == 0 or redis.call('EXPIRE', key, 2 * session_ttl) == 1 then
      local place = #scores
      scores[place + 1], scores[place + 2] = text(now), key
    else
      redis.call('ZREM', index, key)
    end
  end
  if scores[1] then redis.call('ZADD', index, unpack(scores)) end
  if scores[1] and session_ttl > 0 then redis.call('EXPIRE', index, 2 * session_ttl) end
end

-- Deletes a portion of the keys in an index. Returns whether it was the last one.
local function delete_portion(index)
  local keys = redis.call('ZRANGE', index, 0, PORTION - 1)
  if keys[1] then
    redis.call('UNLINK', unpack(keys))
    redis.call('ZREM', index, unpack(keys))
  end
  return #keys < PORTION
end

-- Uses the session of a global scope. `renewed` is the present value of RENEWED. Returns whether the call may go on, and
-- the new value where it changes. Otherwise the call does nothing, and is repeated: keys of a session that has ended are
-- left, or some may end before the next use.
local function use_session(global, renewed, ttl)
  session, session_ttl = global, ttl
  local index, period = global .. INDEX, ttl * 1000000 / RENEWALS
  if not renewed then return delete_portion(index), text(now) end
  if ttl == 0 or now - renewed < period then return true, nil end
  local old = redis.call('ZRANGEBYSCORE', index, '-inf', '(' .. text(now - period), 'LIMIT', 0, PORTION)
  join_session(old)
  if #old < PORTION then return true, text(now) end
  return redis.call('ZCOUNT', index, '-inf', text(now - 3 * period)) == 0, nil
end

-- Deletes a portion of what is left of a session whose global scope is not there. KEYS[1] is that. Returns 1 if more may be
-- left.
local function end_session(keys)
  if redis.call('EXISTS', keys[1]) == 1 then return 0 end
  return delete_portion(keys[1] .. INDEX) and 0 or 1
end
