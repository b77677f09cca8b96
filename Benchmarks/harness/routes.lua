-- Asks for each of so many routes in turn, neighbours far apart.
local requests, place = {}, 0

function init(arguments)
  for number = 0, arguments[1] - 1 do
    requests[number] = wrk.format("GET", string.format("/route/%05d/", number))
  end
  count = tonumber(arguments[1])
end

function request()
  -- A prime, so that all have their turn.
  place = (place + 7919) % count
  return requests[place]
end
