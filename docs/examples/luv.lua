-- A waiter in luv's loop, from LuaJIT: its FFI reads the header as the C preprocessor leaves it.
local ffi = require "ffi"
local uv = require "luv"

local preprocess = "echo '#include <simplebroker.h>' | cc -E -P -DSB_EXTERN= "
    .. "-D_STDDEF_H -D_STDINT_H -" -- size_t and int64_t are LuaJIT's own
local header = assert(io.popen(preprocess))
ffi.cdef(header:read "*a")
header:close()
local sb = ffi.load "simplebroker"

local function check(status)
    if status < 0 then
        error(ffi.string(sb.sb_error_message(nil)), 2)
    end
    return tonumber(status)
end

local broker = ffi.new "sb_broker *[1]"
local waiter = ffi.new "sb_waiter *[1]"
check(sb.sb_open_path(broker, "luv.db", #"luv.db", nil, nil))
check(sb.sb_waiter_open(waiter, broker[0]))
check(sb.sb_waiter_add(waiter[0], "jobs", #"jobs", nil))

local at_once = ffi.new "sb_options"
check(sb.sb_options_init(at_once, sb.SB_OPTIONS_VERSION))
at_once.timeout_ms = 0

local function claim()
    local taken = ffi.new "sb_messages *[1]"
    local len = ffi.new "size_t[1]"
    if check(sb.sb_claim(taken, broker[0], "jobs", #"jobs", 1, nil)) ~= tonumber(sb.SB_OK) then
        return nil
    end
    local body = sb.sb_messages_body(len, taken[0], 0)
    local text = ffi.string(body, len[0])
    sb.sb_messages_free(taken[0])
    return text
end

local readable = uv.new_poll(sb.sb_waiter_fd(waiter[0]))
readable:start("r", function()
    check(sb.sb_waiter_wait(waiter[0], at_once))
    for body in claim do -- take all there is
        print("got: " .. body)
        readable:close()
    end
end)

local later = uv.new_timer()
later:start(50, 0, function()
    check(sb.sb_write(nil, broker[0], "jobs", #"jobs", "resize picture 7", 16, nil))
    later:close()
end)
uv.run()

sb.sb_waiter_close(waiter[0])
sb.sb_close(broker[0])
