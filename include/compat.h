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

#endif
