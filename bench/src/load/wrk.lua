-- Requests with an Idempotency-Key each, and the figures as one line of JSON at the end.
-- Arguments: mode (fresh: every key once | replay: any of the first keys), path, body, prefix of the keys, how many keys.
local thread_no = 0

function setup(thread)
  thread:set("thread_no", thread_no)
  thread_no = thread_no + 1
end

function init(args)
  local mode, path, body, prefix, keys = args[1], args[2], args[3], args[4], tonumber(args[5])
  local number = 0
  -- Put together here once: wrk.format for each request would cost more than some of the servers do.
  local head = "POST " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
    "\r\nContent-Type: application/json\r\nContent-Length: " .. #body ..
    "\r\nIdempotency-Key: " .. prefix .. "-" .. thread_no .. "-"
  local tail = "\r\n\r\n" .. body
  math.randomseed(7)
  function request()
    number = number + 1
    return head .. (mode == "replay" and math.random(keys) or number) .. tail
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"non2xx":%d,"socketErrors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
