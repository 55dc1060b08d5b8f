// SPDX-License-Identifier: GPL-2.0
/* "set-memory --wait". See ctl_internal.h. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl_internal.h"

#define INTERVAL_US 50000

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Return: the answer to query-memory, or NULL. */
static json_t *ask(int fd, FILE *from)
{
	json_t *request = json_pack("{s:s}", "execute", "query-memory");
	json_t *answer = ctl_send(fd, request) ? ctl_read(from) : NULL;

	json_decref(request);
	return answer;
}

static const char *text(const json_t *memory, const char *name)
{
	const char *value = json_string_value(json_object_get(memory, name));

	return value ? value : "";
}

static long long mebibytes(const json_t *memory, const char *name)
{
	return (long long)json_integer_value(json_object_get(memory, name)) >> 20;
}

/* In one line, as other errors are. */
static int judge(const char *path, const json_t *memory)
{
	const char *progress = text(memory, "progress"), *reason = text(memory, "reason");
	char line[200];

	if (!strcmp(progress, "settled"))
		return 0;
	snprintf(line, sizeof(line), "the guest has %lldM, not %lldM: %.100s", mebibytes(memory, "assigned"), mebibytes(memory, "target"),
		 *reason ? reason : "it takes longer than that");
	return ctl_fail(path, line);
}

int ctl_memory_wait(const char *path, int fd, FILE *from, unsigned int seconds)
{
	double end = now() + seconds;
	json_t *answer = ask(fd, from), *memory;
	int status;

	while (answer && !strcmp(text(json_object_get(answer, "return"), "progress"), "moving") && now() < end) {
		json_decref(answer);
		usleep(INTERVAL_US);
		answer = ask(fd, from);
	}
	memory = json_incref(json_object_get(answer, "return"));
	status = ctl_print(path, answer);
	if (!status)
		status = judge(path, memory);
	json_decref(memory);
	return status;
}
