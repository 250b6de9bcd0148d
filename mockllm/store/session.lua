-- Sessions in the store. A session lives until its global scope expires, and each use renews that. Its other keys are in
-- an index, and live longer: they are renewed together, some times in the life of an unused session. Where the global
-- scope has expired, the next use deletes them first. So a session ends as a whole.

-- All functions are made once; what follows is of the present call.

local now  -- in microseconds
local session, session_ttl  -- the present session's global scope; how many seconds an unused one lasts, 0: for ever

local INDEX = ':keys'  -- the end of the key of a session's index
local RENEWED = 'r'  -- the field of the global scope with the time at which the other keys were last renewed
local RENEWALS = 4  -- in the life of an unused session

local MOST_ARGUMENTS = 1000  -- of one command, of which Lua's stack bounds the number

local function text(number) return string.format('%.0f', number) end

local function store_time()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Uses the session of a global scope. Returns the new value of RENEWED where it changes. `renewed` is the present one.
local function use_session(global, renewed, ttl)
  session, session_ttl = global, ttl
  if renewed and (ttl == 0 or now - renewed < ttl * 1000000 / RENEWALS) then return nil end
  local index = global .. INDEX
  for _, key in ipairs(redis.call('SMEMBERS', index)) do
    if renewed then redis.call('EXPIRE', key, 2 * ttl) else redis.call('UNLINK', key) end
  end
  if renewed then redis.call('EXPIRE', index, 2 * ttl) else redis.call('UNLINK', index) end
  return text(now)
end

-- Lets keys end with the present session.
local function join_session(keys)
  local index = session .. INDEX
  redis.call('SADD', index, unpack(keys))
  if session_ttl == 0 then return end
  for _, key in ipairs(keys) do redis.call('EXPIRE', key, 2 * session_ttl) end
  redis.call('EXPIRE', index, 2 * session_ttl)
end

-- Deletes all of a session. KEYS[1] is its global scope.
local function end_session(keys)
  now = store_time()
  use_session(keys[1], nil, 0)
  redis.call('UNLINK', keys[1])
end
