-- The gate's question for a group of requests, in one go.
--
-- KEYS: one rate key for each distinct terminal, then one key for each purchase.
-- ARGV: number of rate keys; purchases a second; seconds to remember a body;
--       "place:count" for each request (place of its rate key, number of its purchases);
--       then the digest of each purchase's body.
-- Returns: a string with "1" for each purchase whose key came with another body before, else "0";
--          and for each request the seconds to wait, 0 if it may pass.
--
-- The rate is GCRA: the key holds the moment (microseconds) at which all that was let through would
-- be used up at the even rate; up to one second's worth may come early. A request passes whole once
-- it may begin, so a batch larger than the rate passes and the next one waits for it.

local rates = tonumber(ARGV[1])
local interval = 1000000 / tonumber(ARGV[2])
local burst = math.max(1000000, interval)
local remember = ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local used_up = {}
local changed = {}
local found = {}
local waits = {}
local at = 0

for place, count in string.gmatch(ARGV[4], '(%d+):(%d+)') do
  place = tonumber(place)
  count = tonumber(count)
  if not used_up[place] then
    used_up[place] = math.max(now, tonumber(redis.call('GET', KEYS[place]) or 0))
  end
  local late = used_up[place] + interval - burst - now
  if late > 0.5 then
    table.insert(waits, math.max(1, math.ceil(late / 1000000)))
    for _ = 1, count do table.insert(found, '0') end
  else
    table.insert(waits, 0)
    used_up[place] = used_up[place] + interval * count
    changed[place] = true
    for each = 1, count do
      local key = KEYS[rates + at + each]
      local body = ARGV[4 + at + each]
      local known = redis.call('GET', key)
      if not known then
        redis.call('SET', key, body, 'EX', remember)
      end
      table.insert(found, (known and known ~= body) and '1' or '0')
    end
  end
  at = at + count
end

for place in pairs(changed) do
  local milliseconds = math.ceil((used_up[place] - now) / 1000) + 1000
  redis.call('SET', KEYS[place], string.format('%.0f', used_up[place]), 'PX', milliseconds)
end

return {table.concat(found), waits}
