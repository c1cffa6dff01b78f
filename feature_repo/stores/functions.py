"""The store's functions in Redis (FUNCTION LOAD): each is atomic, and a writer's ACL can name them alone.

A writer needs `+fcall|tickloom_write +fcall|tickloom_fence ... +get +set +getrange` on its own keys, for Redis checks
what a function does against its caller; it needs no EVAL and no other command (docs/online-store.md).
"""

from udfs.vector import HEADER_BYTES

LIBRARY = f"""#!lua name=tickloom

-- A shard's key holds '<fence> <turn>': who may write, and how often it has. A fence is at least the server's clock in
-- microseconds: an emptied store does not hand out old numbers again.
local function fence(keys)
  local time = redis.call('TIME')
  local last = tonumber(redis.call('GET', keys[1]) or 0)
  local text = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
  redis.call('SET', keys[1], text)
  redis.call('SET', keys[2], text .. ' 0')
  return text
end

-- args: fence, turn (-1: the writer has not counted), vectors. -1: another writer opened the shard since. -2: the
-- store has forgotten writes of this one (emptied, or an older copy): its turn is neither the writer's, nor the next
-- one, which is a write whose answer was lost.
local function write(keys, args)
  local fence, turn = tonumber(args[1]), tonumber(args[2])
  local held_fence, held_turn = string.match(redis.call('GET', keys[1]) or '0 0', '(%d+) (%d+)')
  held_fence, held_turn = tonumber(held_fence), tonumber(held_turn)
  if held_fence > fence then return -1 end
  if turn >= 0 then
    if held_fence < fence or held_turn ~= turn and held_turn ~= turn + 1 then return -2 end
    redis.call('SET', keys[1], args[1] .. ' ' .. string.format('%.0f', turn + 1))
  elseif held_fence < fence then
    redis.call('SET', keys[1], args[1] .. ' 0')
  end
  local won = 0
  for i = 2, #keys do
    local old, new = redis.call('GETRANGE', keys[i], 8, 31), args[i + 1]
    local newer = #old < 24
    if not newer then
      local time0, fence0, revision0 = struct.unpack('<i8i8i8', old)
      local time1, fence1, revision1 = struct.unpack('<i8i8i8', new, 9)
      newer = time1 > time0 or time1 == time0 and (fence1 > fence0 or fence1 == fence0 and revision1 > revision0)
    end
    if newer then
      redis.call('SET', keys[i], new)
      won = won + 1
    end
  end
  return won
end

-- args: header expected, vector, of each key in turn
local function swap(keys, args)
  local swapped = {{}}
  for i = 1, #keys do
    local same = redis.call('GETRANGE', keys[i], 0, {HEADER_BYTES - 1}) == args[2 * i - 1]
    if same then redis.call('SET', keys[i], args[2 * i]) end
    swapped[i] = same and 1 or 0
  end
  return swapped
end

redis.register_function('tickloom_fence', fence)
redis.register_function('tickloom_write', write)
redis.register_function('tickloom_swap', swap)
"""
