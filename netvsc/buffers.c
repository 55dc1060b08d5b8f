// SPDX-License-Identifier: GPL-2.0
/*
 * The two buffers that the host and we share: it writes received messages into one, we write small frames into sections of
 * the other. How they are shown to the host is the bus's.
 * Invariant: recv_bytes and send_sections are 0 while the host has not accepted the buffer.
 */
#include "internal.h"

/* Allocates what is missing or has the wrong size. */
static int provide(struct hvis_memory **memory, u32 wanted)
{
	if (*memory && hvis_memory_bytes(*memory) != PAGE_ALIGN(wanted)) {
		hvis_memory_destroy(*memory);
		*memory = NULL;
	}
	if (*memory)
		return 0;
	*memory = hvis_memory_create(wanted, NUMA_NO_NODE);
	if (IS_ERR(*memory)) {
		int error = PTR_ERR(*memory);

		*memory = NULL;
		return error;
	}
	return 0;
}

/**
 * netvsc_buffers_share() - make both buffers, and give them to the host
 * @nv: after netvsc_nvsp_init()
 *
 * May sleep, bounded. Return: 0 or negative errno.
 */
int netvsc_buffers_share(struct netvsc *nv)
{
	u32 recv_gpadl, send_gpadl;
	int error = provide(&nv->recv, nv->recv_wanted);

	if (!error)
		error = provide(&nv->send, nv->send_wanted);
	if (!error)
		error = hvis_memory_share(nv->recv, nv->device->channel, &recv_gpadl);
	if (!error)
		error = hvis_memory_share(nv->send, nv->device->channel, &send_gpadl);
	if (error) {
		dev_err(&nv->device->dev, "no buffers: error %d\n", error);
		return error;
	}
	nv->recv_base = hvis_memory_address(nv->recv);
	nv->send_base = hvis_memory_address(nv->send);
	return netvsc_nvsp_buffers(nv, recv_gpadl, send_gpadl);
}

static void take_back(struct hvis_memory **memory)
{
	if (!*memory || hvis_memory_unshare(*memory))
		return;
	/* Leaked, with a line in the log: the host may still write there. */
	hvis_memory_destroy(*memory);
	*memory = NULL;
}

/** netvsc_buffers_unshare() - take both back; the channels are closed, nobody reads or writes them; may sleep */
void netvsc_buffers_unshare(struct netvsc *nv)
{
	nv->recv_bytes = 0;
	nv->recv_sections = 0;
	nv->send_sections = 0;
	take_back(&nv->recv);
	take_back(&nv->send);
}

/** netvsc_buffers_destroy() - free both, or leak what the host did not give back; may sleep */
void netvsc_buffers_destroy(struct netvsc *nv)
{
	hvis_memory_destroy(nv->recv);
	hvis_memory_destroy(nv->send);
	nv->recv = NULL;
	nv->send = NULL;
}

/**
 * netvsc_buffers_recv() - the host's answer to SEND_RECV_BUF
 * @nv: the adapter
 * @complete: private copy
 * @bytes: of it that the host sent
 *
 * From here on packets may point into the buffer. Return: 0; -EREMOTEIO: it refuses; -EPROTO: it divides it in an impossible way.
 */
int netvsc_buffers_recv(struct netvsc *nv, const struct nvsp_recv_buf_complete *complete, u32 bytes)
{
	const struct nvsp_recv_section *section = &complete->section;
	u32 size = hvis_memory_bytes(nv->recv);

	if (bytes < offsetof(struct nvsp_recv_buf_complete, section))
		return -EPROTO;
	if (complete->status != NVSP_STATUS_SUCCESS)
		return -EREMOTEIO;
	if (bytes < sizeof(*complete) || complete->section_count != 1 || section->offset)
		return -EPROTO;
	if (!section->suballoc_bytes || (u64)section->suballoc_bytes * section->suballoc_count > size)
		return -EPROTO;
	nv->recv_section_bytes = section->suballoc_bytes;
	nv->recv_sections = section->suballoc_count;
	WRITE_ONCE(nv->recv_bytes, size);
	return 0;
}

/**
 * netvsc_buffers_send() - the host's answer to SEND_SEND_BUF
 * @nv: the adapter
 * @complete: private copy
 *
 * Sections of no use, or none, mean that all frames go by pages.
 */
void netvsc_buffers_send(struct netvsc *nv, const struct nvsp_send_buf_complete *complete)
{
	u32 size = hvis_memory_bytes(nv->send), section = complete->section_bytes;

	nv->send_sections = 0;
	nv->send_section_bytes = 0;
	if (complete->status != NVSP_STATUS_SUCCESS)
		return;
	/* Messages begin at multiples of 4. */
	if (section < 256 || section > size || section % 4)
		return netvsc_refuse(nv, REFUSED_LIMITS);
	nv->send_section_bytes = section;
	nv->send_sections = size / section;
}
