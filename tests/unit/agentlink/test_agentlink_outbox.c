/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox's files: torn at every byte, damaged at every byte, turned. */
#include "tests/helpers/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentlink/agentlink_outrec.h"
#include "lib/base/err.h"
#include "tests/unit/agentlink/rig.h"

static char dir[64], copy[80];

static void
empty(const char *path)
{
	char command[260];
	snprintf(
	    command, sizeof(command), "rm -rf %s && mkdir -p %s", path, path);
	assert_int_equal(system(command), 0);
}

static int
setup(void **state)
{
	(void)state;
	bool is_shm = !access("/dev/shm", W_OK);
	snprintf(dir, sizeof(dir), "%s/outbox-test-XXXXXX",
	    is_shm ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(copy, sizeof(copy), "%s-copy", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	char command[260];
	snprintf(command, sizeof(command), "rm -rf %s %s", dir, copy);
	return system(command);
}

static const char *
path_in(const char *d, unsigned number)
{
	static char path[160];
	snprintf(path, sizeof(path), "%s/outbox-%016x", d, number);
	return path;
}

static size_t
read_all(const char *path, uint8_t **mem)
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	*mem = malloc(1 << 22);
	size_t n = fread(*mem, 1, 1 << 22, f);
	fclose(f);
	return n;
}

static void
write_all(const char *path, const uint8_t *mem, size_t len)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(mem, 1, len, f), len);
	fclose(f);
}

static unsigned
files_in(const char *path)
{
	unsigned n = 0;
	DIR *d = opendir(path);
	for (struct dirent *e; (e = readdir(d));)
		n += !strncmp(e->d_name, "outbox-", 7);
	closedir(d);
	return n;
}

static void
batch_with_position(struct rig *r, unsigned records, const char *value)
{
	rig_add(r, records);
	assert_int_equal(agentlink_sender_seal(r->sender, "/p", 0,
			     bytes_of_str("file"), bytes_of_str(value)),
	    0);
	assert_int_equal(agentlink_sender_commit(r->sender), 0);
}

static void
position_is(struct rig *r, const char *want)
{
	struct bytes value;
	int rc = agentlink_outbox_find(
	    agentlink_sender_outbox(r->sender), bytes_of_str("file"), &value);
	if (!want) {
		assert_int_equal(rc, ERR_NOENT);
		return;
	}
	assert_int_equal(rc, 0);
	assert_true(bytes_equal_str(value, want));
}

static void
what_was_added_is_there_after_a_kill(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, dir, 1);
	batch_with_position(&r, 5, "10");
	batch_with_position(&r, 6, "20");
	rig_kill(&r);
	rig_open(&r);
	position_is(&r, "20");
	assert_int_equal(agentlink_sender_report(r.sender)->records, 11);
	batch_with_position(&r, 2, "30");
	rig_settle(&r);
	assert_int_equal(rig_wrong(&r, 13), 0);
	assert_int_equal(r.spool[0]->streams, 1);
	assert_int_equal(r.epochs, 0);
	rig_kill(&r);
	rig_open(&r);
	assert_int_equal(agentlink_sender_report(r.sender)->records, 0);
	position_is(&r, "30");
	rig_fini(&r);
}

static void
a_new_epoch_outlives_a_kill(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, dir, 1);
	rig_batch(&r, 5);
	rig_settle(&r);
	rig_disconnect(&r);
	spoolsim_find(r.spool[0], "s")->head[3] ^= 1;
	r.spool[0]->credit_batches = 0;
	rig_batch(&r, 5);
	rig_batch(&r, 5);
	for (int i = 0; i < 400 && !r.epochs; i++) {
		rig_carry(&r, SIZE_MAX, true);
		r.now_ms += 10;
		agentlink_engine_on_timer(r.engine, rig_now(&r));
		rig_events(&r);
	}
	assert_int_equal(r.epochs, 1);
	rig_kill(&r);
	r.spool[0]->credit_batches = 9;
	rig_open(&r);
	rig_batch(&r, 5);
	rig_settle(&r);
	assert_int_equal(rig_wrong(&r, 20), 0);
	assert_int_equal(r.epochs, 1);
	assert_int_equal(r.spool[0]->streams, 2);
	rig_fini(&r);
}

static void
an_ack_and_a_fork_that_come_together_are_remembered_in_order(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, dir, 1);
	rig_batch(&r, 5);
	for (int i = 0; i < 5; i++)
		rig_carry(&r, SIZE_MAX, false);
	assert_int_equal(r.conn.datas, 1);
	rig_batch(&r, 6);
	r.conn.nack_next = AGENTLINK_CODE_FORK;
	spoolsim_conn_ack(&r.conn);
	rig_carry(&r, SIZE_MAX, false);
	assert_int_equal(r.epochs, 1);
	assert_int_equal(r.acked, 5);
	rig_kill(&r);
	rig_open(&r);
	assert_int_equal(agentlink_sender_report(r.sender)->records, 6);
	rig_settle(&r);
	assert_int_equal(rig_wrong(&r, 11), 0);
	rig_fini(&r);
}

/* A directory with three batches, the second acknowledged after the third. */
static size_t
make_example(uint8_t **mem)
{
	struct rig r;
	rig_init(&r, dir, 1);
	batch_with_position(&r, 3, "1");
	rig_settle(&r);
	batch_with_position(&r, 4, "2");
	batch_with_position(&r, 5, "3");
	rig_fini(&r);
	assert_int_equal(files_in(dir), 1);
	return read_all(path_in(dir, 1), mem);
}

/* Open the copy with this file in it, and send all to a spool. */
static struct rig
open_copy(const uint8_t *mem, size_t len)
{
	struct rig r;
	empty(copy);
	write_all(path_in(copy, 1), mem, len);
	rig_init(&r, copy, 1);
	r.next_record = 1000;
	return r;
}

static void
torn_at_any_byte_it_keeps_all_whole_records_and_goes_on(void **state)
{
	(void)state;
	uint8_t *mem;
	size_t len = make_example(&mem), last_held = 0;
	for (size_t n = AGENTLINK_OUTREC_FILE_HEADER; n <= len; n++) {
		struct rig r = open_copy(mem, n);
		const struct agentlink_outbox_report *found =
		    agentlink_sender_report(r.sender);
		assert_int_equal(found->damaged_bytes, 0);
		assert_int_equal(found->new_epochs, 0);
		last_held = found->records;
		assert_true(last_held == 0 || last_held == 3 ||
		    last_held == 4 || last_held == 9);
		rig_batch(&r, 2);
		rig_kill(&r);
		rig_open(&r);
		found = agentlink_sender_report(r.sender);
		assert_int_equal(found->records, last_held + 2);
		assert_int_equal(found->torn_bytes, 0);
		rig_settle(&r);
		assert_int_equal(rig_wrong(&r, 0), 0);
		assert_int_equal(r.stored[1000] + r.stored[1001], 2);
		rig_fini(&r);
	}
	assert_int_equal(last_held, 9);
	free(mem);
}

static void
damaged_at_any_byte_it_delivers_nothing_wrong_and_goes_on(void **state)
{
	(void)state;
	uint8_t *mem;
	size_t len = make_example(&mem);
	for (size_t n = 0; n < len; n++) {
		mem[n] ^= 0x21;
		struct rig r = open_copy(mem, len);
		rig_batch(&r, 2);
		rig_settle(&r);
		assert_true(agentlink_engine_is_drained(r.engine));
		for (uint32_t i = 0; i < 12; i++)
			assert_true(r.stored[i] <= 1);
		assert_int_equal(r.stored[1000] + r.stored[1001], 2);
		rig_fini(&r);
		mem[n] ^= 0x21;
	}
	free(mem);
}

static void
a_damaged_payload_is_told_as_corrupt_and_the_rest_arrives(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, dir, 1);
	for (int i = 0; i < 3; i++)
		rig_batch(&r, 100);
	rig_kill(&r);
	uint8_t *mem;
	size_t len = read_all(path_in(dir, 1), &mem);
	mem[len * 2 / 3 - 40] ^= 1; /* in the second payload */
	write_all(path_in(dir, 1), mem, len);
	free(mem);
	rig_open(&r);
	rig_settle(&r);
	assert_int_equal(
	    r.spool[0]->advanced_records[ENTRY_ADVANCE_CORRUPT], 100);
	assert_int_equal(rig_wrong(&r, 300), 100);
	assert_int_equal(r.lost, 100);
	rig_fini(&r);
}

static void
files_turn_are_removed_and_stay_within_the_limit(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, dir, 1);
	struct agentlink_outbox *o = agentlink_sender_outbox(r.sender);
	uint64_t most = 0;
	char *noise = malloc(200000);
	uint64_t x = 88172645463325252u;
	for (int i = 0; i < 200; i++) {
		for (size_t k = 0; k + 8 < 200000; k += 8) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			memcpy(noise + k, &x, 8);
		}
		int n = snprintf(noise + 199900, 90, "#%u", r.next_record++);
		assert_int_equal(agentlink_sender_add(r.sender, r.stream, noise,
				     199900 + (size_t)n),
		    0);
		char value[16];
		snprintf(value, sizeof(value), "%d", i);
		int rc;
		do {
			rc = agentlink_sender_seal(r.sender, NULL, 0,
			    bytes_of_str("file"), bytes_of_str(value));
			if (rc == ERR_FULL)
				rig_settle(&r);
		} while (rc == ERR_FULL);
		assert_int_equal(rc, 0);
		assert_int_equal(agentlink_sender_commit(r.sender), 0);
		if (agentlink_outbox_bytes(o) > most)
			most = agentlink_outbox_bytes(o);
	}
	assert_true(most <= 8u << 20);
	assert_true(most > 6u << 20);
	rig_settle(&r);
	rig_kill(&r);
	rig_open(&r);
	position_is(&r, "199");
	rig_settle(&r);
	assert_int_equal(rig_wrong(&r, 200), 0);
	assert_true(files_in(dir) < 20);
	assert_false(!access(path_in(dir, 1), F_OK));
	rig_fini(&r);
	free(noise);
}

static void
a_lost_middle_file_is_told_as_corrupt(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, dir, 1);
	rig_kill(&r);
	r.outbox_max = 1u << 20;
	rig_open(&r);
	r.spool[0]->credit_batches = 0;
	for (int i = 0; i < 80; i++)
		rig_batch(&r, 1500);
	rig_kill(&r);
	unsigned files = files_in(dir);
	assert_true(files >= 3);
	assert_int_equal(unlink(path_in(dir, 2)), 0);
	rig_open(&r);
	r.spool[0]->credit_batches = 1000;
	rig_settle(&r);
	uint64_t gone = r.spool[0]->advanced_records[ENTRY_ADVANCE_CORRUPT];
	assert_true(gone > 0);
	assert_int_equal(rig_wrong(&r, r.next_record), gone);
	assert_int_equal(r.epochs, 0);
	rig_fini(&r);
}

static void
a_second_agent_is_kept_out(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, dir, 1);
	struct agentlink_sender *other;
	char why[200];
	assert_int_equal(agentlink_sender_open(
			     &r.settings, dir, 0, why, sizeof(why), &other),
	    ERR_BUSY);
	assert_non_null(strstr(why, "another agent"));
	rig_fini(&r);
}

/* A process that has the lock, and is killed with it a moment later. */
static pid_t
dying_holder(void)
{
	const struct itimerval soon = {.it_value.tv_usec = 100000};
	char path[160], byte;
	int ready[2], fd;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/lock", dir);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) ||
		    write(ready[1], "", 1) != 1 ||
		    setitimer(ITIMER_REAL, &soon, NULL))
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void
who_comes_while_a_killed_one_dies_gets_in(void **state)
{
	struct rig r;
	int status;
	pid_t pid;

	(void)state;
	pid = dying_holder();
	rig_init(&r, dir, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	rig_fini(&r);
}

static void
positions_are_remembered_forgotten_and_replaced(void **state)
{
	(void)state;
	struct rig r;
	rig_init(&r, dir, 1);
	struct agentlink_outbox *o = agentlink_sender_outbox(r.sender);
	char key[16];
	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(agentlink_outbox_position(
				     o, bytes_of_str(key), bytes_of_str("v")),
		    0);
	}
	for (int i = 0; i < 50; i += 2) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(agentlink_outbox_position(
				     o, bytes_of_str(key), bytes_of(NULL, 0)),
		    0);
	}
	rig_kill(&r);
	rig_open(&r);
	o = agentlink_sender_outbox(r.sender);
	size_t n = 0;
	struct bytes k, v;
	while (!agentlink_outbox_position_at(o, n, &k, &v))
		n++;
	assert_int_equal(n, 25);
	rig_fini(&r);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(what_was_added_is_there_after_a_kill),
	    CASE(a_new_epoch_outlives_a_kill),
	    CASE(an_ack_and_a_fork_that_come_together_are_remembered_in_order),
	    CASE(torn_at_any_byte_it_keeps_all_whole_records_and_goes_on),
	    CASE(damaged_at_any_byte_it_delivers_nothing_wrong_and_goes_on),
	    CASE(a_damaged_payload_is_told_as_corrupt_and_the_rest_arrives),
	    CASE(files_turn_are_removed_and_stay_within_the_limit),
	    CASE(a_lost_middle_file_is_told_as_corrupt),
	    CASE(a_second_agent_is_kept_out),
	    CASE(who_comes_while_a_killed_one_dies_gets_in),
	    CASE(positions_are_remembered_forgotten_and_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
