local Counter = {}
Counter.__index = Counter

function Counter:step()
  self.value = self.value + 1
end

local function run(n)
  local c, i = setmetatable({value = 0}, Counter), 0
  while i < n do
    c:step()
    i = i + 1
  end
  return c.value
end
print(run(10000000))
