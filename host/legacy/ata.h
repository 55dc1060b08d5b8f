/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers of ATA and of the bus-master IDE programming interface, as far as they are used here.
 * Defined by ATA/ATAPI-7 volumes 1 (commands, IDENTIFY DEVICE) and 2 (registers), and by Programming Interface for Bus Master
 * IDE Controller 1.0; compared with Linux include/linux/ata.h.
 */
#ifndef HVIS_HOST_LEGACY_ATA_H
#define HVIS_HOST_LEGACY_ATA_H

#include <assert.h>
#include <stdint.h>

#define ATA_SECTOR_BYTES 512u

/* Command block, by offset to its first port. */
enum {
	ATA_DATA = 0,
	ATA_ERROR = 1, /* read */
	ATA_FEATURES = 1, /* write */
	ATA_COUNT = 2,
	ATA_LBA_LOW = 3,
	ATA_LBA_MID = 4,
	ATA_LBA_HIGH = 5,
	ATA_DEVICE = 6,
	ATA_STATUS = 7, /* read */
	ATA_COMMAND = 7, /* write */
	ATA_REGISTERS = 8,
};

#define ATA_STATUS_ERR	0x01
#define ATA_STATUS_DRQ	0x08
#define ATA_STATUS_DSC	0x10 /* seek complete, what older software waits for */
#define ATA_STATUS_DRDY 0x40
#define ATA_STATUS_BSY	0x80

#define ATA_ERROR_ABRT 0x04
#define ATA_ERROR_IDNF 0x10
#define ATA_ERROR_UNC  0x40

#define ATA_DEVICE_DEV 0x10 /* device 1 is selected */
#define ATA_DEVICE_LBA 0x40
#define ATA_DEVICE_SET 0xA0 /* bits that were always one and read so */

#define ATA_CONTROL_NIEN 0x02
#define ATA_CONTROL_SRST 0x04
#define ATA_CONTROL_HOB	 0x80

#define ATA_DIAGNOSTIC_PASSED 0x01

enum {
	ATA_READ_SECTORS = 0x20,
	ATA_READ_SECTORS_NO_RETRY = 0x21,
	ATA_READ_SECTORS_EXT = 0x24,
	ATA_READ_DMA_EXT = 0x25,
	ATA_READ_MULTIPLE_EXT = 0x29,
	ATA_WRITE_SECTORS = 0x30,
	ATA_WRITE_SECTORS_NO_RETRY = 0x31,
	ATA_WRITE_SECTORS_EXT = 0x34,
	ATA_WRITE_DMA_EXT = 0x35,
	ATA_WRITE_MULTIPLE_EXT = 0x39,
	ATA_WRITE_DMA_FUA_EXT = 0x3D,
	ATA_READ_VERIFY = 0x40,
	ATA_READ_VERIFY_NO_RETRY = 0x41,
	ATA_READ_VERIFY_EXT = 0x42,
	ATA_DIAGNOSTIC = 0x90,
	ATA_READ_MULTIPLE = 0xC4,
	ATA_WRITE_MULTIPLE = 0xC5,
	ATA_SET_MULTIPLE = 0xC6,
	ATA_READ_DMA = 0xC8,
	ATA_READ_DMA_NO_RETRY = 0xC9,
	ATA_WRITE_DMA = 0xCA,
	ATA_WRITE_DMA_NO_RETRY = 0xCB,
	ATA_WRITE_MULTIPLE_FUA_EXT = 0xCE,
	ATA_STANDBY_IMMEDIATE = 0xE0,
	ATA_IDLE_IMMEDIATE = 0xE1,
	ATA_STANDBY = 0xE2,
	ATA_IDLE = 0xE3,
	ATA_CHECK_POWER_MODE = 0xE5,
	ATA_SLEEP = 0xE6,
	ATA_FLUSH_CACHE = 0xE7,
	ATA_FLUSH_CACHE_EXT = 0xEA,
	ATA_IDENTIFY = 0xEC,
	ATA_SET_FEATURES = 0xEF,
};

/* Of SET FEATURES, in the features register. */
#define ATA_FEATURE_WRITE_CACHE_ON  0x02
#define ATA_FEATURE_TRANSFER_MODE   0x03
#define ATA_FEATURE_WRITE_CACHE_OFF 0x82

/* Transfer modes, in the count register: kind and number. */
#define ATA_MODE_KIND	0xF8
#define ATA_MODE_NUMBER 0x07
#define ATA_MODE_PIO_DEFAULT 0x00
#define ATA_MODE_PIO	0x08
#define ATA_MODE_MWDMA	0x20
#define ATA_MODE_UDMA	0x40

#define ATA_POWER_ACTIVE 0xFF

#define ATA_LBA28_SECTORS (1ull << 28)
#define ATA_LBA48_SECTORS (1ull << 48)

/* Bus-master registers of a channel, by offset. */
enum {
	BMIDE_COMMAND = 0,
	BMIDE_STATUS = 2,
	BMIDE_TABLE = 4, /* 32 bits */
	BMIDE_REGISTERS = 8,
};

#define BMIDE_START	0x01
#define BMIDE_TO_MEMORY 0x08

#define BMIDE_ACTIVE	 0x01
#define BMIDE_ERROR	 0x02 /* cleared by writing one */
#define BMIDE_INTERRUPT	 0x04 /* the same */
#define BMIDE_CAPABLE	 0x60 /* drives 0 and 1 can do DMA: software's notes to itself */

/* A physical region descriptor, in guest memory; the guest writes it. */
struct bmide_prd {
	uint32_t address; /* even */
	uint16_t bytes; /* even; 0: 64 KiB */
	uint16_t flags;
};
static_assert(sizeof(struct bmide_prd) == 8, "bus-master IDE 1.0, 1.2");

#define BMIDE_PRD_LAST	    0x8000
#define BMIDE_PRD_BYTES_MAX 0x10000u
#define BMIDE_TABLE_BYTES   0x10000u /* a table may not cross a boundary of so much */
#define BMIDE_PRDS_MAX	    (BMIDE_TABLE_BYTES / sizeof(struct bmide_prd))

#endif
