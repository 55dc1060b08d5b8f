/* SPDX-License-Identifier: GPL-2.0 */
/* What a host may get wrong. Each is counted, and named in ethtool -S and in the log: stats.c. */
#ifndef HVIS_NETVSC_REFUSAL_H
#define HVIS_NETVSC_REFUSAL_H

/* Why something the host said was refused; indexes netvsc.refused. Names: stats.c. */
enum netvsc_refusal {
	REFUSED_PACKET_TYPE,
	REFUSED_SHORT,
	REFUSED_UNKNOWN_NVSP,
	REFUSED_BUFFER_ID,
	REFUSED_RANGE_COUNT,
	REFUSED_RANGE_OUTSIDE,
	REFUSED_RNDIS_TYPE,
	REFUSED_RNDIS_LENGTH,
	REFUSED_DATA_OUTSIDE,
	REFUSED_PPI,
	REFUSED_FRAME_SIZE,
	REFUSED_PARTS,
	REFUSED_UNKNOWN_ID,
	REFUSED_STALE_ID,
	REFUSED_SEND_STATUS,
	REFUSED_CONTROL_ID,
	REFUSED_LIMITS,
	REFUSED_TABLE,
	IGNORED_PPI,
	REFUSALS,
};

#endif
