/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target is a process of its own, which is killed: at random, and at
 * named points.  The keeper, here, lives on and remembers.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/unit/forwarder/targets/file_rig.h"

static void
run_child(const struct file_rig *f, int fd, const struct file_rig_settings *s)
{
	struct loop *loop;

	log_set_level(LOG_LEVEL_ERROR);
	if (loop_new(&loop))
		_exit(1);
	pump_connect(file_rig_pump(loop, f->dir, s), fd);
	loop_run(loop);
	_exit(0);
}

static void
start_child(struct file_rig *f, const struct file_rig_settings *s,
    const char *failpoint)
{
	int fd;

	if (f->peer.sock < 0)
		peer_init(&f->peer, NULL, &fd);
	else
		peer_again(&f->peer, &fd);
	f->child = fork();
	assert_true(f->child >= 0);
	if (!f->child) {
		close(f->peer.sock);
		if (failpoint)
			setenv("SPOOLD_FAILPOINT", failpoint, 1);
		run_child(f, fd, s);
	}
	close(fd);
	file_rig_greet(f);
}

/* Kill it, unless it is dead; false if it was. */
static bool
kill_child(struct file_rig *f)
{
	bool lived = waitpid(f->child, NULL, WNOHANG) == 0;

	if (lived) {
		kill(f->child, SIGKILL);
		waitpid(f->child, NULL, 0);
	}
	return lived;
}

/* Give it batches from the first that is owed, for so long; false: it died. */
static bool
feed(struct file_rig *f, uint64_t *batches, unsigned ms)
{
	uint64_t until = peer_now_ms() + ms, next, window = 0;

	next = (ivset_first_gap(&f->peer.settled, 1) - 1) / FILE_RIG_BATCH;
	while (peer_now_ms() < until) {
		window = next -
		    (ivset_first_gap(&f->peer.settled, 1) - 1) / FILE_RIG_BATCH;
		if (window < 8)
			peer_batch(&f->peer, 1 + next++ * FILE_RIG_BATCH,
			    FILE_RIG_BATCH, false);
		if (next > *batches)
			*batches = next;
		peer_turn(&f->peer, window < 8 ? 0 : 5);
		if (waitpid(f->child, NULL, WNOHANG))
			return false;
	}
	return true;
}

static void
killed_at_random_moments_it_loses_and_repeats_nothing(void **state)
{
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f = {.peer = {.sock = -1}, .dir = "test-file-XXXXXX"};
	uint64_t batches = 0;

	(void)state;
	s.size = 300000;
	s.compress = "zstd";
	assert_non_null(mkdtemp(f.dir));
	srandom((unsigned)getpid());
	print_message("seed %d\n", getpid());
	for (int round = 0; round < 30; round++) {
		start_child(&f, &s, NULL);
		feed(&f, &batches, (unsigned)random() % 80);
		kill_child(&f);
		/* What it had said before it died is read by the keeper. */
		while (peer_turn(&f.peer, 0))
			;
	}
	start_child(&f, &s, NULL);
	for (uint64_t i = 0; i < batches; i++)
		if (!ivset_has(&f.peer.settled, 1 + i * FILE_RIG_BATCH))
			peer_batch(&f.peer, 1 + i * FILE_RIG_BATCH,
			    FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + batches * FILE_RIG_BATCH);
	kill_child(&f);
	/* A packed file made by halves goes with the next start. */
	start_child(&f, &file_rig_plain, NULL);
	peer_batch(
	    &f.peer, 1 + batches * FILE_RIG_BATCH, FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + (batches + 1) * FILE_RIG_BATCH);
	kill_child(&f);
	file_rig_check(&f, (batches + 1) * FILE_RIG_BATCH);
	peer_fini(&f.peer);
	file_rig_remove(f.dir);
}

#ifdef WITH_FAILPOINTS
static void
killed_at_each_failpoint_it_loses_and_repeats_nothing(void **state)
{
	static const char *const points[] = {"file-written:1", "file-written:3",
	    "file-synced:1", "file-synced:2", "file-made:1",
	    "file-before-cut:1", "file-cut:1", "file-packed:1"};
	struct file_rig_settings s = file_rig_plain;
	struct file_rig f = {.peer = {.sock = -1}, .dir = "test-file-XXXXXX"};
	uint64_t batches = 0;
	bool lived;

	(void)state;
	s.size = 300000;
	s.compress = "zstd";
	assert_non_null(mkdtemp(f.dir));
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		start_child(&f, &s, points[i]);
		lived = feed(&f, &batches, 5000) && kill_child(&f);
		while (peer_turn(&f.peer, 0))
			;
		if (lived)
			fail_msg("%s was never passed", points[i]);
	}
	start_child(&f, &file_rig_plain, NULL);
	for (uint64_t i = 0; i < batches; i++)
		if (!ivset_has(&f.peer.settled, 1 + i * FILE_RIG_BATCH))
			peer_batch(&f.peer, 1 + i * FILE_RIG_BATCH,
			    FILE_RIG_BATCH, false);
	peer_until_settled(&f.peer, 1, 1 + batches * FILE_RIG_BATCH);
	kill_child(&f);
	file_rig_check(&f, batches * FILE_RIG_BATCH);
	peer_fini(&f.peer);
	file_rig_remove(f.dir);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		killed_at_random_moments_it_loses_and_repeats_nothing),
#ifdef WITH_FAILPOINTS
	    cmocka_unit_test(
		killed_at_each_failpoint_it_loses_and_repeats_nothing),
#endif
	};

	log_setup("test", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
