-- Single durable heartbeats: every request is one report of one of 20,000 views, each newer than the
-- view's last. The bodies are cheap to make, so that the generator is not what is measured.
local views = 20000
local n, stamp, prefix, path = 0, 0, "", "/v1/reports"
local headers = {["Content-Type"] = "application/json"}

function request()
  if n % 1000 == 0 then prefix = os.date("!%Y-%m-%dT%H:%M:%S.") end
  n = n + 1
  local view = n % views
  local body = '{"account":"acct-' .. view % 5000 .. '","profile":"p1","title":"title-' .. view % 97 ..
      '","view":"view-' .. view .. '","device":"tv-' .. view .. '","state":"playing","at":"' .. prefix ..
      string.format("%03d", n % 1000) .. 'Z","sequence":' .. n .. ',"playhead_ms":' .. n .. ',"duration_ms":5400000}'
  return wrk.format("POST", path, headers, body)
end
