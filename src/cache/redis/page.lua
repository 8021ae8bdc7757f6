-- A page in Redis, changed in one step without being read by whoever changes it.
--   KEYS[1]  a hash: the rows, by view, each 16 digits of its digest, 4 of its size, 17 of its place with
--            the sign, and then its bytes; and under the empty name the head: SHA-1 of the rest of it, then
--            "1 VERSION AS_OF BORN WHOLE FLOOR ROWS DIGEST IDENTITY"
--   KEYS[2]  a set of the views by their place, which is minus the keyed start: newest first, by view
--            among equals
-- DIGEST is the sum of the rows' digests modulo 2^52, so a hit is exactly the rows of VERSION: one
-- that is lost, damaged, of another time or too many shows. VERSION has 40 digits: it compares as text.
-- The rules are those of cache/page.cc. Numbers answered are those of Written (cache/cache.h).
--   ARGV  what, identity, now_ms, ttl_ms, life_ms, rows_max, then
--         newest; put: before, after, as_of, rows; fill: version, as_of, whole, rows; forget: version
--   rows: place, view, value; …
-- `newest` answers the head, whether the page was prolonged, and all values in their order as one text: an
-- answer of 500 parts costs either side more than the rows.
local what, identity = ARGV[1], ARGV[2]
local now, ttl, life, rows_max = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local APPLIED, ABSENT, NEWER, GAP = 0, 1, 2, 3
local MODULUS = 2 ^ 52
local PAGE_ROWS_MAX = 500  -- of any release's page

local function clear() redis.call('DEL', KEYS[1], KEYS[2]) end

-- The head as text: nothing if there is none, or another kind of value lies there.
local function head_text()
  local found = redis.pcall('HGET', KEYS[1], '')
  if type(found) == 'table' then
    clear()
    return nil
  end
  return found or nil
end

-- The head, `false` if it can't be trusted, nothing if there is none.
local function load_head()
  local text = head_text()
  if not text then return nil end
  local body = string.sub(text, 41)
  local version, as_of, born, whole, floor, rows, digest, whose =
    string.match(body, '^1 (%d+) (%-?%d+) (%-?%d+) ([01]) ([01]) (%d+) (%d+) (.+)$')
  if not version or whose ~= identity or redis.sha1hex(body) ~= string.sub(text, 1, 40) then return false end
  local head = {version = version, as_of = as_of, born = born, whole = whole == '1', floor = floor == '1',
                rows = tonumber(rows), digest = tonumber(digest)}
  if now >= born + life or now < born - ttl then return false end
  return head
end

local function save(head)
  local body = string.format('1 %s %s %s %d %d %d %.0f %s', head.version, head.as_of, head.born, head.whole and 1 or 0,
                             head.floor and 1 or 0, head.rows, head.digest, identity)
  redis.call('HSET', KEYS[1], '', redis.sha1hex(body) .. body)
  local left = math.min(ttl, head.born + life - now)
  redis.call('PEXPIRE', KEYS[1], left)
  redis.call('PEXPIRE', KEYS[2], left)
end

-- No page, and none older than `version` until the time is out.
local function put_floor(version)
  clear()
  save({version = version, as_of = ARGV[3], born = ARGV[3], whole = false, floor = true, rows = 0, digest = 0})
end

-- Of a value of a row; of one that is damaged, any number: the sum won't be right again.
local function digest_of(value) return tonumber(string.sub(value or '', 1, 16)) or 1 end

-- Whether the set has a view where its row says. Who asks that of the rows at the end of a page, which
-- decide what belongs into it, and sees all rows in order when he reads, has them without a gap.
local function in_its_place(view)
  local value, place = redis.call('HGET', KEYS[1], view), redis.call('ZSCORE', KEYS[2], view)
  return value and place and tonumber(string.sub(value, 21, 37)) == tonumber(place)
end

local function add(head, value) head.digest = (head.digest + digest_of(value)) % MODULUS end
local function take(head, value) head.digest = (head.digest - digest_of(value)) % MODULUS end

-- False if the page can't be trusted.
local function lay_in(head, place, view, value)
  local old = redis.call('HGET', KEYS[1], view)
  local placed = redis.call('ZADD', KEYS[2], 'CH', place, view) == 1
  -- A view keeps its place for ever: to put it right would hide what was decided while it was wrong.
  if placed == (old ~= false) then return false end
  if old then take(head, old) else head.rows = head.rows + 1 end
  -- What lies between the end of a page that is not whole and a row behind it is not known.
  if placed and not head.whole and redis.call('ZRANK', KEYS[2], view) == head.rows - 1 then
    redis.call('ZREM', KEYS[2], view)
    redis.call('HDEL', KEYS[1], view)
    head.rows = head.rows - 1
    local last = redis.call('ZRANGE', KEYS[2], -1, -1)[1]
    return last and in_its_place(last)
  end
  redis.call('HSET', KEYS[1], view, value)
  add(head, value)
  return true
end

-- False if the page can't be trusted.
local function trim(head)
  if head.rows <= rows_max then return true end
  for i, view in ipairs(redis.call('ZRANGE', KEYS[2], rows_max - 1, -1)) do
    if not in_its_place(view) then return false end
    if i > 1 then
      take(head, redis.call('HGET', KEYS[1], view))
      redis.call('HDEL', KEYS[1], view)
      head.rows = head.rows - 1
    end
  end
  redis.call('ZREMRANGEBYRANK', KEYS[2], rows_max, -1)
  head.whole = false
  return true
end

if what == 'newest' then
  local text = head_text()
  if not text then return {false, 0, ''} end
  local views = redis.pcall('ZRANGE', KEYS[2], 0, PAGE_ROWS_MAX)
  if views.err then
    clear()
    views = {}
  end
  local values = #views > 0 and redis.call('HMGET', KEYS[1], unpack(views)) or {}
  for i = 1, #views do values[i] = values[i] or 'lost' end
  local answer = {text, 0, table.concat(values)}
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 and left < ttl / 2 then
    local head = load_head()
    local longer = head and not head.floor and math.min(ttl, head.born + life - now) or 0
    if longer > left then
      redis.call('PEXPIRE', KEYS[1], longer)
      redis.call('PEXPIRE', KEYS[2], longer)
      answer[2] = 1
    end
  end
  return answer
end

local found = load_head()
if what == 'put' then
  local function gap()
    put_floor(ARGV[8])
    return GAP
  end
  local before, after = ARGV[7], ARGV[8]
  if found == nil then return ABSENT end
  if found and found.version >= after then return NEWER end
  if found and found.floor then return ABSENT end
  if not found or found.version ~= before or not string.find(before, '[1-9]') then return gap() end
  if redis.call('ZCARD', KEYS[2]) ~= found.rows or redis.call('HLEN', KEYS[1]) ~= found.rows + 1 then return gap() end
  for i = 10, #ARGV, 3 do
    if not lay_in(found, ARGV[i], ARGV[i + 1], ARGV[i + 2]) then return gap() end
  end
  if not trim(found) then return gap() end
  found.version, found.as_of = after, ARGV[9]
  save(found)
  return APPLIED
end

local version = ARGV[7]
if what == 'fill' then
  if found and found.version > version then return NEWER end
  clear()
  local head = {version = version, as_of = ARGV[8], born = ARGV[3], whole = true, floor = false, rows = 0, digest = 0}
  for i = 10, #ARGV, 3 do lay_in(head, ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
  head.whole = ARGV[9] == '1'
  trim(head)
  save(head)
  return APPLIED
end

if found and found.version > version then return NEWER end
put_floor(version)
return APPLIED
