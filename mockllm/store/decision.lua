-- Decides some requests of one session in their order and counts them, in one step: the decision of
-- mockllm.state.decide and .admission, on the counts of all processes. KEYS are the scopes of the session,
-- first the global one, then the key under which the results are stored. ARGV[1] are the requests as script_arguments.py
-- writes them; script_result.py reads what is returned.
--
-- It reads first and writes last. A draw that a request does not bring is requested, and nothing of that request is
-- written then; nor where its session is not ready (`use_session`). session.lua, which stands before it in the library, has
-- `session`, `now`, `text`, `join_session`, `use_session` and `MOST_ARGUMENTS`.

-- Of the present call:

local tokens, output_tokens, slot, term, scopes, missing

-- Of the present request: the factor on the times of its scenario. Times of the store do not have it, durations in
-- candidates and in results do.

local scale

-- Returns the scenario's microseconds since a time of the store.
local function since(at) return math.floor((now - at) / scale + 0.5) end

-- fields of the scopes: their present values, and which are to be written

local function want(scope, field)
  if scope.wants[field] then return end
  scope.wants[field] = true
  scope.wanted[#scope.wanted + 1] = field
end

local function fetch(scope)
  local wanted, values = scope.wanted, scope.values
  for first = 1, #wanted, MOST_ARGUMENTS do
    local last = math.min(first + MOST_ARGUMENTS - 1, #wanted)
    local read = redis.call('HMGET', scope.key, unpack(wanted, first, last))
    for index = first, last do values[wanted[index]] = read[index - first + 1] end
  end
end

local function get(scope, field)
  local value = scope.values[field]
  if value == nil then
    value = redis.call('HGET', scope.key, field)
    scope.values[field] = value
  end
  return value
end

local function number(scope, field) return tonumber(get(scope, field) or 0) end

-- An empty value removes the field.
local function put(scope, field, value)
  scope.values[field] = value
  scope.changed[field] = true
end

-- Returns the sum of the replies.
local function call_with(command, key, arguments)
  local sum = 0
  for first = 1, #arguments, MOST_ARGUMENTS do
    sum = sum + redis.call(command, key, unpack(arguments, first, math.min(first + MOST_ARGUMENTS - 1, #arguments)))
  end
  return sum
end

-- Lets a key of a scope end with it.
local function keep(scope, key)
  if session then
    join_session({key})
  elseif scope.ttl > 0 then
    redis.call('EXPIRE', key, scope.ttl)
  end
end

local function write(scope)
  local set, removed, length = {}, {}, 0
  for field in pairs(scope.changed) do
    local value = scope.values[field]
    if value == '' then
      removed[#removed + 1] = field
    else
      set[length + 1], set[length + 2] = field, value
      length = length + 2
    end
  end
  local added = call_with('HSET', scope.key, set)
  call_with('HDEL', scope.key, removed)
  if session and scope ~= scopes[1] then
    if added > 0 then join_session({scope.key}) end  -- it may be new
  elseif scope.ttl > 0 then
    redis.call('EXPIRE', scope.key, scope.ttl)
  end
end

-- meters: mockllm.core.limits.meters

-- Amounts above 2^53 are not exact: without the rounding the result might have a fraction.
local function ceiling(amount, divisor)
  if amount <= 0 then return 0 end
  local rest = amount % divisor
  return math.floor((amount - rest) / divisor + 0.5) + (rest > 0 and 1 or 0)
end

local Fixed, Sliding, Bucket = {}, {}, {}

function Fixed.open(m) return m.ends and since(m.ends) < 0 end
function Fixed.load(m)
  local ends = get(m.scope, m.field .. 'e')
  m.ends = ends and tonumber(ends)
  m.used = number(m.scope, m.field .. 'u')
end
function Fixed.wait(m, amount)
  if amount > m.limit then return nil end
  if not Fixed.open(m) or m.used + amount <= m.limit then return 0 end
  return -since(m.ends)
end
function Fixed.delay(m) return 0 end
function Fixed.charge(m, amount)
  if not Fixed.open(m) then m.ends, m.used = now + m.window * scale, 0 end
  m.used = m.used + amount
  put(m.scope, m.field .. 'e', text(m.ends))
  put(m.scope, m.field .. 'u', text(m.used))
end
function Fixed.bound_status(m)
  if not Fixed.open(m) then return {0, 0} end
  return {m.used, -since(m.ends)}
end

local function entry(packed)
  local colon = string.find(packed, ':', 1, true)
  return tonumber(string.sub(packed, 1, colon - 1)), tonumber(string.sub(packed, colon + 1))
end
function Sliding.load(m)
  m.log = m.scope.key .. ':' .. m.field
  if not get(m.scope, m.field .. 'u') then redis.call('UNLINK', m.log) end  -- of a scope that has ended
  m.used = number(m.scope, m.field .. 'u')
  local before = m.used
  while true do  -- entries that no longer count
    local head = redis.call('LINDEX', m.log, 0)
    if not head then  -- the whole log may have expired
      m.used = 0
      break
    end
    local at, amount = entry(head)
    if since(at) < m.window then break end
    redis.call('LPOP', m.log)
    m.used = m.used - amount
  end
  if m.used ~= before then put(m.scope, m.field .. 'u', text(m.used)) end
end
function Sliding.wait(m, amount)
  if amount > m.limit then return nil end
  local over, wait, from = m.used + amount - m.limit, 0, 0
  while over > 0 do
    local some = redis.call('LRANGE', m.log, from, from + 63)
    if #some == 0 then break end
    for _, packed in ipairs(some) do
      if over <= 0 then break end
      local when, used = entry(packed)
      over = over - used
      wait = m.window - since(when)
    end
    from = from + 64
  end
  return wait
end
function Sliding.delay(m) return 0 end
function Sliding.charge(m, amount)
  if amount == 0 then return end
  m.used = m.used + amount
  local entries = redis.call('LLEN', m.log)
  if entries >= m.most then
    local at, last = entry(redis.call('LINDEX', m.log, -1))
    local cell = m.cell * scale
    if math.floor(at / cell) == math.floor(now / cell) then
      redis.call('RPOP', m.log)
      amount = amount + last
    end
  end
  redis.call('RPUSH', m.log, text(now) .. ':' .. text(amount))
  if entries == 0 then keep(m.scope, m.log) end
  local life = math.ceil(m.window * scale / 1000) + 1000
  if session and session_ttl > 0 then life = math.min(life, 2000 * session_ttl) end  -- as in `join_session`
  redis.call('PEXPIRE', m.log, life)
  put(m.scope, m.field .. 'u', text(m.used))
end
function Sliding.bound_status(m)
  local last = redis.call('LINDEX', m.log, -1)
  local reset = 0
  if last then
    local at = entry(last)
    reset = m.window - since(at)
  end
  return {m.used, reset}
end

function Bucket.load(m)
  m.level = number(m.scope, m.field .. 'l')
  m.at = number(m.scope, m.field .. 'a')
end
local function level(m) return math.max(0, m.level - m.limit * math.max(0, since(m.at))) end
function Bucket.wait(m, amount)
  if amount > m.size then return nil end
  return ceiling(level(m) + (amount - m.size) * m.window, m.limit)
end
function Bucket.delay(m) return m.leaky and ceiling(level(m), m.limit) or 0 end
function Bucket.charge(m, amount)
  m.level = level(m) + amount * m.window
  m.at = math.max(now, m.at)
  put(m.scope, m.field .. 'l', text(m.level))
  put(m.scope, m.field .. 'a', text(m.at))
end
function Bucket.bound_status(m)
  local present = level(m)
  return {ceiling(present, m.window), ceiling(present, m.limit)}
end

local KINDS = {Fixed, Sliding, Bucket, Bucket}

local function meter(scope, field, settings)
  if not settings then return nil end
  local kind = KINDS[settings[1]]
  local made = {
    kind = kind, scope = scope, field = field, limit = settings[2], window = settings[3], size = settings[4],
    cell = settings[5], most = settings[6], leaky = settings[1] == 4,
  }
  kind.load(made)
  return made
end

-- limits: mockllm.core.limits.rate_limiter. The results are {code, wait, delay}.

-- Of each meter, in the order in which they are checked: NEVER where it never passes, NEVER + 1 where it waits.

local PASSES, BY_STRATEGY, TOO_MANY_IN_FLIGHT, NEVER = 0, 1, 2, {3, 5, 7, 9}

local function take_slot(scope, field, before)
  local key = scope.key .. ':' .. field
  redis.call('ZADD', key, text(now + term), slot)
  if before == 0 or not session then keep(scope, key) end
end

local function slots_in_use(scope, field)
  local key = scope.key .. ':' .. field
  redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
  return redis.call('ZCARD', key)
end

local function rate_limiter(candidate, scope, draw)
  local limit, field = candidate[6], candidate[1] .. '\0'
  local made = {scope = scope, field = field, strategy = limit[1], concurrent = limit[2], requests = limit[3], draw = draw}
  if made.strategy == 'after-n' then made.used = number(scope, field .. 'n') end
  made.meters = {
    meter(scope, field .. 'T', limit[4]) or false, meter(scope, field .. 'I', limit[6]) or false,
    meter(scope, field .. 'O', limit[7]) or false, meter(scope, field .. 'R', limit[5]) or false,
  }
  local most = made.meters[3] and made.meters[3].limit or 0
  made.amounts = {tokens, tokens - output_tokens, math.min(output_tokens, most), 1}
  return made
end

local function check(limiter)
  if limiter.strategy == 'after-n' then return {limiter.used >= limiter.requests and BY_STRATEGY or PASSES, 0, 0} end
  if limiter.strategy == 'random' then return {limiter.draw and BY_STRATEGY or PASSES, 0, 0} end
  if limiter.strategy == 'always' then return {BY_STRATEGY, 0, 0} end
  if limiter.strategy == 'none' then return {PASSES, 0, 0} end
  if limiter.concurrent >= 0 then
    limiter.in_flight = slots_in_use(limiter.scope, limiter.field .. 'c')
    if limiter.in_flight >= limiter.concurrent then return {TOO_MANY_IN_FLIGHT, 0, 0} end
  end
  local longest, delay, code = 0, 0, PASSES
  for index, m in ipairs(limiter.meters) do
    if m then
      local wait = m.kind.wait(m, limiter.amounts[index])
      if wait == nil then return {NEVER[index], 0, 0} end
      if wait > longest then longest, code = wait, NEVER[index] + 1 end
      delay = math.max(delay, m.kind.delay(m))
    end
  end
  return {code, longest, code == PASSES and delay or 0}
end

local function charge(limiter)
  if limiter.strategy == 'after-n' then
    limiter.used = limiter.used + 1
    put(limiter.scope, limiter.field .. 'n', limiter.used)
  end
  if limiter.concurrent >= 0 then take_slot(limiter.scope, limiter.field .. 'c', limiter.in_flight) end
  for index, m in ipairs(limiter.meters) do
    if m then m.kind.charge(m, limiter.amounts[index]) end
  end
end

local function bound_statuses(limiter)
  if limiter.strategy == 'after-n' then return {{limiter.used, -1}, false, false, false} end
  local found = {}
  for position, index in ipairs({4, 1, 2, 3}) do
    local m = limiter.meters[index]
    found[position] = m and m.kind.bound_status(m) or false
  end
  return found
end

-- guards: mockllm.core.selection.guards

local NOT_BLOCKED, USED_UP, SKIPPED, NOT_ITS_TURN, LOST, OUTSIDE, UNMET = 0, 1, 2, 3, 4, 5, 6

local function drawn(draws, tries)
  local result = draws and draws[2][tries - draws[1] + 1]
  if result == nil then missing = true end
  return result
end

local function blocked(candidate, scope, draws, tries, eligible)
  local guard = candidate[2]
  if not guard then return NOT_BLOCKED end
  local times, skip, every, during, requires, chance = guard[1], guard[2], guard[3], guard[4], guard[5], guard[6]
  if during then
    local first = get(scope, candidate[1] .. '\0f')
    local elapsed = first and math.max(0, since(tonumber(first))) or 0
    if during[3] > 0 then elapsed = elapsed % during[3] end
    if elapsed < during[1] or (during[2] >= 0 and elapsed >= during[2]) then return OUTSIDE end
  end
  if requires then
    for index, required in ipairs(requires) do
      local found, met = get(scope, '=' .. required[1]) or '', false
      for _, wanted in ipairs(required[2]) do met = met or wanted == found end
      if not met then return UNMET, index - 1, found end
    end
  end
  if chance and drawn(draws, tries) then return LOST end
  if eligible < skip then return SKIPPED end
  if times >= 0 and math.floor((eligible - skip) / every) >= times then return USED_UP end
  if (eligible + 1 - skip) % every ~= 0 then return NOT_ITS_TURN end
  return NOT_BLOCKED
end

local function responses(guard, eligible)
  if not guard then return eligible end
  local count = math.floor(math.max(0, eligible - guard[2]) / guard[3])
  if guard[1] >= 0 then count = math.min(count, guard[1]) end
  return count
end

local function set_states(candidate, scope)
  for _, state in ipairs(candidate[4] or {}) do put(scope, '=' .. state[1], state[2]) end
end

-- the decision: mockllm.state.decide

-- Returns what is known of each candidate, and requests the fields that its decision reads.
local function expected(list)
  local result = {}
  for index = 1, #list do
    local each = list[index]
    local scope, candidate = scopes[each[1]], each[2]
    local key, guard = candidate[1] .. '\0', candidate[2]
    local tries_field, eligible_field = key .. 't', key .. 'u'
    want(scope, tries_field)
    want(scope, eligible_field)
    if guard then
      if guard[4] then want(scope, key .. 'f') end
      for _, required in ipairs(guard[5] or {}) do want(scope, '=' .. required[1]) end
    end
    result[index] = {
      scope = scope, candidate = candidate, key = key, tries_field = tries_field, eligible_field = eligible_field,
      draws = each[3], limit_draws = each[4], invalid = each[5], tries = 0, eligible = 0, code = NOT_BLOCKED, draw = false,
    }
  end
  return result
end

-- Returns the rows of the result, how many candidates are reached, and the first one that is not blocked.
local function reach(list, until_not_blocked)
  local rows = {}
  for index = 1, #list do
    local each = list[index]
    local scope = each.scope
    local tries, eligible = number(scope, each.tries_field), number(scope, each.eligible_field)
    local code, state_index, found = blocked(each.candidate, scope, each.draws, tries, eligible)
    each.tries, each.eligible, each.code = tries, eligible, code
    each.draw = each.limit_draws and drawn(each.limit_draws, tries)
    rows[index] = {code, tries, eligible, state_index or 0, found or ''}
    if until_not_blocked and code == NOT_BLOCKED then return rows, index, each end
  end
  return rows, #list, nil
end

local function count_try(each, eligible)
  local scope, guard = each.scope, each.candidate[2]
  put(scope, each.tries_field, each.tries + 1)
  put(scope, each.eligible_field, each.eligible + (eligible and 1 or 0))
  if guard and guard[4] and not get(scope, each.key .. 'f') then put(scope, each.key .. 'f', text(now)) end
end

local function is_eligible(code) return code == NOT_BLOCKED or code == USED_UP or code == SKIPPED or code == NOT_ITS_TURN end

local function note_bound_statuses(limiters, limits)
  for index, limiter in ipairs(limiters) do
    limits[index] = limits[index] or {PASSES, 0, 0}
    for position, status in ipairs(bound_statuses(limiter)) do limits[index][3 + position] = status end
  end
end

-- Decides about limits and loads, and charges them: mockllm.state.admission. Returns the outcome if it is not the rule's.
local function admit(modifiers, limits, loads)
  local limiters, failing, passes, refusing_load = {}, false, true, 0
  for _, each in ipairs(modifiers) do
    if each.code == NOT_BLOCKED then
      failing = failing or each.candidate[3]
      if each.candidate[6] then limiters[#limiters + 1] = rate_limiter(each.candidate, each.scope, each.draw) end
    end
  end
  if failing then
    note_bound_statuses(limiters, limits)
    return 'modifier', refusing_load
  end
  for index, limiter in ipairs(limiters) do
    limits[index] = check(limiter)
    passes = passes and limits[index][1] == PASSES
  end
  if passes then
    for index, each in ipairs(modifiers) do
      local load = each.code == NOT_BLOCKED and each.candidate[7]
      if load and refusing_load == 0 then
        local count = slots_in_use(each.scope, each.key .. 'o')
        each.in_flight, loads[#loads + 1] = count, count
        if load[1] >= 0 and count >= load[1] then refusing_load = index end
      end
    end
    if refusing_load == 0 then
      for _, limiter in ipairs(limiters) do charge(limiter) end
      for _, each in ipairs(modifiers) do
        if each.code == NOT_BLOCKED and each.candidate[7] then take_slot(each.scope, each.key .. 'o', each.in_flight) end
      end
    end
  end
  note_bound_statuses(limiters, limits)
  return not passes and 'limited' or refusing_load > 0 and 'overloaded' or nil, refusing_load
end

local function count_rules(rules, reached, selected_rule)
  for index = 1, reached do
    local each = rules[index]
    count_try(each, each == selected_rule or is_eligible(each.code))
  end
  if selected_rule then
    local candidate = selected_rule.candidate
    local max_responses = candidate[5]
    if max_responses < 0 or responses(candidate[2], selected_rule.eligible) < max_responses then
      set_states(candidate, selected_rule.scope)
    end
  end
end

-- Returns the result of one request: its outcome first, which is 'draws' where draws are missing.
local function decide_one(request, modifiers, rules, numbered)
  tokens, output_tokens, slot, scale, missing = request[3][1], request[3][2], request[4], request[7], false
  local modifier_rows = reach(modifiers, false)
  local rule_rows, reached, selected_rule = reach(rules, true)
  if missing then return {'draws', now, 0, 0, modifier_rows, rule_rows, {}, {}, 0} end

  local request_number, counting = 0, selected_rule and selected_rule.scope or scopes[1]
  if numbered or counting ~= scopes[1] then
    request_number = number(counting, 'n')
    put(counting, 'n', request_number + 1)
  end

  local outcome, limits, loads, refusing_load = nil, {}, {}, 0
  if modifiers[1] then
    for _, each in ipairs(modifiers) do count_try(each, is_eligible(each.code)) end
    for index = #modifiers, 1, -1 do
      local each = modifiers[index]
      if each.code == NOT_BLOCKED then set_states(each.candidate, each.scope) end
    end
    outcome, refusing_load = admit(modifiers, limits, loads)
  end
  if not outcome then
    local invalid = request[2]
    if selected_rule then invalid = selected_rule.invalid end
    outcome = invalid and 'invalid' or selected_rule and 'rule' or 'no_rule'
  end
  if outcome == 'rule' or outcome == 'no_rule' then count_rules(rules, reached, selected_rule) end
  return {outcome, now, request_number, selected_rule and reached or 0, modifier_rows, rule_rows, limits, loads, refusing_load}
end

-- The result of a request that is to be repeated: it needs no other draws.
local NOT_YET = {'draws', 0, 0, 0, {}, {}, {}, {}, 0}

-- Each call looks for earlier results: the first one of two may come last.
local function decide(keys, arguments)
  local stored = keys[#keys]
  local call = cmsgpack.unpack(arguments[1])
  local scope_ttl, remember, numbered, requests = call[3], call[4], call[5], call[6]
  now, term, scopes, session = call[1], call[2], {}, nil
  if now == 0 then now = store_time() end
  local before = redis.call('GET', stored)
  local results = before and cmsgpack.unpack(before) or {}

  for index = 1, #keys - 1 do
    scopes[index] = {key = keys[index], ttl = scope_ttl[index], values = {}, wants = {}, wanted = {}, changed = {}}
  end
  local global, undecided = scopes[1], {}
  for index = 1, #requests do
    local request = requests[index]
    local result = results[request[1]]
    if not result or result[1] == 'draws' then
      local each = {request = request, modifiers = expected(request[5]), rules = expected(request[6])}
      local counting = each.rules[1] and each.rules[1].scope or global
      if numbered or counting ~= global then want(counting, 'n') end
      undecided[#undecided + 1] = each
    end
  end
  if numbered then want(global, RENEWED) end
  fetch(global)
  local ready, renewed = true, nil
  if numbered then
    ready, renewed = use_session(global.key, get(global, RENEWED), global.ttl)
    if renewed then put(global, RENEWED, renewed) end
  end
  for index = 2, #scopes do fetch(scopes[index]) end

  for index = 1, #undecided do
    local each = undecided[index]
    results[each.request[1]] = ready and decide_one(each.request, each.modifiers, each.rules, numbered) or NOT_YET
  end
  for index = 1, requests[#requests][1] do results[index] = results[index] or false end
  local packed = cmsgpack.pack(results)
  if ready then
    for index = 1, #scopes do write(scopes[index]) end
    if undecided[1] then redis.call('SET', stored, packed, 'PX', remember) end
  end
  return packed
end
