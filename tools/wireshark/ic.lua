-- SPDX-License-Identifier: GPL-2.0
--
-- Integration services on VMBus channels: their handshake, time, heartbeat, shutdown. Loaded by vmbus.lua.
-- Layouts: include/wire/ic.h, include/wire/timesync.h.

-- A folder of plugins loads every file by itself, too, in alphabetical order.
if not vmbus or vmbus.ic then
	return
end
vmbus.ic = true

local proto = Proto("hvic", "Integration service")
local fields, experts = {}, {}

local function field(kind, name, title, ...)
	fields[name] = ProtoField[kind]("hvic." .. name, title, ...)
end

local types = { [0] = "NEGOTIATE", [1] = "HEARTBEAT", [2] = "KVP", [3] = "SHUTDOWN", [4] = "TIMESYNC", [5] = "VSS", [7] = "FCOPY" }
local applications = { [0] = "unknown", [1] = "healthy", [2] = "critical", [3] = "stopped" }
local ends = { [0] = "power off", [2] = "reboot", [4] = "hibernate" }
local HEADERS = 28

field("uint32", "pipe_flags", "Pipe flags", base.HEX)
field("uint32", "pipe_size", "Pipe size")
field("string", "frame", "Frame version")
field("uint16", "type", "Type", base.DEC, types)
field("string", "message", "Message version")
field("uint16", "size", "Size of the body")
field("uint32", "status", "Status", base.HEX, { [0] = "ok", [0x80004005] = "failed" })
field("uint8", "transaction_id", "Transaction id")
field("bool", "transaction", "Transaction", 8, nil, 0x1)
field("bool", "request", "Request", 8, nil, 0x2)
field("bool", "response", "Response", 8, nil, 0x4)
field("uint16", "frames", "Frame versions")
field("uint16", "messages", "Message versions")
field("string", "version", "Version")
field("uint64", "sequence", "Sequence")
field("uint32", "application", "Programs", base.DEC, applications)
field("uint64", "parent_time", "Host's wall clock, 100 ns since 1601")
field("uint64", "reference_time", "Reference time, 100 ns")
field("bool", "sync", "Set the clock", 8, nil, 0x1)
field("bool", "sample", "Sample", 8, nil, 0x2)
field("int8", "leap", "Leap indicator")
field("int8", "stratum", "Stratum")
field("uint32", "reason", "Reason", base.HEX)
field("uint32", "timeout", "Seconds")
field("bool", "force", "By force", 32, nil, 0x1)
field("uint32", "how", "How", base.DEC, ends, 0x6)
field("string", "text", "Text")
experts.short = ProtoExpert.new("hvic.short", "Message is shorter than its type, or than it says", expert.group.MALFORMED,
				expert.severity.ERROR)
experts.refused = ProtoExpert.new("hvic.refused", "Refused", expert.group.RESPONSE_CODE, expert.severity.NOTE)
proto.fields, proto.experts = fields, experts

local function version_text(buffer)
	return buffer(0, 2):le_uint() .. "." .. buffer(2, 2):le_uint()
end

local function add_versions(tree, b)
	local all = {}

	tree:add_le(fields.frames, b(0, 2))
	tree:add_le(fields.messages, b(2, 2))
	for at = 8, b:len() - 4, 4 do
		if #all >= b(0, 2):le_uint() + b(2, 2):le_uint() then
			break
		end
		all[#all + 1] = version_text(b(at, 4))
		tree:add(fields.version, b(at, 4), all[#all])
	end
	return table.concat(all, " ")
end

local function add_flags(tree, b)
	tree:add(fields.sync, b)
	tree:add(fields.sample, b)
	return b:uint() == 1 and "SYNC" or b:uint() == 2 and "SAMPLE" or "flags " .. b:uint()
end

-- Bytes that are needed, and what follows the headers; returns a text for the list.
local bodies = {
	[0] = { 8, add_versions },
	[1] = { 8, function(tree, b)
		tree:add_le(fields.sequence, b(0, 8))
		if b:len() >= 12 then
			tree:add_le(fields.application, b(8, 4))
		end
		return tostring(b(0, 8):le_uint64())
	end },
	[3] = { 12, function(tree, b)
		tree:add_le(fields.reason, b(0, 4))
		tree:add_le(fields.timeout, b(4, 4))
		tree:add_le(fields.force, b(8, 4))
		tree:add_le(fields.how, b(8, 4))
		if b:len() > 12 then
			tree:add(fields.text, b(12), b(12):stringz())
		end
		return ends[b(8, 4):le_uint() - b(8, 4):le_uint() % 2]
	end },
	[4] = { 22, function(tree, b, major)
		tree:add_le(fields.parent_time, b(0, 8))
		if major < 4 then
			return b:len() >= 25 and add_flags(tree, b(24, 1)) or nil
		end
		tree:add_le(fields.reference_time, b(8, 8))
		tree:add(fields.leap, b(17, 1))
		tree:add(fields.stratum, b(18, 1))
		return add_flags(tree, b(16, 1))
	end },
}

local function add_header(tree, b)
	tree:add_le(fields.pipe_flags, b(0, 4))
	tree:add_le(fields.pipe_size, b(4, 4))
	tree:add(fields.frame, b(8, 4), version_text(b(8, 4)))
	tree:add_le(fields.type, b(12, 2))
	tree:add(fields.message, b(14, 4), version_text(b(14, 4)))
	tree:add_le(fields.size, b(18, 2))
	tree:add_le(fields.status, b(20, 4))
	tree:add(fields.transaction_id, b(24, 1))
	for _, name in ipairs({ "transaction", "request", "response" }) do
		tree:add(fields[name], b(25, 1))
	end
	if b(20, 4):le_uint() ~= 0 then
		tree:add_proto_expert_info(experts.refused)
	end
end

local function dissect(buffer, pinfo, root)
	local tree = root:add(proto, buffer())

	pinfo.cols.protocol = "IC"
	if buffer:len() < HEADERS then
		tree:add_proto_expert_info(experts.short)
		return "service message that is too short"
	end
	local number, size, major = buffer(12, 2):le_uint(), buffer(18, 2):le_uint(), buffer(14, 2):le_uint()
	local answers = math.floor(buffer(25, 1):uint() / 4) % 2 == 1
	local text, body = (types[number] or "type " .. number) .. (answers and " answered" or ""), bodies[number]

	add_header(tree, buffer)
	if size > buffer:len() - HEADERS or (body and size < body[1]) then
		tree:add_proto_expert_info(experts.short)
		text = text .. " that is too short"
	elseif body then
		local more = body[2](tree, buffer(HEADERS, size):tvb(), major)

		text = text .. (more and ", " .. more or "")
	end
	tree:append_text(", " .. text)
	return text
end

vmbus.register("9527e630-d0ae-497b-adce-e80ab0175caf", "time", dissect)
vmbus.register("57164f39-9115-4e78-ab55-382f3bd5422d", "heartbeat", dissect)
vmbus.register("0e0b6031-5213-4934-818b-38d90ced39db", "shutdown", dissect)
