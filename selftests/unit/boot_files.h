/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files for the loader of kernels: a folder with a kernel and an initrd, and what boot_load() says to them. Part of one test
 * program, which has included cmocka.h.
 */
#ifndef HVIS_SELFTESTS_BOOT_FILES_H
#define HVIS_SELFTESTS_BOOT_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "error.h"

#define MIB (1ull << 20)

struct files {
	char directory[64];
	char kernel[96];
	char initrd[96];
};

static void write_file(const char *path, const void *bytes, size_t count)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
	struct files *files = calloc(1, sizeof(*files));

	strcpy(files->directory, "/tmp/hvis-test-boot-XXXXXX");
	if (!mkdtemp(files->directory))
		return -1;
	snprintf(files->kernel, sizeof(files->kernel), "%s/bzImage", files->directory);
	snprintf(files->initrd, sizeof(files->initrd), "%s/initrd", files->directory);
	*state = files;
	return 0;
}

static int remove_files(void **state)
{
	struct files *files = *state;

	unlink(files->kernel);
	unlink(files->initrd);
	rmdir(files->directory);
	free(files);
	return 0;
}

/* What boot_load() says to the image as it is now; "" when it takes it. */
static const char *load_says(const struct files *files, uint64_t memory, const char *append,
			     bool initrd)
{
	static char error[ERROR_BYTES];
	struct boot_config config = {.kernel = files->kernel, .append = append};
	struct guestmem *mem = guestmem_create(memory);
	struct boot_entry entry;
	int result;

	assert_non_null(mem);
	config.initrd = initrd ? files->initrd : NULL;
	error[0] = 0;
	result = boot_load(mem, &config, &entry, error);
	assert_int_equal(result < 0, error[0] != 0);
	assert_null(strchr(error, '\n'));
	guestmem_destroy(mem);
	return error;
}

static void assert_says(const char *error, const char *option, const char *text)
{
	if (strncmp(error, option, strlen(option)) || !strstr(error, text))
		fail_msg("said \"%s\", expected %s ... %s", error, option, text);
}

#endif
