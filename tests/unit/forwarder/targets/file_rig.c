/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/forwarder/targets/file_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/records.h"

const struct file_rig_settings file_rig_plain = {
    "lines", "off", NULL, 1 << 30, 86400000, NULL};

/* ---- the target, in this process or another ----------------------------- */

static struct kv *
make_kv(const struct file_rig_settings *s)
{
	struct kv *kv;

	assert_int_equal(kv_new(&kv), 0);
	kv_add_str(kv, "protocol", "file");
	kv_add_str(kv, "framing", s->framing);
	kv_add_str(kv, "rotate.compress", s->compress);
	kv_add_u64(kv, "rotate.size", s->size);
	kv_add_u64(kv, "rotate.every", s->every_ms);
	kv_add_u64(kv, "retry_max", 200);
	if (s->streams)
		kv_add_str(kv, "streams", s->streams);
	return kv;
}

struct pump *
file_rig_pump(
    struct loop *loop, const char *dir, const struct file_rig_settings *s)
{
	struct kv *kv = make_kv(s);
	struct pump *pump;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(
	    pump_new(loop, s->name ? s->name : "archive", kv, fd, &pump), 0);
	kv_free(kv);
	return pump;
}

/* What every link begins with. */
void
file_rig_greet(struct file_rig *f)
{
	while (peer_turn(&f->peer, PEER_WAIT_MS) != IPC_TARGET)
		;
	peer_state(&f->peer);
	peer_stream(&f->peer, 1, "one");
	peer_stream(&f->peer, 2, "two");
}

void
file_rig_begin(struct file_rig *f, const struct file_rig_settings *s)
{
	int fd;

	*f = (struct file_rig){.child = -1};
	snprintf(f->dir, sizeof(f->dir), "test-file-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->framing_length = !strcmp(s->framing, "length");
	assert_int_equal(loop_new(&f->loop), 0);
	f->pump = file_rig_pump(f->loop, f->dir, s);
	peer_init(&f->peer, f->loop, &fd);
	pump_connect(f->pump, fd);
	file_rig_greet(f);
}

/* The keeper is another process, which knows what was made durable. */
void
file_rig_restart(struct file_rig *f, const struct file_rig_settings *s)
{
	int fd;

	pump_free(f->pump);
	f->pump = file_rig_pump(f->loop, f->dir, s);
	peer_again(&f->peer, &fd);
	pump_connect(f->pump, fd);
	file_rig_greet(f);
}

void
file_rig_remove(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	assert_int_equal(rmdir(dir), 0);
}

void
file_rig_end(struct file_rig *f)
{
	pump_free(f->pump);
	loop_free(f->loop);
	peer_fini(&f->peer);
	file_rig_remove(f->dir);
}

/* ---- reading back ------------------------------------------------------- */

/* The stream of a record of peer_batch, which has FILE_RIG_BATCH records from 1
 * on. */
static bool
is_of_two(uint64_t rec)
{
	return (rec - 1) % FILE_RIG_BATCH / 10 % 2;
}

static int
check_record(void *arg, struct bytes id, struct bytes record)
{
	struct file_rig *f = arg;
	uint8_t mem[PEER_RECORD_MAX];
	char text[33];

	f->seen++;
	while (f->mixed && is_of_two(f->seen))
		f->seen++;
	if (!bytes_equal(record, peer_record(f->seen, mem)))
		fail_msg("another record at %llu: %.*s",
		    (unsigned long long)f->seen, (int)record.len,
		    (const char *)record.ptr);
	if (!f->framing_length)
		assert_true(bytes_equal_str(id, peer_id("one", f->seen, text)));
	return 0;
}

/* Exactly the records 1 to last, in order, none twice. */
void
file_rig_check(struct file_rig *f, uint64_t last)
{
	struct records_place where;

	f->seen = 0;
	assert_int_equal(
	    records_dir(f->dir,
		f->framing_length ? RECORDS_LENGTH : RECORDS_TARGET,
		check_record, f, &where),
	    0);
	while (f->mixed && f->seen < last && is_of_two(f->seen + 1))
		f->seen++;
	assert_int_equal(f->seen, last);
}

int
file_rig_count(const struct file_rig *f, const char *tail)
{
	DIR *d = opendir(f->dir);
	struct dirent *e;
	size_t len;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		len = strlen(e->d_name);
		n += len > strlen(tail) && e->d_name[0] != '.' &&
		    !strcmp(e->d_name + len - strlen(tail), tail);
	}
	closedir(d);
	return n;
}

void
file_rig_put(const struct file_rig *f, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

void
file_rig_take(const struct file_rig *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(unlink(path), 0);
}

void
file_rig_move(const struct file_rig *f, const char *from, const char *to)
{
	char old[256], new[256];

	snprintf(old, sizeof(old), "%s/%s", f->dir, from);
	snprintf(new, sizeof(new), "%s/%s", f->dir, to);
	assert_int_equal(rename(old, new), 0);
}
