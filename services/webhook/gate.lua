-- The gate's question for a group of requests, in one go. `gcra` stands in front of this text
-- (shared/ratelimit.py).
--
-- KEYS: one rate key for each distinct terminal, then one key for each purchase.
-- ARGV: number of rate keys; purchases a second; seconds to remember a body;
--       "place:count" for each request (place of its rate key, number of its purchases);
--       then the digest of each purchase's body.
-- Returns: a string with "1" for each purchase whose key came with another body before, else "0";
--          and for each request the seconds to wait, 0 if it may pass.

local rates = tonumber(ARGV[1])
local pass, keep = gcra(tonumber(ARGV[2]))
local remember = ARGV[3]

local found = {}
local waits = {}
local at = 0

for place, count in string.gmatch(ARGV[4], '(%d+):(%d+)') do
  count = tonumber(count)
  local wait = pass(KEYS[tonumber(place)], count)
  table.insert(waits, wait)
  for each = 1, count do
    local known = false
    local body = ARGV[4 + at + each]
    if wait == 0 then
      local key = KEYS[rates + at + each]
      known = redis.call('GET', key)
      if not known then
        redis.call('SET', key, body, 'EX', remember)
      end
    end
    table.insert(found, (known and known ~= body) and '1' or '0')
  end
  at = at + count
end

keep()
return {table.concat(found), waits}
