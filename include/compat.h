/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one place that knows kernel versions. Force-included by every Kbuild file, so that the sources are written
 * for the newest kernel we support and older ones are bent to it here.
 * Supported: 6.1 and 6.12 as Debian ships them. Owns no code, only names.
 */
#ifndef HVIS_COMPAT_H
#define HVIS_COMPAT_H

#include <linux/version.h>

/* bus_type.match() takes the driver as const since 6.11. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define COMPAT_MATCH_DRIVER const struct device_driver
#else
#define COMPAT_MATCH_DRIVER struct device_driver
#endif

/* bus_type.uevent() takes the device as const since 6.3. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define COMPAT_UEVENT_DEVICE const struct device
#else
#define COMPAT_UEVENT_DEVICE struct device
#endif

/* A SCSI command that reads: one call since 6.4, a macro around another before. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define compat_scsi_read(sdev, cdb, buffer, bytes, timeout, retries, left)                                             \
	scsi_execute_cmd(sdev, cdb, REQ_OP_DRV_IN, buffer, bytes, timeout, retries,                                    \
			 &(const struct scsi_exec_args){ .resid = left })
#else
#define compat_scsi_read(sdev, cdb, buffer, bytes, timeout, retries, left)                                             \
	scsi_execute_req(sdev, cdb, DMA_FROM_DEVICE, buffer, bytes, NULL, timeout, retries, left)
#endif

/* A list of requests is a pointer to its first one, or, since 6.13 and in later 6.12, a struct that begins with it. */
#define COMPAT_RQ_LIST_EMPTY(list) (!*(struct request *const *)(list))

/* Page pools have headers of their own since 6.6; that pages may be split has to be said before 6.7. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define COMPAT_PAGE_POOL_H "net/page_pool/helpers.h"
#else
#define COMPAT_PAGE_POOL_H "net/page_pool.h"
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define COMPAT_PAGE_POOL_FRAGS 0
#else
#define COMPAT_PAGE_POOL_FRAGS PP_FLAG_PAGE_FRAG
#endif

/* One call fills in a fragment since 6.5. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define compat_frag_fill(frag, page, offset, bytes) skb_frag_fill_page_desc(frag, page, offset, bytes)
#else
#define compat_frag_fill(frag, page, offset, bytes)                                                                    \
	(__skb_frag_set_page(frag, page), skb_frag_off_set(frag, offset), skb_frag_size_set(frag, bytes))
#endif

/* What a device can do for XDP is told since 6.3. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define compat_xdp_features(netdev)                                                                                    \
	xdp_set_features_flag(netdev, NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT | NETDEV_XDP_ACT_NDO_XMIT |       \
				      NETDEV_XDP_ACT_RX_SG | NETDEV_XDP_ACT_NDO_XMIT_SG)
#else
#define compat_xdp_features(netdev) ((void)(netdev))
#endif

/* Key and table of ethtool -x and -X travel in a struct since 6.8. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define COMPAT_RXFH_GET struct ethtool_rxfh_param *rxfh
#define COMPAT_RXFH_SET struct ethtool_rxfh_param *rxfh, struct netlink_ext_ack *extack
#define COMPAT_RXFH_TABLE (rxfh->indir)
#define COMPAT_RXFH_KEY (rxfh->key)
#define COMPAT_RXFH_HASH_SET(value) (rxfh->hfunc = (value))
#define COMPAT_RXFH_HASH (rxfh->hfunc)
#define COMPAT_RXFH_CONTEXT (rxfh->rss_context)
#else
#define COMPAT_RXFH_GET u32 *indir, u8 *key, u8 *hfunc
#define COMPAT_RXFH_SET const u32 *indir, const u8 *key, const u8 hfunc
#define COMPAT_RXFH_TABLE indir
#define COMPAT_RXFH_KEY key
#define COMPAT_RXFH_HASH_SET(value) (hfunc ? (void)(*hfunc = (value)) : (void)0)
#define COMPAT_RXFH_HASH hfunc
#define COMPAT_RXFH_CONTEXT 0
#endif

/* The largest order of the page allocator: said inclusively, and by another name, since 6.8; exclusively before 6.4. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define COMPAT_ORDER_MAX MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define COMPAT_ORDER_MAX MAX_ORDER
#else
#define COMPAT_ORDER_MAX (MAX_ORDER - 1)
#endif

/* A tracepoint's string is known since 6.10 from where its length was. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define compat_assign_str(field, text) __assign_str(field)
#else
#define compat_assign_str(field, text) __assign_str(field, text)
#endif

/* Taking a memory block offline subtracts its pages from the managed ones: those that are PageOffline, too, before 6.11. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define COMPAT_OFFLINE_UNMANAGES_ALL 0
#else
#define COMPAT_OFFLINE_UNMANAGES_ALL 1
#endif

/* A function that ftrace hooks: its first two arguments, and where it goes on. The registers are opaque since 6.12. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define COMPAT_HOOK_REGS(fregs) (&arch_ftrace_regs(fregs)->regs)
#else
#define COMPAT_HOOK_REGS(fregs) (&(fregs)->regs)
#endif
#define compat_hook_argument1(fregs) (COMPAT_HOOK_REGS(fregs)->di)
#define compat_hook_argument2(fregs) (COMPAT_HOOK_REGS(fregs)->si)
#define compat_hook_go_on_at(fregs, function) (COMPAT_HOOK_REGS(fregs)->ip = (unsigned long)(function))

/* Who takes the log of a kernel that ends is told why in a struct since 6.12. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define COMPAT_DUMP_REASON struct kmsg_dump_detail *detail
#else
#define COMPAT_DUMP_REASON enum kmsg_dump_reason reason
#endif

#endif
