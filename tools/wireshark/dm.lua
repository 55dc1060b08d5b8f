-- SPDX-License-Identifier: GPL-2.0
--
-- Dynamic memory on VMBus channels: DM messages. Loaded by vmbus.lua. Layouts: include/wire/dm.h.

-- A folder of plugins loads every file by itself, too, in alphabetical order.
if not vmbus or vmbus.dm then
	return
end
vmbus.dm = true

local proto = Proto("dm", "Dynamic memory")
local fields, experts = {}, {}

local function field(kind, name, title, ...)
	fields[name] = ProtoField[kind]("dm." .. name, title, ...)
end

local types = {
	[0] = "ERROR", [1] = "VERSION_REQUEST", [2] = "VERSION_RESPONSE", [3] = "CAPS_REPORT", [4] = "CAPS_RESPONSE",
	[5] = "STATUS_REPORT", [6] = "BALLOON_REQUEST", [7] = "BALLOON_RESPONSE", [8] = "UNBALLOON_REQUEST",
	[9] = "UNBALLOON_RESPONSE", [10] = "HOT_ADD_REQUEST", [11] = "HOT_ADD_RESPONSE", [12] = "INFO",
	[13] = "HOT_REMOVE_REQUEST", [14] = "HOT_REMOVE_RESPONSE",
}

field("uint16", "type", "Type", base.DEC, types)
field("uint16", "size", "Size")
field("uint32", "trans_id", "Transaction id")
field("string", "version", "Version")
field("bool", "last_attempt", "Last attempt", 32, nil, 0x1)
field("bool", "accepted", "Accepted", 64, nil, 0x1)
field("uint64", "caps", "Capabilities", base.HEX)
field("bool", "caps.balloon", "Balloon", 64, nil, 0x1)
field("bool", "caps.hot_add", "Hot add", 64, nil, 0x2)
field("uint64", "caps.alignment", "Hot-add alignment, 2^n MiB", base.DEC, nil, 0x3C)
field("bool", "caps.hot_remove", "Hot remove", 64, nil, 0x40)
field("bool", "caps_response.hot_remove", "Hot remove", 64, nil, 0x2)
field("bool", "caps_response.suppress", "No status wanted", 64, nil, 0x4)
field("uint64", "min_pages", "Pages at least")
field("uint64", "max_page", "Largest page number", base.HEX)
field("uint64", "available", "Pages available")
field("uint64", "committed", "Pages committed")
field("uint32", "pages", "Pages")
field("bool", "more", "More follows", 32, nil, 0x1)
field("uint32", "ranges", "Ranges")
field("uint64", "range.pfn", "First page", base.HEX)
field("uint32", "range.pages", "Pages")
field("uint32", "result", "Result")
field("uint32", "info_type", "Kind of information")
field("uint64", "max_pages", "Pages at most")
field("uint32", "node", "Virtual node")
field("uint32", "qos", "Quality", base.HEX)
experts.short = ProtoExpert.new("dm.short", "Message is shorter than its type, or than it says", expert.group.MALFORMED,
				expert.severity.ERROR)
experts.unknown = ProtoExpert.new("dm.unknown", "Unknown type", expert.group.UNDECODED, expert.severity.WARN)
experts.refused = ProtoExpert.new("dm.refused", "Refused", expert.group.RESPONSE_CODE, expert.severity.NOTE)
proto.fields, proto.experts = fields, experts

local function mebibytes(pages)
	return string.format("%.1f MiB", pages / 256)
end

-- A range in 8 bytes: the number of the first page in 40 bits, how many in 24. Returns how many.
local function add_range(tree, buffer)
	local pages = buffer(5, 3):le_uint()
	local branch = tree:add(buffer(), "Range")

	branch:add(fields["range.pfn"], buffer(0, 5), buffer(0, 5):le_uint64())
	branch:add_le(fields["range.pages"], buffer(5, 3))
	branch:append_text(", " .. mebibytes(pages))
	return pages
end

local function add_ranges(tree, buffer, count)
	local pages, there = 0, math.floor(buffer:len() / 8)

	if count > there then
		tree:add_proto_expert_info(experts.short)
	end
	for i = 0, math.min(count, there) - 1 do
		pages = pages + add_range(tree, buffer(i * 8, 8))
	end
	return string.format("%d ranges, %s", count, mebibytes(pages))
end

local function tail(buffer, from)
	return buffer:len() > from and buffer(from) or buffer(0, 0)
end

-- By type: how many bytes it has at least, and what is in them. Each returns a text for the list.
local bodies = {
	[1] = { 16, function(tree, b)
		local text = string.format("%d.%d", b(10, 2):le_uint(), b(8, 2):le_uint())

		tree:add(fields.version, b(8, 4), text)
		tree:add_le(fields.last_attempt, b(12, 4))
		return text
	end },
	[2] = { 16, function(tree, b)
		tree:add_le(fields.accepted, b(8, 8))
		if b(8, 1):uint() % 2 == 0 then
			tree:add_proto_expert_info(experts.refused)
			return "refused"
		end
		return "accepted"
	end },
	[3] = { 32, function(tree, b)
		for _, name in ipairs({ "caps", "caps.balloon", "caps.hot_add", "caps.alignment", "caps.hot_remove" }) do
			tree:add_le(fields[name], b(8, 8))
		end
		tree:add_le(fields.min_pages, b(16, 8))
		tree:add_le(fields.max_page, b(24, 8))
		return string.format("0x%x", b(8, 4):le_uint())
	end },
	[4] = { 16, function(tree, b)
		tree:add_le(fields.accepted, b(8, 8))
		tree:add_le(fields["caps_response.hot_remove"], b(8, 8))
		tree:add_le(fields["caps_response.suppress"], b(8, 8))
		return string.format("0x%x", b(8, 4):le_uint())
	end },
	[5] = { 48, function(tree, b)
		tree:add_le(fields.available, b(8, 8))
		tree:add_le(fields.committed, b(16, 8))
		return string.format("%s available, %s committed", mebibytes(b(8, 8):le_uint64():tonumber()),
				     mebibytes(b(16, 8):le_uint64():tonumber()))
	end },
	[6] = { 16, function(tree, b)
		tree:add_le(fields.pages, b(8, 4))
		return mebibytes(b(8, 4):le_uint())
	end },
	[7] = { 16, function(tree, b)
		local count = math.floor(b(12, 4):le_uint() / 2)

		tree:add_le(fields.more, b(12, 4))
		tree:add(fields.ranges, b(12, 4), count)
		return add_ranges(tree, tail(b, 16), count)
	end },
	[8] = { 16, function(tree, b)
		tree:add_le(fields.more, b(8, 4))
		tree:add_le(fields.ranges, b(12, 4))
		return add_ranges(tree, tail(b, 16), b(12, 4):le_uint())
	end },
	[9] = { 8, function()
		return nil
	end },
	[10] = { 16, function(tree, b)
		return add_ranges(tree, b(8), math.floor((b:len() - 8) / 8))
	end },
	[11] = { 16, function(tree, b)
		tree:add_le(fields.pages, b(8, 4))
		tree:add_le(fields.result, b(12, 4))
		if b(12, 4):le_uint() == 0 then
			tree:add_proto_expert_info(experts.refused)
		end
		return string.format("%s, result %d", mebibytes(b(8, 4):le_uint()), b(12, 4):le_uint())
	end },
	[12] = { 24, function(tree, b)
		tree:add_le(fields.info_type, b(16, 4))
		if b:len() < 32 or b(16, 4):le_uint() ~= 0 then
			return nil
		end
		tree:add_le(fields.max_pages, b(24, 8))
		return mebibytes(b(24, 8):le_uint64():tonumber()) .. " at most"
	end },
	[13] = { 24, function(tree, b)
		tree:add_le(fields.node, b(8, 4))
		tree:add_le(fields.pages, b(12, 4))
		tree:add_le(fields.qos, b(16, 4))
		return mebibytes(b(12, 4):le_uint())
	end },
	[14] = { 24, function(tree, b)
		tree:add_le(fields.result, b(8, 4))
		tree:add_le(fields.ranges, b(12, 4))
		tree:add_le(fields.more, b(16, 4))
		return add_ranges(tree, tail(b, 24), b(12, 4):le_uint())
	end },
}

local function dissect(buffer, pinfo, root)
	local tree = root:add(proto, buffer())

	pinfo.cols.protocol = "DM"
	if buffer:len() < 8 then
		tree:add_proto_expert_info(experts.short)
		return "DM message that is too short"
	end
	local number, size = buffer(0, 2):le_uint(), buffer(2, 2):le_uint()
	local text, body = types[number] or "type " .. number, bodies[number]

	tree:add_le(fields.type, buffer(0, 2))
	tree:add_le(fields.size, buffer(2, 2))
	tree:add_le(fields.trans_id, buffer(4, 4))
	if not body then
		tree:add_proto_expert_info(experts.unknown)
	elseif size < body[1] or size > buffer:len() then
		tree:add_proto_expert_info(experts.short)
		text = text .. " that is too short"
	else
		local more = body[2](tree, buffer(0, size):tvb())

		text = text .. (more and " " .. more or "")
	end
	tree:append_text(", " .. text)
	return text
end

vmbus.register("525074dc-8985-46e2-8057-a307dc18a502", "dynamic memory", dissect)
