// SPDX-License-Identifier: GPL-2.0
/* await, with which guests' scripts wait: what held when it looked has come true, and what never does is told apart. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int await_main(int argc, char **argv);
#define main await_main
#include "../guest/await.c"
#undef main

static char folder[] = "/tmp/await.XXXXXX";
static char path[PATH_ROOM], says_yes[PATH_ROOM + 4], gone[PATH_ROOM + 1];

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/file", mkdtemp(folder));
	snprintf(says_yes, sizeof(says_yes), "%s=yes", path);
	snprintf(gone, sizeof(gone), "!%s", path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* As a shell's "echo TEXT >FILE" does: emptied first. */
static void write_file(const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int await(const char *seconds, char *what)
{
	char *argv[] = { "await", (char *)seconds, what, NULL };

	return await_main(3, argv);
}

static void what_is_there_has_come(void **state)
{
	(void)state;
	write_file("yes\n");
	assert_int_equal(await("0", says_yes), 0);
	assert_int_equal(await("0", path), 0);
	assert_int_equal(await("0", gone), 1);
	write_file("no\n");
	assert_int_equal(await("0", says_yes), 1);
	unlink(path);
	assert_int_equal(await("0", path), 1);
	assert_int_equal(await("0", gone), 0);
}

static atomic_bool seen_enough;

static void *comes_and_goes(void *unused)
{
	(void)unused;
	while (!atomic_load(&seen_enough)) {
		write_file("no\n");
		write_file("yes\n");
	}
	return NULL;
}

/* A file that another one writes anew while we look: it said yes, and that it is empty at once afterwards changes nothing. */
static void what_held_once_has_come_true(void **state)
{
	pthread_t writer;
	int missed = 0;

	(void)state;
	write_file("yes\n");
	assert_int_equal(pthread_create(&writer, NULL, comes_and_goes, NULL), 0);
	for (int i = 0; i < 200; i++)
		missed += await("10", says_yes);
	atomic_store(&seen_enough, true);
	pthread_join(writer, NULL);
	unlink(path);
	assert_int_equal(missed, 0);
}

static void *comes(void *text)
{
	write_file("not yet\n");
	write_file(text);
	return NULL;
}

static void what_comes_later_is_awaited(void **state)
{
	pthread_t writer;

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(pthread_create(&writer, NULL, comes, "yes\n"), 0);
		assert_int_equal(await("10", says_yes), 0);
		pthread_join(writer, NULL);
		unlink(path);
	}
}

static void without_anything_to_wait_for_says_how(void **state)
{
	char *argv[] = { "await", "1", NULL };

	(void)state;
	assert_int_equal(await_main(2, argv), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_has_come),
		cmocka_unit_test(what_held_once_has_come_true),
		cmocka_unit_test(what_comes_later_is_awaited),
		cmocka_unit_test(without_anything_to_wait_for_says_how),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
