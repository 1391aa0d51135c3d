-- Lease calls of one LINE endpoint from the bucket that all replicas share.
-- KEYS: bucket, replicas. ARGV: calls a second, most that pile up, wanted, replica, calls to leave
-- to others.
-- Returns: granted, milliseconds until `wanted` are there (0 when granted), replicas alive.
-- The server's clock counts, so that replicas need not agree on the time.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local rate, most, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local bucket = redis.call('HMGET', KEYS[1], 'calls', 'at')
local calls = tonumber(bucket[1]) or most
local at = tonumber(bucket[2]) or now
calls = math.min(most, calls + math.max(0, now - at) * rate)
local reserve = tonumber(ARGV[5])
local granted = math.max(0, math.floor(math.min(wanted, calls - reserve)))
calls = calls - granted
redis.call('HSET', KEYS[1], 'calls', tostring(calls), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 60)
redis.call('ZADD', KEYS[2], now, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 10)
redis.call('EXPIRE', KEYS[2], 60)
local wait = 0
if granted == 0 then
    wait = math.ceil(math.max(1, (wanted + reserve - calls) / rate * 1000))
end
return { granted, wait, redis.call('ZCARD', KEYS[2]) }
