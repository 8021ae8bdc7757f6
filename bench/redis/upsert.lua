-- The upsert that a heartbeat amounts to, as one would write it on Redis: the view, the viewers of its
-- account and the progress of its title, each only if the report is newer.
-- KEYS: view, viewers of the account, progress of the profile. ARGV: sequence, view id, title, state,
-- playhead_ms, duration_ms, at.
local newest = redis.call('HGET', KEYS[1], 's')
if newest and tonumber(newest) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 's', ARGV[1], 'title', ARGV[3], 'state', ARGV[4], 'p', ARGV[5], 'd', ARGV[6], 'at', ARGV[7])
redis.call('ZADD', KEYS[2], 'GT', ARGV[1], ARGV[2])
redis.call('HSET', KEYS[3], ARGV[3], ARGV[5] .. ',' .. ARGV[7])
return 1
