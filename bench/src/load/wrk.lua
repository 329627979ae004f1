-- One request in one of several ways, and the figures as one line of JSON at the end.
-- Arguments: mode (fresh | replay | plain), method, path, body, prefix of the keys, number of keys for replay.
local mode, method, path, body, prefix, keys
local counter = 0
local thread_no = 0
local threads = {}

function setup(thread)
  thread:set("thread_no", thread_no)
  thread_no = thread_no + 1
  table.insert(threads, thread)
end

function init(args)
  mode, method, path, body, prefix, keys = args[1], args[2], args[3], args[4], args[5], tonumber(args[6])
  wrk.headers["Content-Type"] = "application/json"
  if mode == "plain" then
    local fixed = wrk.format(method, path, nil, body)
    request = function() return fixed end
  end
end

function request()
  counter = counter + 1
  local number = counter
  if mode == "replay" then number = counter % keys end
  wrk.headers["Idempotency-Key"] = prefix .. "-" .. thread_no .. "-" .. number
  return wrk.format(method, path, nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"non2xx":%d,"socketErrors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
