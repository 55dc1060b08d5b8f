-- SPDX-License-Identifier: GPL-2.0
--
-- Storage on VMBus channels: VSTOR operations and the SCSI requests inside. Loaded by vmbus.lua, which matches requests
-- and answers. Layouts: include/wire/vstor.h; opcodes, statuses and sense keys: SAM-5, SPC-4, SBC-3.

-- A folder of plugins loads every file by itself, too, in alphabetical order.
if not vmbus or vmbus.vstor then
	return
end
vmbus.vstor = true

local proto = Proto("vstor", "VSTOR")
local fields, experts = {}, {}

local function field(kind, name, title, ...)
	fields[name] = ProtoField[kind]("vstor." .. name, title, ...)
end

local operations = {
	[1] = "COMPLETE_IO", [2] = "REMOVE_DEVICE", [3] = "EXECUTE_SRB", [4] = "RESET_LUN", [5] = "RESET_ADAPTER",
	[6] = "RESET_BUS", [7] = "BEGIN_INITIALIZATION", [8] = "END_INITIALIZATION", [9] = "QUERY_PROTOCOL_VERSION",
	[10] = "QUERY_PROPERTIES", [11] = "ENUMERATE_BUS", [12] = "FCHBA_DATA", [13] = "CREATE_SUB_CHANNELS",
	[14] = "EVENT_NOTIFICATION",
}
local srb_statuses = {
	[0x00] = "PENDING", [0x01] = "SUCCESS", [0x02] = "ABORTED", [0x04] = "ERROR", [0x05] = "BUSY",
	[0x06] = "INVALID_REQUEST", [0x08] = "NO_DEVICE", [0x09] = "TIMEOUT", [0x0A] = "SELECTION_TIMEOUT",
	[0x0E] = "BUS_RESET", [0x12] = "DATA_OVERRUN", [0x20] = "INVALID_LUN", [0x30] = "INTERNAL_ERROR",
}
local scsi_statuses = {
	[0x00] = "GOOD", [0x02] = "CHECK CONDITION", [0x08] = "BUSY", [0x18] = "RESERVATION CONFLICT",
	[0x28] = "TASK SET FULL", [0x40] = "TASK ABORTED",
}
local data_directions = { [0] = "write", [1] = "read", [2] = "no data" }
local opcodes = {
	[0x00] = "TEST UNIT READY", [0x03] = "REQUEST SENSE", [0x08] = "READ(6)", [0x0A] = "WRITE(6)", [0x12] = "INQUIRY",
	[0x1A] = "MODE SENSE(6)", [0x1B] = "START STOP UNIT", [0x1E] = "PREVENT ALLOW MEDIUM REMOVAL",
	[0x25] = "READ CAPACITY(10)", [0x28] = "READ(10)", [0x2A] = "WRITE(10)", [0x2F] = "VERIFY(10)",
	[0x35] = "SYNCHRONIZE CACHE(10)", [0x41] = "WRITE SAME(10)", [0x42] = "UNMAP", [0x4D] = "LOG SENSE",
	[0x5A] = "MODE SENSE(10)", [0x5E] = "PERSISTENT RESERVE IN", [0x85] = "ATA PASS-THROUGH(16)", [0x88] = "READ(16)",
	[0x8A] = "WRITE(16)", [0x8F] = "VERIFY(16)", [0x91] = "SYNCHRONIZE CACHE(16)", [0x93] = "WRITE SAME(16)",
	[0x9E] = "SERVICE ACTION IN(16)", [0xA0] = "REPORT LUNS", [0xA1] = "ATA PASS-THROUGH(12)", [0xA3] = "MAINTENANCE IN",
	[0xA8] = "READ(12)", [0xAA] = "WRITE(12)",
}
local sense_keys = {
	[0] = "NO SENSE", [1] = "RECOVERED ERROR", [2] = "NOT READY", [3] = "MEDIUM ERROR", [4] = "HARDWARE ERROR",
	[5] = "ILLEGAL REQUEST", [6] = "UNIT ATTENTION", [7] = "DATA PROTECT", [11] = "ABORTED COMMAND", [14] = "MISCOMPARE",
}

field("uint32", "operation", "Operation", base.DEC, operations)
field("uint32", "flags", "Flags", base.HEX)
field("bool", "flags.completion", "Completion requested", 32, nil, 0x1)
field("uint32", "status", "Status", base.HEX, vmbus.statuses)
field("uint32", "answered_operation", "Operation answered", base.DEC, operations)
field("uint16", "version", "Protocol version", base.HEX)
field("uint16", "revision", "Revision")
field("uint32", "client.flags", "What the guest understands", base.HEX)
field("uint16", "max_channels", "Sub-channels at most")
field("uint32", "properties.flags", "Properties", base.HEX)
field("bool", "properties.flags.multi", "Several channels", 32, nil, 0x1)
field("uint32", "max_transfer_bytes", "Largest transfer")
field("uint16", "sub_channel_count", "Sub-channels wanted")
field("uint8", "event.lun", "LUN")
field("uint8", "event.target", "Target")
field("uint8", "event.path", "Path")
field("uint8", "event.flags", "Event", base.HEX)
field("uint16", "srb.length", "Length of the SRB")
field("uint8", "srb.status", "SRB status", base.HEX, srb_statuses, 0x3F)
field("bool", "srb.queue_frozen", "Queue frozen", 8, nil, 0x40)
field("bool", "srb.autosense", "Autosense valid", 8, nil, 0x80)
field("uint8", "srb.scsi_status", "SCSI status", base.HEX, scsi_statuses)
field("uint8", "srb.port", "Port")
field("uint8", "srb.path", "Path")
field("uint8", "srb.target", "Target")
field("uint8", "srb.lun", "LUN")
field("uint8", "srb.cdb_length", "CDB length")
field("uint8", "srb.sense_length", "Sense length")
field("uint8", "srb.direction", "Data direction", base.DEC, data_directions)
field("uint32", "srb.transfer_length", "Transfer length")
field("bytes", "srb.cdb", "CDB")
field("uint8", "cdb.opcode", "Opcode", base.HEX, opcodes)
field("uint64", "cdb.lba", "Logical block")
field("uint32", "cdb.blocks", "Blocks")
field("bytes", "srb.sense", "Sense")
field("uint8", "sense.key", "Sense key", base.HEX, sense_keys, 0x0F)
field("uint8", "sense.asc", "Additional sense code", base.HEX)
field("uint8", "sense.ascq", "Additional sense code qualifier", base.HEX)
field("uint8", "srb.queue_tag", "Queue tag")
field("uint8", "srb.queue_action", "Queue action", base.HEX, { [0x20] = "simple" })
field("uint32", "srb.flags", "SRB flags", base.HEX)
field("bool", "srb.flags.queue_action", "Queue action enabled", 32, nil, 0x00000002)
field("bool", "srb.flags.no_synch", "Synchronous transfer disabled", 32, nil, 0x00000008)
field("bool", "srb.flags.in", "Data in", 32, nil, 0x00000040)
field("bool", "srb.flags.out", "Data out", 32, nil, 0x00000080)
field("bool", "srb.flags.no_freeze", "No queue freeze", 32, nil, 0x00000100)
field("uint32", "srb.timeout", "Time limit (s)")
field("uint32", "srb.sort_key", "Sort key")
field("bytes", "rest", "Rest")

experts.short = ProtoExpert.new("vstor.short", "Shorter than a VSTOR packet", expert.group.MALFORMED, expert.severity.ERROR)
experts.unknown = ProtoExpert.new("vstor.unknown", "Unknown operation", expert.group.UNDECODED, expert.severity.WARN)
experts.refused = ProtoExpert.new("vstor.refused", "Operation failed", expert.group.RESPONSE_CODE, expert.severity.WARN)
experts.srb = ProtoExpert.new("vstor.srb.failed", "SRB failed", expert.group.RESPONSE_CODE, expert.severity.WARN)
-- A refused command is part of finding out what a disk can do.
experts.check = ProtoExpert.new("vstor.srb.check", "CHECK CONDITION", expert.group.RESPONSE_CODE, expert.severity.NOTE)

proto.fields = {}
for _, one in pairs(fields) do
	table.insert(proto.fields, one)
end
proto.experts = {}
for _, one in pairs(experts) do
	table.insert(proto.experts, one)
end

-- Where the block number and the count of blocks stand, by the group that the opcode's first three bits name.
local places = {
	[0x08] = { 1, 3, 4, 1 }, [0x0A] = { 1, 3, 4, 1 }, -- 21 bits of a block number; see below
	[0x28] = { 2, 4, 7, 2 }, [0x2A] = { 2, 4, 7, 2 }, [0x2F] = { 2, 4, 7, 2 }, [0x35] = { 2, 4, 7, 2 }, [0x41] = { 2, 4, 7, 2 },
	[0xA8] = { 2, 4, 6, 4 }, [0xAA] = { 2, 4, 6, 4 },
	[0x88] = { 2, 8, 10, 4 }, [0x8A] = { 2, 8, 10, 4 }, [0x8F] = { 2, 8, 10, 4 }, [0x91] = { 2, 8, 10, 4 }, [0x93] = { 2, 8, 10, 4 },
}

-- Returns what the list shows of a command.
local function add_cdb(tree, cdb)
	local opcode = cdb(0, 1):uint()
	local branch = tree:add(fields["srb.cdb"], cdb())
	local name = opcodes[opcode] or string.format("opcode 0x%02x", opcode)
	local place = places[opcode]

	branch:add(fields["cdb.opcode"], cdb(0, 1))
	if opcode == 0x12 and cdb:len() > 2 and cdb(1, 1):uint() % 2 == 1 then
		name = string.format("%s page 0x%02x", name, cdb(2, 1):uint())
	elseif opcode == 0x9E and cdb:len() > 1 and cdb(1, 1):uint() % 32 == 0x10 then
		name = "READ CAPACITY(16)"
	end
	if not place or place[3] + place[4] > cdb:len() then
		return name
	end
	local lba, blocks = cdb(place[1], place[2]), cdb(place[3], place[4])
	local number = lba:uint64()

	if place[2] == 3 then
		number = UInt64.new(lba:uint() % 0x200000)
	end
	branch:add(fields["cdb.lba"], lba, number)
	branch:add(fields["cdb.blocks"], blocks)
	return string.format("%s %s+%d", name, tostring(number), blocks:uint())
end

local function add_sense(tree, sense)
	local branch = tree:add(fields["srb.sense"], sense())

	-- Only the fixed format is spoken here.
	if sense:len() < 14 or sense(0, 1):uint() % 128 > 0x71 then
		return "sense"
	end
	branch:add(fields["sense.key"], sense(2, 1))
	branch:add(fields["sense.asc"], sense(12, 1))
	branch:add(fields["sense.ascq"], sense(13, 1))
	local key = sense(2, 1):uint() % 16

	return string.format("%s %02x/%02x", sense_keys[key] or key, sense(12, 1):uint(), sense(13, 1):uint())
end

-- The part of an SRB that means the same in both directions.
local function add_srb_common(tree, srb)
	tree:add_le(fields["srb.length"], srb(0, 2))
	tree:add_le(fields["srb.port"], srb(4, 1))
	tree:add_le(fields["srb.path"], srb(5, 1))
	tree:add_le(fields["srb.target"], srb(6, 1))
	tree:add_le(fields["srb.lun"], srb(7, 1))
	tree:add_le(fields["srb.cdb_length"], srb(8, 1))
	tree:add_le(fields["srb.sense_length"], srb(9, 1))
	tree:add_le(fields["srb.direction"], srb(10, 1))
	tree:add_le(fields["srb.transfer_length"], srb(12, 4))
	tree:add_le(fields["srb.queue_tag"], srb(38, 1))
	tree:add_le(fields["srb.queue_action"], srb(39, 1))
	for _, name in ipairs({ "srb.flags", "srb.flags.queue_action", "srb.flags.no_synch", "srb.flags.in", "srb.flags.out",
				"srb.flags.no_freeze" }) do
		tree:add_le(fields[name], srb(40, 4))
	end
	tree:add_le(fields["srb.timeout"], srb(44, 4))
	tree:add_le(fields["srb.sort_key"], srb(48, 4))
end

local function add_request_srb(tree, srb, pinfo, context)
	local bytes = math.max(1, math.min(srb(8, 1):uint(), 16))
	local command = add_cdb(tree, srb(16, bytes):tvb())
	local text = string.format("LUN %d %s", srb(7, 1):uint(), command)

	if context.exchange and not pinfo.visited then
		context.exchange.text = text
	end
	return text
end

local function add_response_srb(tree, srb, context)
	local status, scsi_status = srb(2, 1):uint(), srb(3, 1):uint()
	local text = srb_statuses[status % 64] or string.format("SRB status 0x%02x", status % 64)

	tree:add_le(fields["srb.status"], srb(2, 1))
	tree:add_le(fields["srb.queue_frozen"], srb(2, 1))
	tree:add_le(fields["srb.autosense"], srb(2, 1))
	tree:add_le(fields["srb.scsi_status"], srb(3, 1))
	if scsi_status ~= 0 then
		text = text .. " " .. (scsi_statuses[scsi_status] or string.format("SCSI status 0x%02x", scsi_status))
	end
	if status >= 128 and srb(9, 1):uint() > 0 then
		text = text .. " " .. add_sense(tree, srb(16, math.min(srb(9, 1):uint(), 20)):tvb())
	end
	if scsi_status == 2 then
		tree:add_proto_expert_info(experts.check, text)
	elseif status % 64 ~= 1 then
		tree:add_proto_expert_info(experts.srb, text)
	end
	return string.format("%s, %d bytes%s", text, srb(12, 4):le_uint(),
			     context.exchange and context.exchange.text and " (" .. context.exchange.text .. ")" or "")
end

local function version_text(range)
	return string.format("%d.%d", range:le_uint() / 256, range:le_uint() % 256)
end

-- The union behind the status, by the operation asked for. Returns a text for the list, or nil.
local function add_body(tree, body, pinfo, operation, context)
	if operation == 3 then
		local branch = tree:add(body(), "SRB")

		add_srb_common(branch, body)
		if context.answers then
			return add_response_srb(branch, body, context)
		end
		return add_request_srb(branch, body, pinfo, context)
	elseif operation == 9 then
		tree:add_le(fields.version, body(0, 2)):append_text(" (" .. version_text(body(0, 2)) .. ")")
		tree:add_le(fields.revision, body(2, 2))
		return version_text(body(0, 2))
	elseif operation == 10 and context.answers then
		tree:add_le(fields.max_channels, body(4, 2))
		tree:add_le(fields["properties.flags"], body(8, 4))
		tree:add_le(fields["properties.flags.multi"], body(8, 4))
		tree:add_le(fields.max_transfer_bytes, body(12, 4))
		return body(4, 2):le_uint() .. " sub-channels at most"
	elseif operation == 10 then
		tree:add_le(fields["client.flags"], body(0, 4))
	elseif operation == 13 then
		tree:add_le(fields.sub_channel_count, body(0, 2))
		return tostring(body(0, 2):le_uint())
	elseif operation == 14 then
		tree:add_le(fields["event.lun"], body(0, 1))
		tree:add_le(fields["event.target"], body(1, 1))
		tree:add_le(fields["event.path"], body(2, 1))
		tree:add_le(fields["event.flags"], body(3, 1))
		return "LUN " .. body(0, 1):uint()
	end
	return nil
end

local function dissect(buffer, pinfo, root, context)
	local tree = root:add(proto, buffer())

	pinfo.cols.protocol = "VSTOR"
	-- Protocols before 6.0 have shorter SRBs, but the packet is padded to its full size.
	if buffer:len() < 64 then
		tree:add_proto_expert_info(experts.short)
		return "VSTOR packet that is too short"
	end
	local operation, status = buffer(0, 4):le_uint(), buffer(8, 4):le_uint()
	local asked = operation
	local text = operations[operation]

	tree:add_le(fields.operation, buffer(0, 4))
	tree:add_le(fields.flags, buffer(4, 4))
	tree:add_le(fields["flags.completion"], buffer(4, 4))
	if context.exchange and not context.answers and not pinfo.visited then
		context.exchange.operation = operation
	end
	if not text then
		tree:add_proto_expert_info(experts.unknown)
		text = "unknown operation " .. operation
	end
	if context.answers then
		tree:add_le(fields.status, buffer(8, 4))
		asked = context.exchange and context.exchange.operation
		if asked then
			tree:add(fields.answered_operation, asked):set_generated()
			text = asked == 3 and text or text .. " " .. (operations[asked] or asked)
		end
		if status ~= 0 then
			local name = vmbus.statuses[status] or string.format("0x%08x", status)

			tree:add_proto_expert_info(experts.refused, "Status " .. name)
			text = text .. " " .. name
		end
	end
	local more = asked and add_body(tree, buffer(12):tvb(), pinfo, asked, context)

	text = text .. (more and " " .. more or "")
	tree:append_text(", " .. text)
	return text
end

-- The same protocol on all three kinds of controllers.
vmbus.register("ba6163d9-04a1-4d29-b605-72e2ffb1dc7f", "SCSI", dissect)
vmbus.register("32412632-86cb-44a2-9b5c-50d1417354f5", "IDE", dissect)
vmbus.register("2f9bcc4a-0069-4af3-b76b-6fd0be528cda", "Fibre Channel", dissect)
