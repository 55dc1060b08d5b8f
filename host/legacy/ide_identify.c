// SPDX-License-Identifier: GPL-2.0
/*
 * What a disk says of itself: IDENTIFY DEVICE. Words that are not named here are zero: not supported, or not told.
 * Source: ATA/ATAPI-7 volume 1, 6.17; the rotation rate (word 217) is ATA8-ACS's.
 */
#include <string.h>

#include "legacy/ide_internal.h"

#define IDENTIFY_WORDS (ATA_SECTOR_BYTES / 2)
#define MODEL	       "HVIS IDE DISK"
#define FIRMWARE       "1.0"

enum {
	W_GENERAL = 0,
	W_SERIAL = 10, /* to 19 */
	W_FIRMWARE = 23, /* to 26 */
	W_MODEL = 27, /* to 46 */
	W_MULTIPLE_MAX = 47,
	W_CAPABILITIES = 49,
	W_CAPABILITIES_2 = 50,
	W_VALID = 53,
	W_MULTIPLE = 59,
	W_LBA28_SECTORS = 60, /* and 61 */
	W_MWDMA = 63,
	W_PIO = 64,
	W_CYCLE_TIMES = 65, /* to 68 */
	W_MAJOR_VERSION = 80,
	W_SUPPORTED = 82, /* to 84 */
	W_ENABLED = 85, /* to 87 */
	W_UDMA = 88,
	W_RESET_RESULT = 93,
	W_LBA48_SECTORS = 100, /* to 103 */
	W_SECTOR_SIZE = 106,
	W_ROTATION = 217,
	W_INTEGRITY = 255,
};

#define GENERAL_FIXED	     0x0040
#define MULTIPLE_MAX_MARK    0x8000
#define MULTIPLE_VALID	     0x0100
#define CAPABLE_DMA_LBA_IORDY 0x0F00 /* IORDY can be turned off, too */
#define WORDS_64_70_AND_88   0x0006
#define PIO_3_AND_4	     0x0003
#define CYCLE_NS	     120
#define MWDMA_0_TO_2	     0x0007
#define UDMA_0_TO_5	     0x003F
#define MODE_SELECTED(mode)  (1u << (8 + ((mode) & ATA_MODE_NUMBER)))
#define VERSIONS_4_TO_8	     0x01F0
#define POWER_MANAGEMENT     0x0008
#define WRITE_CACHE	     0x0020
#define FLUSHES_AND_LBA48    0x3400
#define FUA		     0x0040
#define WORD_VALID	     0x4000
#define RESET_DETECTED	     0x6001 /* device 0's or 1's part alike, and a cable with 80 wires */
#define SECTORS_GROUPED	     0x2000
#define NO_ROTATION	     1
#define INTEGRITY_SIGNATURE  0xA5

static void put(uint8_t *data, unsigned int word, unsigned int value)
{
	data[2 * word] = (uint8_t)value;
	data[2 * word + 1] = (uint8_t)(value >> 8);
}

static void put_number(uint8_t *data, unsigned int word, uint64_t value, unsigned int words)
{
	for (unsigned int i = 0; i < words; i++)
		put(data, word + i, (uint16_t)(value >> 16 * i));
}

/* The first character of each pair lies in the high byte. */
static void put_text(uint8_t *data, unsigned int word, unsigned int words, const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < 2 * words; i++)
		data[2 * word + (i ^ 1)] = (uint8_t)(i < length ? text[i] : ' ');
}

uint64_t ide_sectors(const struct ide_drive *drive)
{
	uint64_t sectors = drive->disk->bytes / ATA_SECTOR_BYTES;

	return sectors < ATA_LBA48_SECTORS ? sectors : ATA_LBA48_SECTORS;
}

static void put_modes(const struct ide_drive *drive, uint8_t *data)
{
	uint8_t kind = drive->mode & ATA_MODE_KIND;

	put(data, W_MWDMA, MWDMA_0_TO_2 | (kind == ATA_MODE_MWDMA ? MODE_SELECTED(drive->mode) : 0));
	put(data, W_UDMA, UDMA_0_TO_5 | (kind == ATA_MODE_UDMA ? MODE_SELECTED(drive->mode) : 0));
	put(data, W_PIO, PIO_3_AND_4);
	for (unsigned int i = 0; i < 4; i++)
		put(data, W_CYCLE_TIMES + i, CYCLE_NS);
}

static void put_features(const struct ide_drive *drive, uint8_t *data)
{
	put(data, W_MAJOR_VERSION, VERSIONS_4_TO_8);
	put(data, W_SUPPORTED, POWER_MANAGEMENT | WRITE_CACHE);
	put(data, W_SUPPORTED + 1, WORD_VALID | FLUSHES_AND_LBA48);
	put(data, W_SUPPORTED + 2, WORD_VALID | FUA);
	put(data, W_ENABLED, POWER_MANAGEMENT | (drive->write_cache ? WRITE_CACHE : 0));
	put(data, W_ENABLED + 1, FLUSHES_AND_LBA48);
	put(data, W_ENABLED + 2, WORD_VALID | FUA);
}

static void put_sizes(const struct ide_drive *drive, uint8_t *data)
{
	uint64_t sectors = ide_sectors(drive);
	uint32_t per_block = drive->disk->physical_bytes / ATA_SECTOR_BYTES;

	put_number(data, W_LBA28_SECTORS, sectors < ATA_LBA28_SECTORS ? sectors : ATA_LBA28_SECTORS - 1, 2);
	put_number(data, W_LBA48_SECTORS, sectors, 4);
	if (per_block > 1)
		put(data, W_SECTOR_SIZE, WORD_VALID | SECTORS_GROUPED | (unsigned int)__builtin_ctz(per_block));
}

/* With it, all bytes add up to zero. */
static void put_checksum(uint8_t *data)
{
	uint8_t sum = 0;

	data[2 * W_INTEGRITY] = INTEGRITY_SIGNATURE;
	for (unsigned int i = 0; i < ATA_SECTOR_BYTES - 1; i++)
		sum = (uint8_t)(sum + data[i]);
	data[ATA_SECTOR_BYTES - 1] = (uint8_t)-sum;
}

void ide_identify(const struct ide_drive *drive, uint8_t *data)
{
	static_assert(IDENTIFY_WORDS == W_INTEGRITY + 1, "the last word");

	memset(data, 0, ATA_SECTOR_BYTES);
	put(data, W_GENERAL, GENERAL_FIXED);
	put_text(data, W_SERIAL, 10, drive->disk->id);
	put_text(data, W_FIRMWARE, 4, FIRMWARE);
	put_text(data, W_MODEL, 20, MODEL);
	put(data, W_MULTIPLE_MAX, MULTIPLE_MAX_MARK | IDE_MULTIPLE_MAX);
	put(data, W_CAPABILITIES, CAPABLE_DMA_LBA_IORDY);
	put(data, W_CAPABILITIES_2, WORD_VALID);
	put(data, W_VALID, WORDS_64_70_AND_88);
	if (drive->multiple)
		put(data, W_MULTIPLE, MULTIPLE_VALID | drive->multiple);
	put_modes(drive, data);
	put_features(drive, data);
	put(data, W_RESET_RESULT, RESET_DETECTED);
	put_sizes(drive, data);
	put(data, W_ROTATION, NO_ROTATION);
	put_checksum(data);
}
