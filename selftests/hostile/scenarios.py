# SPDX-License-Identifier: GPL-2.0
"""What a host does wrong in selftests/hostile: per scenario the rules of docs/fault.md.

What the guest does meanwhile, and what must come of it, says the script of the part (the keys of PARTS) under the same
name. Numbers in names are the rows of docs/hostile.md.
"""

import re
from dataclasses import dataclass, field

# Not in make check, as others of their kind are, or as they wait long: names as regular expressions.
RARE = (
    "silent-on-one-channel", "silent-everything", "storvsc-33-capacity-change-as-success", "storvsc-37-srb-status-(05|09|0a|0e|12|30|3f)",
    "vmbus-15-packets-of-odd-types", "vmbus-13-relids-that-nobody-has", "vmbus-22-unload-answered-twice",
    "silent-at-(gpadl|open|query-protocol-version|query-properties|end-initialization|close|teardown)", "open-refused",
    "storvsc-39-(query-protocol-version|query-properties|end-initialization)-refused", "storvsc-35-max-transfer-(0|16777216)",
    "net-(range-longer-than-the-buffer|range-without-a-header|data-length-wraps|ppi-outside-of-the-message|rndis-type-unknown)",
    "net-(frame-of-one-byte|48-part-without-a-first|48-parts-of-two-frames|completions-too-short|sub-channel-breaks|read-index-past-the-end)",
    "net-41-table-of-(64|128|256)", "net-10-alignment-of-(8|200)", "net-send-section-of-(1|4294967295)",
    "net-recv-buffer-(no-bytes|two-sections|not-at-the-start)", "net-no-messages-in-a-packet", "net-query-answer-far-away",
    "net-table-to-send-by-(too-long|elsewhere)", "net-answer-of-another-type",
    "net-silent-at-(init|send-buf|query-.*|set-offloads|set-rss|sub-channel|gpadl|gpadl-teardown|open|probe)",
    "net-45-rescind-at-(init|initialize|query|sub-channel)",
    "balloon-message-(longer-than-the-packet|of-the-guests-kind)", "balloon-info-cut-off", "balloon-defect-6-range-(of-64-GiB|wraps)",
    "balloon-defect-7-answer-that-cannot-be-sent", "balloon-asks-for-more-than-it-counts",
    "balloon-hot-add-(beyond-addresses|of-nothing|outside-of-its-region|over-memory)", "balloon-silent-at-(caps-report|unload)",
    "balloon-(version-refused|capabilities-refused|answer-of-another-kind|write-index-past-the-end)",
    "balloon-rescind-at-(version-request|caps-report|status-report|unballoon-request|hot-remove-request)",
)


@dataclass(frozen=True)
class Scenario:
    """rules: must all hit, but for those in quiet (must never) and maybe (may). ends: seconds after which the host
    stops lying by itself, else when the guest is through. later: rules that the host adds when the guest says "now".
    theirs: seconds that the kernel's drivers get, whose own limits are constants (180 s for the start of a controller);
    0: the bound that the script gives ours."""

    name: str
    rules: list
    quiet: list = field(default_factory=list)
    maybe: list = field(default_factory=list)
    ends: float = 0
    later: list = field(default_factory=list)
    theirs: int = 0

    @property
    def rare(self):
        return any(re.fullmatch(pattern, self.name) for pattern in RARE)


TO = "packet,to=guest,channel=scsi0*"
FROM = "packet,from=guest,channel=scsi0*"
FIRST = "packet,to=guest,channel=scsi0"
READ = f"{FROM},cdb=0x28"
NO = 0xC0000001


def both_senses(status):
    """One command ends with that SRB status, the next with it and a sense flag that has no sense behind it."""
    return [f"{READ},count=1:answer,srb-status={status}",
            f"{READ},nth=2,count=1:answer,srb-status={status | 0x80},scsi-status=2"]


STORVSC = [
    Scenario("defect-1-broken-ring-ends-every-command", [f"{FIRST},nth=5,count=500:ring,in=to-guest,write=0xfffffff8"], theirs=60),
    Scenario("defect-2-rescind-under-load", [f"{TO},nth=40:rescind,channel=scsi0,reoffer=4000"], theirs=60),
    Scenario("defect-3-double-and-late-completions", [f"{TO},every=3:duplicate,ms=3", f"{TO},every=5:duplicate,ms=80"]),
    Scenario("defect-3-completions-with-made-up-ids",
             [f"{TO},every=7:duplicate,offset=-8,value=0x77777,size=8", f"{TO},every=5:duplicate,offset=-8,size=8,value=1"]),
    Scenario("defect-4-sense-flag-without-sense", [f"{TO},lun=0,count=3:answer,srb-status=0x84,scsi-status=0"]),
    Scenario("vmbus-1-write-index-past-the-end", ["now,channel=scsi0:ring,in=to-guest,write=0xfffffff8"], theirs=60),
    Scenario("vmbus-1-read-index-past-the-end", [f"{FIRST},nth=5,count=500:ring,in=from-guest,read=0xfffffff8"]),
    Scenario("vmbus-1-packet-longer-than-the-ring", [f"{FIRST},nth=2:corrupt,offset=-12,value=0xffff,size=2"]),
    Scenario("vmbus-1-sub-channels-break", [], later=[
        f"packet,to=guest,channel={name},nth=5,count=500:ring,in=to-guest,write=0xfffffff8" for name in ("scsi0.1", "scsi0.2")],
        theirs=60),
    # With a request each that has no answer.
    Scenario("sub-channels-are-rescinded", [], later=[
        f"packet,from=guest,channel={name},nth={nth},count=1:{verb}" for name in ("scsi0.1", "scsi0.3")
        for nth, verb in ((15, "drop"), (20, f"rescind,channel={name}"))], theirs=60),
    # That each channel is used afterwards.
    Scenario("host-reset-under-load", [], later=[
        f"packet,from=guest,channel={name},cdb=0x28,count=1:delay,ms=1" for name in ("scsi0", "scsi0.1", "scsi0.2", "scsi0.3")], theirs=120),
    Scenario("vmbus-15-unsolicited-packets",
             [f"now,channel=scsi0:send,type={kind},id={number},op={op},length={length}"
              for kind, number, op, length in ((6, 0, 1, 64), (11, 0, 1, 64), (11, 0, 12, 64), (6, 0, 99, 64),
                                              (11, 99, 1, 64), (6, 0, 1, 8), (11, 7, 1, 0))]),
    Scenario("vmbus-15-packets-of-odd-types", [f"now,channel=scsi0:send,type={kind},id=1,op=3" for kind in (9, 7, 77)]),
    Scenario("vmbus-interrupts-withheld", ["interrupt,channel=scsi0*,nth=25:drop"]),
    Scenario("vmbus-interrupts-from-nowhere",
             [f"now,channel=scsi0:raise,times=200,relid={relid}" for relid in (0, 1000, 2047)] +
             ["interrupt,channel=scsi0*,every=3:duplicate,times=3"]),
    Scenario("vmbus-order-is-not-kept", [f"{TO},prob=0.3,seed=1:reorder,ms=20", f"{TO},prob=0.1,seed=2:delay,ms=10"]),
    Scenario("storvsc-29-no-data-no-pages", [], quiet=[f"packet,from=guest,type=gpa-direct,cdb={cdb}:drop" for cdb in (0, 0x35)]),
    Scenario("storvsc-30-log-stays-small", [f"{READ}:answer,srb-status=4"]),
    Scenario("storvsc-32-ring-full", ["now,channel=scsi0:stall", "now,channel=scsi0.1:stall"], ends=1.0),
    Scenario("storvsc-33-capacity-change-as-error", [f"{READ},count=1:answer,srb-status=4,scsi-status=2,sense=6/2a/09"]),
    Scenario("storvsc-33-capacity-change-as-success", [f"{READ},count=1:answer,srb-status=1,scsi-status=2,sense=6/2a/09"]),
    *(Scenario(f"storvsc-37-srb-status-{status:02x}", both_senses(status))
      for status in (0x00, 0x02, 0x05, 0x09, 0x0A, 0x0E, 0x12, 0x30, 0x3F)),
    # These say that there is no such disk, so there may be no second command.
    *(Scenario(f"storvsc-37-srb-status-{status:02x}", both_senses(status)[:1], maybe=both_senses(status)[1:])
      for status in (0x08, 0x20)),
    Scenario("storvsc-transfer-length-lies", [f"{TO},lun=0,count=1:answer,transfer=0xffffffff",
                                              f"{TO},lun=0,nth=2,count=1:answer,transfer=0",
                                              f"{TO},lun=0,nth=3,count=1:answer,transfer=1"]),
    Scenario("storvsc-answers-that-are-no-answers", [f"{TO},nth=5:answer,op=99"], theirs=200),
    Scenario("silent-to-one-command", [f"{READ},lun=1:drop"], theirs=200),
    # No answer to RESET_LUN either: the driver asks for no second reset, but starts over.
    Scenario("silent-to-a-polled-command", ["packet,from=guest,channel=scsi0.2,cdb=0x28,nth=50,count=1:drop",
                                            f"{FROM},op=reset-lun,count=1:drop"]),
    Scenario("silent-on-one-channel", [f"{TO},nth=30:silent,channel=scsi0*"], theirs=200),
    Scenario("silent-everything", [f"{TO},nth=30:silent"], theirs=200),
]

VMBUS = [
    Scenario("vmbus-2-contact-refused", ["hypercall,type=post-message:answer,status=5"]),
    Scenario("vmbus-2-version-never-agreed", ["message,to=guest,type=version-response:answer,status=1"]),
    Scenario("vmbus-5-no-connection-id", ["hypercall,type=post-message:answer,status=18"]),
    Scenario("vmbus-11-no-buffers", ["hypercall,type=post-message,nth=2:answer,status=19",
                                     "hypercall,type=post-message,nth=4,count=3:answer,status=19"]),
    Scenario("vmbus-13-relids-that-nobody-has",
             [f"message,from=guest,type=request-offers:post,type=rescind,relid={relid},length=12"
              for relid in (0, 2048, 60000, 0xFFFFFFFF)]),
    Scenario("vmbus-13-offers-with-wild-relids",
             ["message,to=guest,type=offer,nth=1:duplicate,offset=184,value=0xffffffff,size=4",
              "message,to=guest,type=offer,nth=1:duplicate,offset=184,value=2048,size=4",
              "message,to=guest,type=offer,nth=1:duplicate,offset=184,value=0,size=4"]),
    Scenario("vmbus-14-offers-twice", ["message,to=guest,type=offer:duplicate",
                                       "message,to=guest,type=offer:duplicate,offset=184,value=1500,size=4"]),
    Scenario("vmbus-messages-nobody-knows",
             ["message,from=guest,type=request-offers:post,bytes=63000000",
              "message,from=guest,type=request-offers:post,type=offer,length=20",
              "message,from=guest,type=request-offers:post,type=open-result,relid=1,length=20",
              "message,from=guest,type=request-offers:post,type=gpadl-torndown,length=12"]),
    Scenario("vmbus-19-open-result-after-the-time", ["message,to=guest,type=open-result:delay,ms=2500"]),
    Scenario("vmbus-19-open-result-after-rescind", ["message,to=guest,type=open-result,channel=scsi0,count=1:delay,ms=300",
                                                    "message,to=guest,type=open-result,channel=scsi0,count=1:rescind,reoffer=600"]),
    Scenario("vmbus-25-packets-before-open-result",
             ["message,to=guest,type=open-result,channel=scsi0:delay,ms=200",
              "message,to=guest,type=open-result,channel=scsi0:send,type=6,op=enumerate-bus,times=5",
              "message,to=guest,type=open-result,channel=scsi0:send,type=11,id=5,op=1,times=20"]),
    Scenario("vmbus-22-unload-answered-late", ["message,to=guest,type=unload-response:delay,ms=4000"]),
    Scenario("vmbus-22-unload-answered-twice", ["message,to=guest,type=unload-response:duplicate,times=2"]),
    Scenario("silent-at-initiate-contact", ["message,to=guest,type=version-response:drop"], theirs=60),
    Scenario("silent-at-request-offers", ["message,from=guest,type=request-offers:drop"]),
    Scenario("silent-at-gpadl", ["message,to=guest,type=gpadl-created:drop"], theirs=60),
    Scenario("silent-at-open", ["message,to=guest,type=open-result:drop"], theirs=60),
    *(Scenario(f"silent-at-{op}", [f"packet,from=guest,op={op}:drop"], theirs=200)
      for op in ("begin-initialization", "query-protocol-version", "query-properties", "end-initialization")),
    Scenario("silent-at-close", ["message,from=guest,type=close:drop"], theirs=60),
    Scenario("silent-at-teardown", ["message,to=guest,type=gpadl-torndown:drop"], theirs=60),
    Scenario("silent-at-unload", ["message,to=guest,type=unload-response:drop"], theirs=120),
    Scenario("vmbus-16-modify-refused", ["message,from=guest,type=modify:answer,status=0xC0000001"]),
    Scenario("silent-at-modify", ["message,from=guest,type=modify:drop"], theirs=60),
    Scenario("gpadl-refused", [f"message,from=guest,type=gpadl-header:answer,status={NO}"],
             maybe=["message,from=guest,type=gpadl-body:drop"]),
    Scenario("open-refused", [f"message,from=guest,type=open:answer,status={NO}"]),
    *(Scenario(f"storvsc-39-{op}-refused", [f"packet,from=guest,op={op}:answer,op=1,status={NO}"])
      for op in ("begin-initialization", "query-protocol-version", "query-properties", "end-initialization")),
    Scenario("storvsc-27-mode-sense-refused", [f"{FROM},cdb=0x1a:answer,srb-status=4,scsi-status=2,sense=5/20/00"],
             maybe=[f"{FROM},cdb=0x5a:answer,srb-status=4,scsi-status=2,sense=5/20/00"]),
    Scenario("storvsc-28-slow-start", [f"{FROM},op=begin-initialization,count=1:delay,ms=1500"],
             quiet=[f"{FROM},op=begin-initialization,nth=2:drop"]),
    Scenario("storvsc-31-maintenance-in-overrun", [], maybe=[f"{FROM},cdb=0xa3:answer,srb-status=0x12"]),
    *(Scenario(f"storvsc-35-max-transfer-{size}", [f"{TO},nth=3,count=1:corrupt,offset=24,value={size},size=4"])
      for size in (0, 1, 4096, 16 << 20, 0xFFFFFFFF)),
    Scenario("defect-5-two-controllers-two-versions",
             ["packet,from=guest,channel=scsi1,op=query-protocol-version,count=1:answer,op=1,status=0xC0000059"]),
    Scenario("silent-to-one-probe", ["packet,from=guest,channel=scsi0,op=begin-initialization:drop"]),
    Scenario("rescind-under-io-then-unload", [], later=["now,channel=scsi0:rescind,reoffer=60000"]),
    Scenario("vmbus-18-20-offers-come-and-go", [], later=["now,channel=scsi0:rescind,reoffer=2,times=100000"]),
]

NIC_TO = "packet,to=guest,channel=nic0*"
NIC_FROM = "packet,from=guest,channel=nic0*"
FRAME = f"{NIC_TO},rndis=packet"
SENT = f"{NIC_TO},nvsp=rndis-complete"


def ranges(offset, value, size=4, when=f"{FRAME},every=3", verb="value"):
    """A lie in the list of ranges: 0 id of the buffer, 4 how many, then for each its bytes and where it begins."""
    return f"{when}:corrupt,at=ranges,offset={offset},{verb}={value},size={size}"


def pointed(offset, value, size=4, when=f"{FRAME},every=3"):
    """A lie in the RNDIS message; of a frame: 8 and 12 its data, 28 and 32 its per-packet information."""
    return f"{when}:corrupt,at=pointed,offset={offset},value={value},size={size}"


def words(*values):
    return b"".join(value.to_bytes(4, "little") for value in values)


def information(kind, value, length=16):
    """One piece of per-packet information."""
    return words(length, kind, 12, value)


def with_information(what, when=f"{FRAME},every=3"):
    """A frame has that, behind its header."""
    return [f"{when}:corrupt,at=pointed,offset=28,bytes={words(36, 16).hex()}",
            f"{when}:corrupt,at=pointed,offset=44,bytes={what.hex()}"]


PART, FIRST_PART = 1, 3  # flags of a part of a frame; with 4 it is the last


def part(flags, number):
    return information(0x80000001, 1 | flags << 8 | number << 16)


def two_messages(first, second, when=f"{FRAME},every=7"):
    """A packet with two ranges, two parts of a frame; the second one lies behind the first one, where no data is."""
    message = words(1, 80, 52, 20, 0, 0, 0, 36, 16, 0, 0) + second + bytes(20)
    return [*with_information(first, when), f"{when}:corrupt,at=pointed,offset=1024,bytes={message.hex()}",
            f"{when}:corrupt,ranges=2", ranges(16, 80, when=when), ranges(20, 1024, when=when, verb="add")]


def unasked(**keys):
    return f"packet,to=guest,channel=nic0,nth=3:send,{','.join(f'{name}={value}' for name, value in keys.items())}"


NETVSC = [
    Scenario("net-range-beyond-the-buffer", [ranges(12, 0x10000000, verb="add")]),
    Scenario("net-range-longer-than-the-buffer", [ranges(8, 0xFFFFFFFF)]),
    Scenario("net-range-without-a-header", [ranges(8, 4)]),
    Scenario("net-no-ranges", [f"{FRAME},every=3:corrupt,ranges=0"]),
    Scenario("net-more-ranges-than-there-are", [ranges(4, 1000)]),
    Scenario("net-wrong-buffer-id", [ranges(0, 0xBEEF, 2)]),
    Scenario("net-not-a-message-with-frames", [f"{FRAME},every=3:corrupt,offset=0,value=99,size=4"]),
    Scenario("net-message-longer-than-its-range", [pointed(4, 0xFFFFFFF0)]),
    Scenario("net-data-outside-of-the-message", [pointed(8, 0xFFFFFF00)]),
    Scenario("net-data-length-wraps", [pointed(12, 0xFFFFFFFF)]),
    Scenario("net-ppi-outside-of-the-message", [pointed(28, 0x10FFFFFFF0, 8)]),
    Scenario("net-ppi-without-an-end", with_information(information(0, 0, 0))),
    Scenario("net-ppi-unknown", with_information(information(77, 0))),
    Scenario("net-rndis-type-unknown", [pointed(0, 99)]),
    Scenario("net-frame-of-one-byte", [pointed(12, 1)]),
    Scenario("net-48-last-part-missing", with_information(part(FIRST_PART, 7))),
    Scenario("net-48-part-without-a-first", with_information(part(PART, 7))),
    Scenario("net-48-parts-of-two-frames", two_messages(part(FIRST_PART, 7), part(PART, 8))),
    Scenario("net-48-too-many-parts", [*two_messages(part(FIRST_PART, 7), part(PART, 7)), f"{FRAME},every=7:corrupt,ranges=563"]),
    Scenario("net-46-sends-fail", [f"{NIC_FROM},rndis=packet,every=3:answer,status=2"]),
    Scenario("net-completions-twice", [f"{SENT},every=3:duplicate,ms=3"]),
    Scenario("net-completions-of-nothing", [f"{SENT},every=3:duplicate,offset=-8,value=0xffffffffffff,size=8"]),
    Scenario("net-completions-too-short", [unasked(type=11, id=1, length=0)]),
    Scenario("net-unasked", [unasked(type=11, id=0, nvsp="rndis-complete"), unasked(type=11, id=1 << 62, nvsp="rndis-complete"),
                             unasked(type=11, id=1 << 63, nvsp="rndis-complete"), unasked(type=6, nvsp="init-complete"),
                             unasked(type=6, nvsp=99), unasked(type=6, length=0), unasked(type=77)]),
    Scenario("net-packets-of-odd-types", [unasked(type=9, id=1), unasked(type=7, id=1)]),
    Scenario("net-order-is-not-kept", [f"{NIC_TO},prob=0.2,seed=1:reorder,ms=20", f"{NIC_TO},prob=0.1,seed=2:delay,ms=10"]),
    Scenario("net-interrupts-from-nowhere", [f"now,channel=nic0:raise,times=200,relid={relid}" for relid in (0, 1000, 2047)] +
             ["interrupt,channel=nic0*,every=3:duplicate,times=3"]),
    Scenario("net-interrupts-withheld", ["interrupt,channel=nic0*,nth=25:drop"]),
    Scenario("net-completions-never", [f"{SENT}:drop"]),
    Scenario("net-sub-channel-is-rescinded", [], later=["now,channel=nic0.1:rescind"]),
    Scenario("net-rescind-under-traffic", [f"{NIC_TO},nth=40:rescind,channel=nic0,reoffer=3000"], theirs=30),
    Scenario("net-rescind-while-the-mtu-changes", [f"{NIC_FROM},nvsp=recv-buf,count=1:rescind,channel=nic0,reoffer=3000"], theirs=60),
    Scenario("net-write-index-past-the-end", ["packet,to=guest,channel=nic0,nth=5,count=500:ring,in=to-guest,write=0xfffffff8"]),
    Scenario("net-read-index-past-the-end", ["packet,to=guest,channel=nic0,nth=5,count=500:ring,in=from-guest,read=0xfffffff8"]),
    Scenario("net-sub-channel-breaks", ["packet,to=guest,channel=nic0.1,nth=5,count=500:ring,in=to-guest,write=0xfffffff8"]),
    Scenario("net-packet-longer-than-the-ring", ["packet,to=guest,channel=nic0,nth=5:corrupt,offset=-12,value=0xffff,size=2"]),
]

QUERIED = f"{NIC_TO},rndis=query-complete"
INITIALIZED = f"{NIC_TO},rndis=initialize-complete"
RECV_BUF = f"{NIC_TO},nvsp=recv-buf-complete"
SEND_TABLE = f"{NIC_TO},nvsp=indirection-table"


def net_silent(step, rule):
    return Scenario(f"net-silent-at-{step}", [f"{rule}:drop"], theirs=60)


NETVSC_CONTROL = [
    Scenario("net-50-table-survives", [], quiet=[f"{NIC_TO},rndis=set-complete,oid=rss-parameters,nth=1000:drop"]),
    Scenario("net-50-channels-change", [], quiet=[f"{NIC_TO},rndis=set-complete,oid=rss-parameters,nth=1000:drop"]),
    *(Scenario(f"net-41-table-of-{size}", [pointed(40, size, 2, f"{QUERIED},oid=rss-capabilities")])
      for size in (0, 64, 128, 256, 65535)),
    *(Scenario(f"net-10-alignment-of-{value}", [pointed(40, value, when=INITIALIZED)])
      for value in (8, 31, 200, 0xFFFFFFFF)),
    Scenario("net-no-messages-in-a-packet", [pointed(32, 0, when=INITIALIZED)]),
    Scenario("net-endless-messages-in-a-packet", [pointed(32, 0xFFFFFFFFFFFFFFFF, 8, INITIALIZED)]),
    *(Scenario(f"net-send-section-of-{value}", [f"{NIC_TO},nvsp=send-buf-complete:corrupt,offset=8,value={value},size=4"])
      for value in (0, 1, 0xFFFFFFFF)),
    *(Scenario(f"net-recv-buffer-{what}", [f"{RECV_BUF}:{rule}"]) for what, rule in (
        ("refused", "answer,status=2"), ("two-sections", "corrupt,offset=8,value=2,size=4"),
        ("no-bytes", "corrupt,offset=16,value=0,size=4"), ("too-many", "corrupt,offset=20,value=0xffffffff,size=4"),
        ("not-at-the-start", "corrupt,offset=12,value=4096,size=4"))),
    Scenario("net-more-sub-channels-than-asked", [f"{NIC_TO},nvsp=sub-channel:corrupt,offset=8,value=1000,size=4"]),
    Scenario("net-sub-channels-refused", [f"{NIC_FROM},nvsp=sub-channel:answer,status=2"]),
    Scenario("net-version-refused", [f"{NIC_FROM},nvsp=init:answer,status=2"]),
    Scenario("net-answer-of-another-type", [f"{NIC_TO},nvsp=init-complete:answer,nvsp=99"]),
    Scenario("net-query-answer-longer-than-it-is", [pointed(16, 0xFFFFFFFF, when=QUERIED)]),
    Scenario("net-query-answer-far-away", [pointed(20, 0xFFFFFFF0, when=QUERIED)]),
    Scenario("net-frame-size-of-0", [pointed(24, 0, when=f"{QUERIED},oid=frame-size")]),
    Scenario("net-table-to-send-by-too-long", [f"{SEND_TABLE}:corrupt,offset=4,value=65535,size=4"]),
    Scenario("net-table-to-send-by-elsewhere", [f"{SEND_TABLE}:corrupt,offset=8,value=0xfffffff0,size=4"]),
    Scenario("net-table-to-send-by-of-wild-channels", [f"{SEND_TABLE}:corrupt,offset=12,bytes={'ff' * 64}"]),
    Scenario("net-25-packets-before-open-result", ["message,to=guest,type=open-result,channel=nic0:delay,ms=200",
                                                  "message,to=guest,type=open-result,channel=nic0:send,nvsp=99,times=5"]),
    Scenario("net-answer-to-another-request", [f"{NIC_TO},rndis=set-complete,count=1:corrupt,at=pointed,offset=8,add=1000,size=4"]),
    *(net_silent(step, f"{NIC_FROM},nvsp={step}") for step in ("init", "recv-buf", "send-buf", "sub-channel")),
    *(net_silent(step, f"{NIC_FROM},rndis={step}") for step in ("initialize", "halt")),
    *(net_silent(f"query-{step}", f"{NIC_FROM},rndis=query,oid={oid}") for step, oid in (
        ("link", "link"), ("offloads", "offload-capabilities"), ("rss", "rss-capabilities"), ("frame-size", "frame-size"))),
    *(net_silent(f"set-{step}", f"{NIC_FROM},rndis=set,oid={oid}") for step, oid in (
        ("filter", "packet-filter"), ("offloads", "offload-parameters"), ("rss", "rss-parameters"))),
    net_silent("sub-channel-offers", "message,to=guest,type=offer"),
    net_silent("gpadl", "message,to=guest,type=gpadl-created"),
    net_silent("gpadl-teardown", "message,to=guest,type=gpadl-torndown"),
    net_silent("open", "message,to=guest,type=open-result"),
    Scenario("net-silent-at-things-without-an-answer", [f"{NIC_FROM},nvsp={kind}:drop" for kind in (
        "ndis-config", "ndis-version", "revoke-recv-buf", "revoke-send-buf")]),
    Scenario("net-silent-to-ethtool", [f"{NIC_FROM},rndis=query,oid=link-speed:drop"], theirs=30),
    Scenario("net-silent-at-probe", [f"{NIC_FROM},rndis=query,oid=permanent-address:drop"], theirs=60),
    *(Scenario(f"net-45-rescind-at-{step}", [f"{NIC_FROM},{when},count=1:rescind,channel=nic0,reoffer=500"], theirs=60)
      for step, when in (("init", "nvsp=init"), ("recv-buf", "nvsp=recv-buf"), ("initialize", "rndis=initialize"), ("query", "rndis=query"),
                         ("sub-channel", "nvsp=sub-channel"), ("while-registered", "rndis=set,oid=rss-parameters"))),
]

DM_TO = "packet,to=guest,channel=dm0"
DM_FROM = "packet,from=guest,channel=dm0"
UNBALLOON, HOT_ADD, INFO = 8, 10, 12
IN_USE = 0x1000  # a page of the guest's kernel, 16 MiB from the begin of memory
BLOCK = 32768  # pages of a memory block
ABOVE = 0x100000  # a page above all memory: 4 GiB


def said(kind, *body, size=None):
    """A message of these words of 32 bits behind the header, whose size may lie."""
    message = words(kind | (8 + 4 * len(body) if size is None else size) << 16, 7, *body)
    message += bytes(-len(message) % 8)
    return f"now,channel=dm0:raw,bytes={(words(6 | 2 << 16, 2 + len(message) // 8, 0, 0) + message).hex()}"


def asked(kind, **keys):
    return f"now,channel=dm0:send,{','.join([f'dm={kind}', *(f'{name}={value}' for name, value in keys.items())])}"


def span(pfn, pages):
    """A range of pages as two words."""
    word = pfn | pages << 40
    return word & 0xFFFFFFFF, word >> 32


def one_range(pfn, pages):
    return said(UNBALLOON, 0, 1, *span(pfn, pages))


def dm_said(name, *rules):
    return Scenario(f"balloon-{name}", [], later=list(rules), theirs=30)


def dm_changed(name, kind, change):
    """An honest request that is changed on its way."""
    return Scenario(f"balloon-{name}", [f"{DM_TO},dm={kind},{change}"], theirs=40)


BALLOON = [
    dm_said("message-without-a-header", f"now,channel=dm0:raw,bytes={words(6 | 2 << 16, 2, 0, 0).hex()}"),
    dm_said("message-shorter-than-its-kind", said(UNBALLOON, size=8)),
    dm_said("message-longer-than-the-packet", said(UNBALLOON, 0, 1, *span(IN_USE, 512), size=4096)),
    dm_said("message-of-no-kind", said(99, 0, 0)),
    dm_said("message-of-the-guests-kind", asked("status-report")),
    dm_said("packet-that-is-no-message", "now,channel=dm0:send,type=11,id=5,dm=balloon-request,pages=512"),
    dm_said("answer-to-nothing", asked("version-response", status=0), asked("caps-response", status=0)),
    dm_said("info-of-no-kind", said(INFO, 0, 16, 7, 8, 1, 0)),
    dm_said("info-cut-off", said(INFO, 0, 16, 0, 8)),
    dm_said("defect-6-range-never-ballooned", one_range(IN_USE, 512)),
    dm_said("defect-6-range-beyond-memory", one_range((1 << 40) - 512, 512)),
    dm_said("defect-6-range-of-64-GiB", one_range(IN_USE, (1 << 24) - 1)),
    dm_said("defect-6-range-wraps", one_range((1 << 40) - 1, (1 << 24) - 1)),
    dm_said("defect-6-range-empty", one_range(IN_USE, 0)),
    dm_said("defect-6-more-ranges-than-came", said(UNBALLOON, 0, 0xFFFFFFFF, *span(IN_USE, 512))),
    dm_said("53-message-as-long-as-a-rule-can-say", said(UNBALLOON, 0, 25, *(word for i in range(25) for word in span(IN_USE + 16 * i, 8)))),
    dm_changed("defect-6-range-twice", "unballoon-request", "every=1:duplicate,ms=50"),
    dm_changed("defect-6-range-longer-than-it-was", "unballoon-request", "count=1:corrupt,offset=23,value=1,size=1"),
    dm_said("asks-for-nothing", asked("balloon-request", pages=0)),
    dm_said("55-odd-counts", *(asked("balloon-request", pages=pages) for pages in (1, 511, 512, 513))),
    dm_said("defect-7-overlapping-requests", *[asked("balloon-request", pages=1000, times=2)] * 2),
    Scenario("balloon-defect-7-answer-that-cannot-be-sent", [], later=["now,channel=dm0:stall"], theirs=30),
    dm_said("asks-for-more-than-there-is", asked("balloon-request", pages=0xFFFFFFFF)),
    dm_changed("asks-for-more-than-it-counts", "balloon-request", "count=1:answer,pages=1000000"),
    Scenario("balloon-defect-8-partial-answer", [], theirs=40),
    dm_said("hot-add-over-memory", asked("hot-add-request", pfn=IN_USE, pages=BLOCK)),
    dm_said("hot-add-over-the-limit", asked("hot-add-request", pfn=ABOVE, pages=1 << 23)),
    dm_said("hot-add-beyond-addresses", asked("hot-add-request", pfn=(1 << 40) - 2 * BLOCK, pages=BLOCK)),
    dm_said("hot-add-of-nothing", asked("hot-add-request", pfn=ABOVE, pages=0)),
    dm_said("hot-add-unaligned", asked("hot-add-request", pfn=ABOVE + 1, pages=BLOCK)),
    dm_said("hot-add-outside-of-its-region", said(HOT_ADD, *span(ABOVE, BLOCK), *span(ABOVE + BLOCK, BLOCK))),
    dm_said("defect-7-region-cut-off", said(HOT_ADD, *span(ABOVE, BLOCK), 0xFFFFFFFF)),
    dm_changed("hot-add-twice", "hot-add-request", "every=1:duplicate,ms=50"),
    dm_changed("56-hot-add-smaller-than-a-block", "hot-add-request", "count=1:corrupt,offset=13,value=0x7fff,size=2"),
    dm_said("hot-remove-of-nothing", asked("hot-remove-request", pages=BLOCK), asked("hot-remove-request", pages=0xFFFFFFFF)),
    dm_said("hot-remove-of-less-than-a-block", asked("hot-remove-request", pages=1)),
    dm_changed("56-hot-add-of-a-block-and-a-half", "hot-add-request", "count=1:corrupt,offset=13,bytes=00c000"),
    Scenario("balloon-message-before-its-time", [f"{DM_FROM},dm=version-request,count=1:{asked('balloon-request', pages=512).partition(':')[2]}",
                                                 f"{DM_FROM},dm=caps-report,count=1:{one_range(IN_USE, 512).partition(':')[2]}"], theirs=30),
    dm_said("54-switched-off", asked("balloon-request", pages=512), asked("hot-add-request", pfn=ABOVE, pages=BLOCK)),
    Scenario("balloon-57-bound-and-unbound", [], theirs=120),
    Scenario("balloon-unload-under-way", [], theirs=90),
    *(Scenario(f"balloon-silent-at-{kind}", [f"{DM_FROM},dm={kind}:drop"], theirs=30) for kind in ("version-request", "caps-report")),
    Scenario("balloon-version-refused", [f"{DM_TO},dm=version-response:answer,status=0"], theirs=30),
    Scenario("balloon-capabilities-refused", [f"{DM_TO},dm=caps-response:answer,status=0"], theirs=30),
    Scenario("balloon-answer-of-another-kind", [f"{DM_TO},dm=version-response:answer,dm=99"], theirs=30),
    dm_said("silent-at-unload", "now,channel=dm0:silent"),
    dm_said("write-index-past-the-end", "now,channel=dm0:ring,in=to-guest,write=0xfffffff8"),
    *(Scenario(f"balloon-rescind-at-{kind}", [f"{where},dm={kind},count=1:rescind,channel=dm0,reoffer=300"], theirs=60) for where, kind in (
        (DM_FROM, "version-request"), (DM_FROM, "caps-report"), (DM_FROM, "status-report"), (DM_TO, "balloon-request"),
        (DM_TO, "unballoon-request"), (DM_TO, "hot-remove-request"), (DM_TO, "hot-add-request"))),
]

PARTS = {"storvsc": STORVSC, "vmbus": VMBUS, "netvsc": NETVSC, "netvsc-control": NETVSC_CONTROL, "balloon": BALLOON}

UNKNOWN = [pattern for pattern in RARE if not any(re.fullmatch(pattern, scenario.name) for part in PARTS.values() for scenario in part)]
if UNKNOWN:
    raise ValueError(f"RARE names no scenario: {', '.join(UNKNOWN)}")
