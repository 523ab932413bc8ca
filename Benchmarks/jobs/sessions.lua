-- The load of Benchmarks/run-load, for wrk: each request is another session's, round and round, so that all are in use at
-- once. WEIR_LOAD_REQUESTS names a file of lines `path<TAB>header<TAB>value`.
local requests, at, wrong, threads = {}, 0, 0, {}

function setup(thread)
  thread:set("first", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  for line in io.lines(os.getenv("WEIR_LOAD_REQUESTS")) do
    local path, header, value = line:match("([^\t]*)\t([^\t]*)\t([^\t]*)")
    requests[#requests + 1] = wrk.format("GET", path, { ["Host"] = wrk.headers["Host"], [header] = value })
  end
  -- Threads begin at different places.
  at = math.floor(#requests * first / 2)
  others = 0
end

function request()
  at = at % #requests + 1
  return requests[at]
end

-- A redirection to the sign-in page is no page.
function response(status, headers, body)
  if status ~= 200 then others = others + 1 end
end

function done(summary, latency, all)
  local refused = 0
  for _, thread in ipairs(threads) do refused = refused + thread:get("others") end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "bytes": %d, "p50_ms": %f, "p99_ms": %f, "most_ms": %f, "not_200": %d, '
      .. '"connect": %d, "read": %d, "write": %d, "timeout": %d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, refused, errors.connect, errors.read, errors.write, errors.timeout))
end
