-- SPDX-License-Identifier: GPL-2.0
--
-- Wireshark dissector for traces of hvis-host (docs/trace.md): VMBus control messages, ring packets,
-- signals and guest data. What a channel carries is dissected by whoever registered its interface type
-- (bottom of this file; vstor.lua for storage, dm.lua for dynamic memory, ic.lua for integration services).
--	tshark -X lua_script:tools/wireshark/vmbus.lua -r FILE.pcapng
-- Layouts: host/trace.h, include/wire/chanmsg.h, gpadl.h, packet.h.

local proto = Proto("vmbus", "VMBus")
local fields, experts = {}, {}

-- Makes a field "vmbus.NAME" once and remembers it under NAME.
local function field(kind, name, title, ...)
	fields[name] = ProtoField[kind]("vmbus." .. name, title, ...)
end

local function expert_item(name, text, group, severity)
	experts[name] = ProtoExpert.new("vmbus." .. name, text, group, severity)
end

-- Names of values. ---------------------------------------------------------------------------------

local kinds = { [1] = "control message", [2] = "ring packet", [3] = "doorbell", [4] = "interrupt", [5] = "guest data" }
local directions = { [1] = "to host", [2] = "to guest" }
local packet_types = { [6] = "INBAND", [7] = "XFER_PAGES", [8] = "GPADL", [9] = "GPA_DIRECT", [11] = "COMPLETION" }
local statuses = {
	[0] = "SUCCESS",
	[0x80000011] = "DEVICE_BUSY",
	[0xC0000001] = "UNSUCCESSFUL",
	[0xC000000D] = "INVALID_PARAMETER",
	[0xC0000010] = "INVALID_DEVICE_REQUEST",
	[0xC0000059] = "REVISION_MISMATCH",
	[0xC000009A] = "INSUFFICIENT_RESOURCES",
	[0xC00000BB] = "NOT_SUPPORTED",
	[0xC0000184] = "INVALID_DEVICE_STATE",
	[0xC0000225] = "NOT_FOUND",
}
-- Interface types by GUID: a name, and after vmbus.register() the dissector of what their channels carry.
local types = {
	["ba6163d9-04a1-4d29-b605-72e2ffb1dc7f"] = { name = "SCSI" },
	["32412632-86cb-44a2-9b5c-50d1417354f5"] = { name = "IDE" },
	["2f9bcc4a-0069-4af3-b76b-6fd0be528cda"] = { name = "Fibre Channel" },
	["f8615163-df3e-46c5-913f-f2d2f965ed0e"] = { name = "network" },
	["525074dc-8985-46e2-8057-a307dc18a502"] = { name = "dynamic memory" },
	["9527e630-d0ae-497b-adce-e80ab0175caf"] = { name = "time synchronisation" },
	["57164f39-9115-4e78-ab55-382f3bd5422d"] = { name = "heartbeat" },
	["0e0b6031-5213-4934-818b-38d90ced39db"] = { name = "shutdown" },
	["a9a0f4e7-5a45-4d96-b827-8a841e8c03e6"] = { name = "key-value pairs" },
	["35fa2e29-ea23-4236-96ae-3a6ebacba440"] = { name = "volume snapshots" },
	["34d14be3-dee4-41c8-9ae7-6b174977c192"] = { name = "file copy" },
}

-- Fields. ------------------------------------------------------------------------------------------

field("uint8", "trace.version", "Version of the trace header")
field("uint8", "kind", "Kind", base.DEC, kinds)
field("uint8", "direction", "Direction", base.DEC, directions)
field("uint8", "flags", "Flags", base.HEX)
field("bool", "flags.cut", "Data was cut", 8, nil, 0x01)
field("bool", "flags.raised", "Interrupt was raised", 8, nil, 0x02)
field("uint32", "channel", "Channel (relid)")
field("uint16", "sub_channel", "Sub-channel")
field("string", "type", "Interface type")
field("uint32", "msg.connection", "Message connection id")
field("uint32", "msg.vp", "Delivered to VP")
field("uint32", "doorbells", "Doorbells")
field("uint32", "interrupt.vp", "Interrupt to VP")
field("uint16", "interrupt.flag", "Event flag")
field("uint32", "data.length", "Bytes of the transfer")
field("bytes", "data", "Guest data")

field("uint32", "msg.type", "Message type")
field("string", "msg.name", "Message")
field("uint32", "relid", "Relid")
field("uint32", "version", "VMBus version", base.HEX)
field("uint32", "target_vcpu", "VP for messages")
field("uint8", "msg_sint", "SINT for messages")
field("uint8", "msg_vtl", "VTL for messages")
field("uint32", "feature_flags", "Feature flags", base.HEX)
field("uint64", "interrupt_page", "Interrupt page", base.HEX)
field("uint64", "monitor_page_to_guest", "Monitor page to the guest", base.HEX)
field("uint64", "monitor_page_to_host", "Monitor page to the host", base.HEX)
field("uint8", "supported", "Version supported")
field("uint8", "connection_state", "Connection state")
field("uint32", "msg_connection_id", "Connection id for later messages")
field("string", "if_type", "Interface type")
field("string", "if_instance", "Interface instance")
field("uint16", "offer.flags", "Offer flags", base.HEX)
field("bool", "offer.flags.enumerate", "Enumerate the device's interface", 16, nil, 0x0001)
field("bool", "offer.flags.named_pipe", "Named pipe mode", 16, nil, 0x0010)
field("uint16", "mmio_megabytes", "MMIO (MiB)")
field("bytes", "user_data", "User data")
field("uint16", "sub_channel_index", "Sub-channel index")
field("uint8", "monitor_id", "Monitor id")
field("uint8", "monitor_allocated", "Monitor allocated")
field("uint16", "dedicated_interrupt", "Dedicated doorbell")
field("uint32", "connection_id", "Connection id of its doorbell", base.HEX)
field("uint32", "open_id", "Open id")
field("uint32", "ring_gpadl", "GPADL of the rings", base.HEX)
field("uint32", "target_vp", "VP to interrupt")
field("uint32", "downstream_page", "First page of the host-to-guest ring")
field("uint32", "status", "Status", base.HEX, statuses)
field("uint32", "gpadl", "GPADL", base.HEX)
field("uint16", "range_buflen", "Bytes of all ranges")
field("uint16", "rangecount", "Ranges")
field("uint32", "msgnumber", "Number of this part")

field("uint16", "packet.type", "Packet type", base.DEC, packet_types)
field("uint16", "packet.offset8", "Payload offset (8 bytes)")
field("uint16", "packet.len8", "Length (8 bytes)")
field("uint16", "packet.flags", "Packet flags", base.HEX)
field("bool", "packet.flags.completion", "Completion requested", 16, nil, 0x0001)
field("uint64", "packet.id", "Transaction id", base.HEX)
field("uint32", "packet.range_count", "Ranges")
field("uint16", "packet.pageset", "Page set id")
field("uint8", "packet.sender_owns", "Sender owns the set")
field("uint32", "range.bytes", "Bytes")
field("uint32", "range.offset", "Offset into the first page")
field("uint64", "range.pfn", "Page", base.HEX)
field("bytes", "payload", "Payload")

field("framenum", "request_in", "Request in", base.NONE, frametype.REQUEST)
field("framenum", "response_in", "Response in", base.NONE, frametype.RESPONSE)
field("relative_time", "time", "Time since the request")

expert_item("short", "Shorter than its type", expert.group.MALFORMED, expert.severity.ERROR)
expert_item("unknown", "Unknown type", expert.group.UNDECODED, expert.severity.WARN)
expert_item("refused", "Refused", expert.group.RESPONSE_CODE, expert.severity.WARN)
expert_item("unasked", "Answer to no request in this trace", expert.group.SEQUENCE, expert.severity.WARN)
expert_item("twice", "Transaction id is in flight already", expert.group.SEQUENCE, expert.severity.WARN)
expert_item("other_flag", "Not the channel's event flag", expert.group.PROTOCOL, expert.severity.WARN)
expert_item("unanswered", "No answer in this trace", expert.group.SEQUENCE, expert.severity.NOTE)

proto.fields = {}
for _, one in pairs(fields) do
	table.insert(proto.fields, one)
end
proto.experts = {}
for _, one in pairs(experts) do
	table.insert(proto.experts, one)
end

-- Requests and their answers. ----------------------------------------------------------------------

-- pending[CHANNEL][KEY] is the exchange that waits for an answer; by_frame[FRAME] the one it belongs to.
-- They are made when a frame is seen for the first time; later looks only read them.
-- agreed: the version, nil if the trace began later.
local pending, by_frame, agreed

function proto.init()
	pending, by_frame, agreed = {}, {}, nil
end

-- Opens an exchange. Returns it, and whether the key was in use.
local function ask(pinfo, channel, key)
	if not pinfo.visited then
		local waiting = pending[channel] or {}
		local twice = waiting[key] ~= nil

		pending[channel] = waiting
		waiting[key] = { request = pinfo.number, asked = pinfo.rel_ts, twice = twice }
		by_frame[pinfo.number] = waiting[key]
	end
	return by_frame[pinfo.number]
end

-- Ends an exchange. Returns it, or nil: nobody asked.
local function answer(pinfo, channel, key)
	if not pinfo.visited then
		local exchange = pending[channel] and pending[channel][key]

		if exchange then
			pending[channel][key] = nil
			exchange.response, exchange.answered = pinfo.number, pinfo.rel_ts
			by_frame[pinfo.number] = exchange
		end
	end
	return by_frame[pinfo.number]
end

local function forget(pinfo, channel)
	if pinfo.visited then
		return
	elseif channel then
		pending[channel] = nil
	else
		pending = {}
	end
end

-- Writes "request in" or "response in" and the time between.
local function show_exchange(tree, pinfo, exchange, is_answer)
	if is_answer and not exchange then
		tree:add_proto_expert_info(experts.unasked)
	elseif is_answer then
		local time = exchange.answered - exchange.asked
		local seconds = math.floor(time)

		tree:add(fields.request_in, exchange.request):set_generated()
		tree:add(fields.time, NSTime(seconds, math.floor((time - seconds) * 1e9 + 0.5))):set_generated()
	elseif exchange then
		if exchange.twice then
			tree:add_proto_expert_info(experts.twice)
		end
		if exchange.response then
			tree:add(fields.response_in, exchange.response):set_generated()
		elseif pinfo.visited then
			tree:add_proto_expert_info(experts.unanswered)
		end
	end
end

-- Pieces. ------------------------------------------------------------------------------------------

-- The text of a GUID as it lies in memory: its first three fields are little-endian.
local function guid_text(range)
	local hex = range:bytes():tohex():lower()
	local function swapped(from, to)
		local text = ""

		for i = to - 1, from, -2 do
			text = text .. hex:sub(i, i + 1)
		end
		return text
	end
	return swapped(1, 8) .. "-" .. swapped(9, 12) .. "-" .. swapped(13, 16) .. "-" .. hex:sub(17, 20) .. "-" .. hex:sub(21)
end

local function type_name(guid)
	return types[guid] and types[guid].name or guid
end

local function status_name(number)
	return statuses[number] or string.format("0x%08x", number)
end

local function add_status(tree, item, range)
	local number = range:le_uint()

	tree:add_le(item, range)
	if number ~= 0 then
		tree:add_proto_expert_info(experts.refused, "Status " .. status_name(number))
	end
	return status_name(number)
end

-- One byte range over whole pages with its page numbers. Returns the offset behind it, or nil: it does not fit.
local function add_range(tree, buffer, offset, known)
	if buffer:len() - offset < 8 then
		return nil
	end
	local bytes, first = buffer(offset, 4):le_uint(), buffer(offset + 4, 4):le_uint()
	local pages = math.floor((first + bytes + 4095) / 4096)
	local there = math.min(pages, math.floor((buffer:len() - offset - 8) / 8))
	local branch = tree:add(buffer(offset, 8 + 8 * there), string.format("Range of %d bytes on %d pages", bytes, pages))

	branch:add_le(fields["range.bytes"], buffer(offset, 4))
	branch:add_le(fields["range.offset"], buffer(offset + 4, 4))
	for i = 0, there - 1 do
		branch:add_le(fields["range.pfn"], buffer(offset + 8 + 8 * i, 8))
	end
	if there < pages and not known then
		tree:add_proto_expert_info(experts.short, "The page numbers do not fit")
		return nil
	end
	return offset + 8 + 8 * there
end

local function add_pfns(tree, buffer, offset)
	while buffer:len() - offset >= 8 do
		tree:add_le(fields["range.pfn"], buffer(offset, 8))
		offset = offset + 8
	end
end

-- Control messages. --------------------------------------------------------------------------------

-- What INITIATE_CONTACT has in the middle depends on the version.
local function add_contact(tree, buffer)
	if buffer(8, 4):le_uint() >= 0x00050000 then
		tree:add_le(fields.msg_sint, buffer(16, 1))
		tree:add_le(fields.msg_vtl, buffer(17, 1))
		tree:add_le(fields.feature_flags, buffer(20, 4))
	else
		tree:add_le(fields.interrupt_page, buffer(16, 8))
	end
end

local function add_guids(tree, buffer)
	local kind = guid_text(buffer(8, 16))

	tree:add(fields.if_type, buffer(8, 16), kind):append_text(" (" .. type_name(kind) .. ")")
	tree:add(fields.if_instance, buffer(24, 16), guid_text(buffer(24, 16)))
	tree:add_le(fields["offer.flags.enumerate"], buffer(56, 2))
	tree:add_le(fields["offer.flags.named_pipe"], buffer(56, 2))
	return type_name(kind) .. (buffer(180, 2):le_uint() > 0 and " sub-channel " .. buffer(180, 2):le_uint() or "")
end

-- The first range of a GPADL; its page numbers go on in the bodies.
local function add_gpadl_ranges(tree, buffer)
	add_range(tree, buffer, 20, true)
end

local function add_gpadl_pages(tree, buffer)
	add_pfns(tree, buffer, 16)
end

local function key_at(name, ...)
	local places = { ... }

	return function(buffer)
		local key = name

		for _, place in ipairs(places) do
			key = key .. ":" .. buffer(place, 4):le_uint()
		end
		return key
	end
end

-- Per type: its name, its length at least, its fields as { offset, bytes, name }; more: a function for the rest,
-- which may return a text for the list; asks, answers: the key of its exchange; answered_since: the version; ends: whose
-- exchanges end with it.
local relid = { 8, 4, "relid" }
local messages = {
	[1] = { "OFFER", 196, { { 56, 2, "offer.flags" }, { 58, 2, "mmio_megabytes" }, { 60, 120, "user_data" },
		{ 180, 2, "sub_channel_index" }, { 184, 4, "relid" }, { 188, 1, "monitor_id" }, { 189, 1, "monitor_allocated" },
		{ 190, 2, "dedicated_interrupt" }, { 192, 4, "connection_id" } }, more = add_guids },
	[2] = { "RESCIND", 12, { relid } },
	[3] = { "REQUEST_OFFERS", 8, {}, asks = key_at("offers") },
	[4] = { "ALL_OFFERS_DELIVERED", 8, {}, answers = key_at("offers") },
	[5] = { "OPEN", 148, { relid, { 12, 4, "open_id" }, { 16, 4, "ring_gpadl" }, { 20, 4, "target_vp" },
		{ 24, 4, "downstream_page" }, { 28, 120, "user_data" } }, asks = key_at("open", 8, 12), ends = true },
	[6] = { "OPEN_RESULT", 20, { relid, { 12, 4, "open_id" }, { 16, 4, "status" } }, answers = key_at("open", 8, 12) },
	[7] = { "CLOSE", 12, { relid } },
	[8] = { "GPADL_HEADER", 20, { relid, { 12, 4, "gpadl" }, { 16, 2, "range_buflen" }, { 18, 2, "rangecount" } },
		more = add_gpadl_ranges, asks = key_at("gpadl", 12) },
	[9] = { "GPADL_BODY", 16, { { 8, 4, "msgnumber" }, { 12, 4, "gpadl" } }, more = add_gpadl_pages },
	[10] = { "GPADL_CREATED", 20, { relid, { 12, 4, "gpadl" }, { 16, 4, "status" } }, answers = key_at("gpadl", 12) },
	[11] = { "GPADL_TEARDOWN", 16, { relid, { 12, 4, "gpadl" } }, asks = key_at("teardown", 12) },
	[12] = { "GPADL_TORNDOWN", 12, { { 8, 4, "gpadl" } }, answers = key_at("teardown", 8) },
	[13] = { "RELID_RELEASED", 12, { relid } },
	[14] = { "INITIATE_CONTACT", 40, { { 8, 4, "version" }, { 12, 4, "target_vcpu" }, { 24, 8, "monitor_page_to_guest" },
		{ 32, 8, "monitor_page_to_host" } }, more = add_contact, asks = key_at("contact"), ends = "all" },
	[15] = { "VERSION_RESPONSE", 16, { { 8, 1, "supported" }, { 9, 1, "connection_state" }, { 12, 4, "msg_connection_id" } },
		answers = key_at("contact") },
	[16] = { "UNLOAD", 8, {}, asks = key_at("unload"), ends = "all" },
	[17] = { "UNLOAD_RESPONSE", 8, {}, answers = key_at("unload") },
	[22] = { "MODIFYCHANNEL", 16, { relid, { 12, 4, "target_vp" } }, asks = key_at("modify", 8), answered_since = 0x00050003 },
	[24] = { "MODIFYCHANNEL_RESPONSE", 16, { relid, { 12, 4, "status" } }, answers = key_at("modify", 8) },
}
-- Of these the list shows the values.
local telling = { relid = "relid %d", gpadl = "GPADL 0x%x", target_vp = "VP %d", supported = "supported %d" }

-- Adds the fields of a message. Returns what the list shows of them.
local function add_message_fields(tree, buffer, message)
	local text = message[1]

	for _, place in ipairs(message[3]) do
		local offset, bytes, name = place[1], place[2], place[3]
		local range = buffer(offset, bytes)

		if name == "status" then
			text = text .. " " .. add_status(tree, fields.status, range)
		elseif bytes > 8 then
			tree:add(fields[name], range)
		else
			local item = tree:add_le(fields[name], range)

			if name == "version" then
				local version = string.format("%d.%d", range:le_uint() / 65536, range:le_uint() % 65536)

				item:append_text(" (" .. version .. ")")
				text = text .. " " .. version
			elseif telling[name] then
				text = text .. " " .. string.format(telling[name], range:le_uint())
			end
		end
	end
	if message.more then
		local more = message.more(tree, buffer)

		text = text .. (more and " " .. more or "")
	end
	return text
end

-- Which version is spoken: some messages are answered in newer ones only.
local function note_version(pinfo, number, buffer, exchange)
	if pinfo.visited or not exchange then
		return
	elseif number == 14 then
		exchange.version = buffer(8, 4):le_uint()
	elseif number == 15 and buffer(8, 1):uint() ~= 0 then
		agreed = exchange.version
	end
end

-- The exchange a message belongs to, in the tree and in our books.
local function exchange_message(tree, buffer, pinfo, number, message)
	local silent = message.answered_since and agreed and agreed < message.answered_since
	local exchange

	if message.ends then
		forget(pinfo, message.ends ~= "all" and buffer(8, 4):le_uint() or nil)
	end
	if message.asks then
		if not silent or pinfo.visited then
			exchange = ask(pinfo, "control", message.asks(buffer))
		end
		show_exchange(tree, pinfo, exchange, false)
	elseif message.answers then
		exchange = answer(pinfo, "control", message.answers(buffer))
		show_exchange(tree, pinfo, exchange, true)
	end
	note_version(pinfo, number, buffer, exchange)
end

local function add_control(tree, buffer, pinfo)
	if buffer:len() < 8 then
		tree:add_proto_expert_info(experts.short)
		return "message without a header"
	end
	local number = buffer(0, 4):le_uint()
	local message = messages[number]
	local item = tree:add_le(fields["msg.type"], buffer(0, 4))

	if not message then
		tree:add_proto_expert_info(experts.unknown)
		return "message of unknown type " .. number
	end
	item:append_text(" (" .. message[1] .. ")")
	tree:add(fields["msg.name"], buffer(0, 4), message[1]):set_generated()
	if buffer:len() < message[2] then
		tree:add_proto_expert_info(experts.short)
		return message[1] .. " that is too short"
	end
	local text = add_message_fields(tree, buffer, message)

	exchange_message(tree, buffer, pinfo, number, message)
	return text
end

-- Ring packets. ------------------------------------------------------------------------------------

-- What stands between the descriptor and the payload. Returns false if it does not fit.
local function add_ranges(tree, buffer, packet_type, payload)
	if packet_type ~= 9 and packet_type ~= 7 then
		return payload <= buffer:len()
	elseif payload < 24 or payload > buffer:len() then
		return false
	end
	local count = buffer(20, 4):le_uint()
	local head = buffer(0, payload):tvb()
	local offset = 24

	tree:add_le(fields["packet.range_count"], buffer(20, 4))
	if packet_type == 7 then
		tree:add_le(fields["packet.pageset"], buffer(16, 2))
		tree:add_le(fields["packet.sender_owns"], buffer(18, 1))
		for _ = 1, math.min(count, math.floor((payload - 24) / 8)) do
			tree:add_le(fields["range.bytes"], buffer(offset, 4))
			tree:add_le(fields["range.offset"], buffer(offset + 4, 4))
			offset = offset + 8
		end
		return count * 8 <= payload - 24
	end
	for _ = 1, count do
		offset = add_range(tree, head, offset)
		if not offset then
			return false
		end
	end
	return true
end

local function add_descriptor(tree, buffer)
	local branch = tree:add(buffer(0, 16), "Descriptor")

	branch:add_le(fields["packet.type"], buffer(0, 2))
	branch:add_le(fields["packet.offset8"], buffer(2, 2))
	branch:add_le(fields["packet.len8"], buffer(4, 2))
	branch:add_le(fields["packet.flags"], buffer(6, 2))
	branch:add_le(fields["packet.flags.completion"], buffer(6, 2))
	tree:add_le(fields["packet.id"], buffer(8, 8))
end

-- The exchange of a packet, or nil if it neither asks nor answers; and whether it answers.
local function packet_exchange(buffer, pinfo, header)
	local id = buffer(8, 8):le_uint64():tohex()

	if buffer(0, 2):le_uint() == 11 then
		return answer(pinfo, header.relid, (3 - header.direction) .. id), true
	elseif buffer(6, 2):le_uint() % 2 == 1 then
		return ask(pinfo, header.relid, header.direction .. id), false
	end
	return nil, false
end

local function add_packet(tree, buffer, pinfo, header, root)
	if buffer:len() < 16 then
		tree:add_proto_expert_info(experts.short)
		return "packet without a descriptor"
	end
	local packet_type, payload = buffer(0, 2):le_uint(), buffer(2, 2):le_uint() * 8
	local name = packet_types[packet_type]
	local exchange, answers = packet_exchange(buffer, pinfo, header)
	local context = { exchange = exchange, answers = answers, to_host = header.direction == 1 }

	add_descriptor(tree, buffer)
	if exchange or answers then
		show_exchange(tree, pinfo, exchange, answers)
	end
	if not name then
		tree:add_proto_expert_info(experts.unknown)
	end
	if payload < 16 or not add_ranges(tree, buffer, packet_type, payload) then
		tree:add_proto_expert_info(experts.short, "Ranges or payload outside the packet")
		return (name or "packet") .. " that is malformed"
	end
	local text = string.format("%s id 0x%s", name or "packet of unknown type", buffer(8, 8):le_uint64():tohex():gsub("^0+(.)", "%1"))
	local carried = types[header.type]

	if payload == buffer:len() then
		return text
	elseif carried and carried.dissect then
		return carried.dissect(buffer(payload):tvb(), pinfo, root, context) .. ", " .. text
	end
	tree:add(fields.payload, buffer(payload))
	return text .. ", " .. (buffer:len() - payload) .. " bytes"
end

-- Records. -----------------------------------------------------------------------------------------

local function add_data(tree, buffer, pinfo, header)
	if buffer:len() < 8 then
		tree:add_proto_expert_info(experts.short)
		return "data without an id"
	end
	local key = "1" .. buffer(0, 8):le_uint64():tohex()

	if not pinfo.visited and pending[header.relid] then
		by_frame[pinfo.number] = pending[header.relid][key]
	end
	tree:add_le(fields["packet.id"], buffer(0, 8))
	if by_frame[pinfo.number] then
		tree:add(fields.request_in, by_frame[pinfo.number].request):set_generated()
	end
	if buffer:len() > 8 then
		tree:add(fields.data, buffer(8))
	end
	return string.format("%d of %d bytes of data", buffer:len() - 8, header.value)
end

local function add_header(tree, buffer, header)
	tree:add_le(fields["trace.version"], buffer(0, 1))
	tree:add_le(fields.kind, buffer(1, 1))
	tree:add_le(fields.direction, buffer(2, 1))
	tree:add_le(fields.flags, buffer(3, 1))
	if header.kind == 1 then
		tree:add_le(header.direction == 1 and fields["msg.connection"] or fields["msg.vp"], buffer(8, 4))
		return
	end
	tree:add_le(fields.channel, buffer(4, 4))
	tree:add_le(fields.sub_channel, buffer(12, 2))
	tree:add(fields.type, buffer(16, 16), header.type):append_text(" (" .. type_name(header.type) .. ")")
end

local function add_record(tree, buffer, pinfo, header, root)
	if header.kind == 1 then
		return add_control(tree, buffer, pinfo)
	elseif header.kind == 2 then
		return add_packet(tree, buffer, pinfo, header, root)
	elseif header.kind == 3 then
		tree:add(fields.doorbells, header.value)
		return header.value > 1 and header.value .. " doorbells" or "doorbell"
	elseif header.kind == 4 then
		tree:add(fields["flags.raised"], header.flags)
		tree:add(fields["interrupt.vp"], header.value)
		tree:add(fields["interrupt.flag"], header.event_flag)
		if header.event_flag ~= header.relid then
			tree:add_proto_expert_info(experts.other_flag)
		end
		return "interrupt to VP " .. header.value .. (header.flags < 2 and ", still pending" or "")
	elseif header.kind == 5 then
		tree:add(fields["flags.cut"], header.flags)
		tree:add(fields["data.length"], header.value)
		return add_data(tree, buffer, pinfo, header)
	end
	tree:add_proto_expert_info(experts.unknown)
	return "record of unknown kind " .. header.kind
end

function proto.dissector(buffer, pinfo, root)
	local tree = root:add(proto, buffer())

	pinfo.cols.protocol = "VMBus"
	if buffer:len() < 32 or buffer(0, 1):uint() ~= 1 then
		tree:add_proto_expert_info(experts.unknown, "Not a trace header of version 1")
		return 0
	end
	local header = {
		kind = buffer(1, 1):uint(), direction = buffer(2, 1):uint(), flags = buffer(3, 1):uint(),
		relid = buffer(4, 4):le_uint(), value = buffer(8, 4):le_uint(), event_flag = buffer(14, 2):le_uint(), type = guid_text(buffer(16, 16)),
	}

	pinfo.cols.src = header.direction == 1 and "guest" or "host"
	pinfo.cols.dst = header.direction == 1 and "host" or "guest"
	add_header(tree:add(buffer(0, 32), "Trace record: " .. (kinds[header.kind] or header.kind)), buffer, header)
	local rest = buffer:len() > 32 and buffer(32):tvb() or ByteArray.new(""):tvb("nothing")
	local text = add_record(tree, rest, pinfo, header, root)

	pinfo.cols.info = header.kind == 1 and text or string.format("[%d] %s", header.relid, text)
	tree:append_text(", " .. text)
	return buffer:len()
end

DissectorTable.get("wtap_encap"):add((wtap_encaps or wtap).USER0, proto)

-- Protocols on channels. ---------------------------------------------------------------------------

-- The one global: what other files use to take part. vmbus.register(GUID, NAME, FUNCTION) says who dissects the payload
-- of packets on channels of that interface type. FUNCTION(buffer, pinfo, tree, context) returns a text for the list.
-- context.exchange: a table shared by a request and its answer, to note things in while pinfo.visited is false (nil for
-- packets without an answer); context.answers: this is the answer; context.to_host: its direction.
_G.vmbus = {
	statuses = statuses,
	register = function(guid, name, dissect)
		types[guid] = { name = name, dissect = dissect }
	end,
}

local folder = debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/\\]*$", "")

for _, name in ipairs({ "vstor.lua", "dm.lua", "ic.lua" }) do
	dofile(folder .. name)
end
