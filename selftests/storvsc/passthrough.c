// SPDX-License-Identifier: GPL-2.0
/*
 * SCSI commands by SG_IO, past the block layer: what is wrong is refused with the right sense, moves no data
 * beyond the buffer, and leaves the disk working. On LUN 0 (read-write) and LUN 2 (read-only).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <scsi/sg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "kselftest_harness.h"

#define CHECK_CONDITION 2
#define ILLEGAL_REQUEST 5
#define DATA_PROTECT 7

struct answer {
	int status; /* SCSI status, or -1 if the ioctl failed */
	int host;
	int key, asc, ascq;
	int moved;
};

static int open_sg(int lun)
{
	char pattern[96], path[64];
	glob_t found;
	int fd = -1;

	snprintf(pattern, sizeof(pattern), "/sys/class/scsi_disk/*:%d/device/scsi_generic/*", lun);
	if (glob(pattern, 0, NULL, &found) == 0) {
		snprintf(path, sizeof(path), "/dev/%s", strrchr(found.gl_pathv[0], '/') + 1);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	globfree(&found);
	return fd;
}

static struct answer command(int lun, int direction, const uint8_t *cdb, int cdb_bytes, void *data, int bytes)
{
	uint8_t sense[32] = { 0 };
	sg_io_hdr_t io = {
		.interface_id = 'S', .dxfer_direction = direction, .cmd_len = (uint8_t)cdb_bytes,
		.mx_sb_len = sizeof(sense), .dxfer_len = (unsigned int)bytes, .dxferp = data,
		.cmdp = (uint8_t *)cdb, .sbp = sense, .timeout = 20000,
	};
	struct answer answer = { .status = -1 };
	int fd = open_sg(lun);

	if (fd >= 0 && !ioctl(fd, SG_IO, &io))
		answer = (struct answer){ io.status, io.host_status, sense[2] & 15, sense[12], sense[13],
					  bytes - io.resid };
	close(fd);
	return answer;
}

#define EXPECT_SENSE(answer, k, a, q)                                                                                  \
	do {                                                                                                           \
		EXPECT_EQ(CHECK_CONDITION, (answer).status);                                                           \
		EXPECT_EQ(k, (answer).key);                                                                            \
		EXPECT_EQ(a, (answer).asc);                                                                            \
		EXPECT_EQ(q, (answer).ascq);                                                                           \
	} while (0)

TEST(inquiry_stays_inside_its_buffer)
{
	uint8_t cdb[6] = { 0x12, 0, 0, 0, 36 }, data[64];
	struct answer answer;

	memset(data, 0xa5, sizeof(data));
	answer = command(0, SG_DXFER_FROM_DEV, cdb, 6, data, 36);
	EXPECT_EQ(0, answer.status);
	EXPECT_EQ(0, data[0]);
	EXPECT_EQ(0xa5, data[36]);
}

TEST(short_allocation_length_is_a_short_answer)
{
	uint8_t cdb[6] = { 0x12, 0, 0, 0, 5 }, data[36] = { 0 };
	struct answer answer = command(0, SG_DXFER_FROM_DEV, cdb, 6, data, 36);

	EXPECT_EQ(0, answer.status);
	EXPECT_EQ(5, answer.moved);
}

TEST(unknown_opcode_is_refused)
{
	uint8_t cdb[6] = { 0xD7 };
	struct answer answer = command(0, SG_DXFER_NONE, cdb, 6, NULL, 0);

	EXPECT_SENSE(answer, ILLEGAL_REQUEST, 0x20, 0x00);
}

TEST(read_past_the_end_is_refused)
{
	uint8_t cdb[16] = { 0x88, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1 }, data[512];
	struct answer answer = command(0, SG_DXFER_FROM_DEV, cdb, 16, data, 512);

	EXPECT_SENSE(answer, ILLEGAL_REQUEST, 0x21, 0x00);
}

TEST(read_that_wraps_around_is_refused)
{
	uint8_t cdb[16] = { 0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2 }, data[1024];
	struct answer answer = command(0, SG_DXFER_FROM_DEV, cdb, 16, data, 1024);

	EXPECT_SENSE(answer, ILLEGAL_REQUEST, 0x21, 0x00);
}

TEST(unknown_vpd_page_is_refused)
{
	uint8_t cdb[6] = { 0x12, 1, 0xC7, 0, 64 }, data[64];
	struct answer answer = command(0, SG_DXFER_FROM_DEV, cdb, 6, data, 64);
	const char *driver = getenv("HVIS_DRIVER");

	if (driver && !strcmp(driver, "kernel") && !answer.status)
		SKIP(return, "hv_storvsc reports every failed INQUIRY as good");
	EXPECT_SENSE(answer, ILLEGAL_REQUEST, 0x24, 0x00);
}

/* The CDB asks for two blocks, the buffer holds one: nothing is written behind it. */
TEST(buffer_shorter_than_the_command)
{
	uint8_t cdb[10] = { 0x28, 0, 0, 0, 0, 0, 0, 0, 2 }, data[1024];
	struct answer answer;

	memset(data, 0xa5, sizeof(data));
	answer = command(0, SG_DXFER_FROM_DEV, cdb, 10, data, 512);
	EXPECT_EQ(0xa5, data[512]);
	EXPECT_TRUE(answer.status || answer.host || answer.moved <= 512);
}

TEST(write_to_a_read_only_disk_is_refused)
{
	uint8_t cdb[10] = { 0x2A, 0, 0, 0, 0, 0, 0, 0, 1 }, data[512] = { 0 };
	struct answer answer = command(2, SG_DXFER_TO_DEV, cdb, 10, data, 512);

	EXPECT_SENSE(answer, DATA_PROTECT, 0x27, 0x00);
}

TEST(unmap_with_a_wrong_list_is_refused)
{
	uint8_t cdb[10] = { 0x42, 0, 0, 0, 0, 0, 0, 0, 24 };
	uint8_t list[24] = { 0, 22, 0, 64 }; /* descriptor length beyond the list */
	struct answer answer = command(0, SG_DXFER_TO_DEV, cdb, 10, list, 24);

	EXPECT_EQ(CHECK_CONDITION, answer.status);
	EXPECT_EQ(ILLEGAL_REQUEST, answer.key);
}

TEST(disk_still_works)
{
	uint8_t cdb[6] = { 0x00 };
	struct answer answer = command(0, SG_DXFER_NONE, cdb, 6, NULL, 0);

	EXPECT_EQ(0, answer.status);
}

TEST_HARNESS_MAIN
