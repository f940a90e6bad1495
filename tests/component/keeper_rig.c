/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/component/keeper_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/codec/ctl.h"
#include "lib/codec/kv.h"
#include "lib/link/chan.h"
#include "tests/helpers/cmocka_all.h"

#define TICK_US 2000

/* ---- the process ------------------------------------------------------------
 */

void
keeper_rig_init(struct keeper_rig *r)
{
	*r = (struct keeper_rig){.pid = -1, .supervisor = -1, .control = -1};
	snprintf(r->dir, sizeof(r->dir), "%s/spoold-keeper-XXXXXX",
	    getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(r->dir));
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
reap(struct keeper_rig *r)
{
	int status = 0;

	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	r->pid = -1;
	close_fd(&r->supervisor);
	close_fd(&r->control);
	return status;
}

void
keeper_rig_kill(struct keeper_rig *r)
{
	kill(r->pid, SIGKILL);
	reap(r);
}

bool
keeper_rig_died(struct keeper_rig *r)
{
	int status = reap(r);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void
keeper_rig_fini(struct keeper_rig *r)
{
	char command[256];

	if (r->pid > 0)
		keeper_rig_kill(r);
	snprintf(command, sizeof(command), "rm -rf '%s'", r->dir);
	assert_int_equal(system(command), 0);
}

static void
exec_keeper(struct keeper_rig *r, int channel)
{
	const char *top = getenv("TOP_BUILDDIR");
	char path[512];

	snprintf(path, sizeof(path), "%s/spoold/keeper/spoold-keeper",
	    top ? top : ".");
	if (r->failpoint)
		setenv("SPOOLD_FAILPOINT", r->failpoint, 1);
	else
		unsetenv("SPOOLD_FAILPOINT");
	if (channel == 3)
		fcntl(channel, F_SETFD, 0);
	else
		dup2(channel, 3);
	execl(path, "spoold-keeper", "--role-name", "keeper", (char *)NULL);
	_exit(127);
}

static void
send_sup(struct keeper_rig *r, const struct ipc_msg *m, int fd)
{
	struct buf b;
	struct bytes part;

	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	assert_int_equal(b.err, 0);
	part = buf_bytes(&b);
	assert_int_equal(chan_blocking_send(r->supervisor, m->type, &part, 1,
			     fd, KEEPER_RIG_WAIT_MS),
	    0);
	buf_fini(&b);
}

/* Wait for this message of the keeper. */
static void
await_sup(struct keeper_rig *r, enum ipc_type type)
{
	struct buf b;
	uint16_t got;
	int fd;

	buf_init(&b, IPC_MESSAGE_MAX);
	do {
		int rc = chan_blocking_recv(
		    r->supervisor, KEEPER_RIG_WAIT_MS, &got, &b, &fd);

		if (rc)
			fail_msg("waiting for %s: %s",
			    ipc_type_name((uint16_t)type), err_text(rc));
		if (got == IPC_CONFIG_REFUSED)
			fail_msg("the configuration was refused");
	} while (got != type);
	buf_fini(&b);
}

static void
fill_kv(struct keeper_rig *r, struct kv *kv)
{
	char path[192], key[64];
	uint64_t n;

	snprintf(path, sizeof(path), "%s/spool", r->dir);
	kv_add_str(kv, "spool.directory", path);
	kv_add_u64(kv, "spool.quota", r->quota ? r->quota : 1ull << 30);
	kv_add_str(kv, "spool.encryption.mode", "key-beside-data");
	kv_add_str(kv, "spool.allow_filesystem", "tmpfs");
	kv_add_str(kv, "log.level", getenv("KEEPER_LOG") ? "debug" : "error");
	/* A process in the sandbox cannot even end itself by a signal. */
	kv_add_str(kv, "sandbox", r->failpoint ? "off" : "on");
	kv_add_u64(kv, "supervisor.pid", (uint64_t)getpid());
	kv_add_u64(kv, "starter.uid", getuid());
	if (r->viewers)
		kv_add_str(kv, "control.viewers", r->viewers);
	kv_add_u64(kv, "listener_count", 1);
	kv_add_str(kv, "listeners.0.name", "agents");
	kv_add_str(kv, "listeners.0.protocol", "agentlink");
	kv_add_str(kv, "listeners.0.address", "127.0.0.1:7614");
	for (n = 0; n < 8 && r->targets[n]; n++) {
		snprintf(key, sizeof(key), "targets.%u.name", (unsigned)n);
		kv_add_str(kv, key, r->targets[n]);
		snprintf(key, sizeof(key), "targets.%u.protocol", (unsigned)n);
		kv_add_str(kv, key, "file");
		snprintf(key, sizeof(key), "targets.%u.start", (unsigned)n);
		kv_add_str(kv, key, r->oldest ? "oldest" : "next");
	}
	kv_add_u64(kv, "target_count", n);
}

static void
configure(struct keeper_rig *r)
{
	struct ipc_msg m = {.type = IPC_CONFIG_PREPARE};
	struct kv *kv;
	struct buf b;

	assert_int_equal(kv_new(&kv), 0);
	fill_kv(r, kv);
	buf_init(&b, KV_BYTES_MAX);
	kv_encode(kv, &b);
	m.u.config.generation = ++r->generation;
	m.u.config.kv = buf_bytes(&b);
	send_sup(r, &m, -1);
	buf_fini(&b);
	kv_free(kv);
	await_sup(r, IPC_CONFIG_READY);
	m = (struct ipc_msg){.type = IPC_CONFIG_SWITCH};
	m.u.config.generation = r->generation;
	send_sup(r, &m, -1);
}

void
keeper_rig_reload(struct keeper_rig *r)
{
	configure(r);
}

static void
give_fd(struct keeper_rig *r, enum ipc_fd_kind kind, int fd)
{
	struct ipc_msg m = {.type = IPC_FD};

	m.u.fd.kind = (uint8_t)kind;
	send_sup(r, &m, fd);
}

static void
control_address(struct keeper_rig *r, struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(a->sun_path, sizeof(a->sun_path), "%.80s/ctl", r->dir);
}

static void
give_fds(struct keeper_rig *r)
{
	struct sockaddr_un a;
	char path[192];
	int run;

	control_address(r, &a);
	unlink(a.sun_path);
	r->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->control, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(r->control, 8), 0);
	give_fd(r, IPC_FD_CONTROL, r->control);
	snprintf(path, sizeof(path), "%s/run", r->dir);
	mkdir(path, 0700);
	run = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(run >= 0);
	give_fd(r, IPC_FD_RUN, run);
	close(run);
}

void
keeper_rig_list(struct keeper_rig *r, uint32_t receivers)
{
	struct ipc_msg m = {.type = IPC_RECEIVERS};
	struct buf b;
	uint32_t i;

	buf_init(&b, 4096);
	for (i = 0; i < receivers; i++)
		cursor_put_be32(&b, i);
	m.u.receivers.n = receivers;
	m.u.receivers.slots = buf_bytes(&b);
	send_sup(r, &m, -1);
	buf_fini(&b);
}

void
keeper_rig_start(struct keeper_rig *r, uint32_t receivers)
{
	int pair[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	r->supervisor = pair[0];
	r->generation = 0;
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (!r->pid)
		exec_keeper(r, pair[1]);
	close(pair[1]);
	await_sup(r, IPC_HELLO);
	give_fds(r);
	configure(r);
	await_sup(r, IPC_READY);
	keeper_rig_list(r, receivers);
}

int
keeper_rig_stop(struct keeper_rig *r)
{
	struct ipc_msg m = {.type = IPC_STOP};
	int status;

	m.u.stop.deadline_ms = 8000;
	send_sup(r, &m, -1);
	status = reap(r);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
flip_in(const char *path, const uint8_t *mark, size_t len)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *all = malloc((size_t)size + 1), *at = NULL, x;

	assert_int_equal(pread(fd, all, (size_t)size, 0), size);
	if ((size_t)size >= len)
		at = memmem(all, (size_t)size, mark, len);
	if (at) {
		x = at[0] ^ 0x10;
		assert_int_equal(pwrite(fd, &x, 1, at - all), 1);
	}
	free(all);
	close(fd);
	return at != NULL;
}

void
keeper_rig_damage(struct keeper_rig *r, uint64_t seq)
{
	uint8_t mark[BATCH_HEAD_SIZE];
	char path[512];
	struct dirent *e;
	bool found = false;
	DIR *d;

	memset(mark, 0x5a, sizeof(mark));
	memcpy(mark, &seq, sizeof(seq));
	snprintf(path, sizeof(path), "%s/spool/seg", r->dir);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		snprintf(
		    path, sizeof(path), "%s/spool/seg/%s", r->dir, e->d_name);
		if (strstr(e->d_name, ".sp"))
			found = flip_in(path, mark, sizeof(mark)) || found;
	}
	closedir(d);
	assert_true(found);
}

/* ---- links ---- */

static void
link_to(struct keeper_rig *r, enum ipc_role role, uint32_t slot,
    const char *name, struct keeper_peer *p)
{
	struct ipc_msg m = {.type = IPC_LINK};
	int pair[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	m.u.link.role = (uint8_t)role;
	m.u.link.slot = slot;
	m.u.link.name = bytes_of_str(name);
	send_sup(r, &m, pair[1]);
	close(pair[1]);
	p->fd = pair[0];
	buf_init(&p->in, IPC_MESSAGE_MAX);
}

void
keeper_rig_receiver(struct keeper_rig *r, uint32_t slot, struct keeper_peer *p)
{
	link_to(r, IPC_ROLE_RECEIVER, slot, "", p);
}

void
keeper_rig_forwarder(
    struct keeper_rig *r, const char *target, struct keeper_peer *p)
{
	link_to(r, IPC_ROLE_FORWARDER, 0, target, p);
}

void
keeper_rig_worker(struct keeper_rig *r, struct keeper_peer *p)
{
	link_to(r, IPC_ROLE_WORKER, 0, "", p);
}

/* ---- spoolctl ---- */

static json_t *
read_answer(int fd)
{
	struct buf in;
	struct ctl_frame f;
	json_t *answer = NULL;
	size_t used;
	int rc;

	buf_init(&in, CTL_ANSWER_MAX * 2);
	while (!answer) {
		uint8_t *to = buf_reserve(&in, 65536);
		ssize_t n = recv(fd, to, 65536, 0);

		if (n <= 0)
			break;
		buf_claim(&in, (size_t)n);
		while (!(
		    rc = ctl_next(buf_bytes(&in), CTL_ANSWER_MAX, &f, &used))) {
			if (f.kind == CTL_JSON)
				answer = json_loadb((const char *)f.payload.ptr,
				    f.payload.len, 0, NULL);
			buf_consume(&in, used);
		}
		assert_int_equal(rc, ERR_AGAIN);
	}
	buf_fini(&in);
	return answer;
}

json_t *
keeper_rig_ask(struct keeper_rig *r, const char *verb, json_t *args)
{
	struct sockaddr_un a;
	json_t *request = json_pack("{s:i, s:s, s:o}", "v", 1, "verb", verb,
	    "args", args ? args : json_object());
	char *text = json_dumps(request, JSON_COMPACT);
	struct buf out;
	json_t *answer;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	control_address(r, &a);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	buf_init(&out, CTL_ANSWER_MAX);
	ctl_put(&out, CTL_JSON, bytes_of_str(text));
	assert_int_equal(send(fd, buf_ptr(&out), out.len, 0), out.len);
	answer = read_answer(fd);
	assert_non_null(answer);
	close(fd);
	buf_fini(&out);
	free(text);
	json_decref(request);
	return answer;
}

json_t *
keeper_rig_result(struct keeper_rig *r, const char *verb, json_t *args)
{
	json_t *answer = keeper_rig_ask(r, verb, args);
	json_t *result = json_incref(json_object_get(answer, "result"));
	char *text = json_dumps(answer, 0);

	if (!result)
		fail_msg("%s: %s", verb, text);
	free(text);
	json_decref(answer);
	return result;
}

void
keeper_rig_refused(
    struct keeper_rig *r, const char *verb, json_t *args, const char *code)
{
	json_t *answer = keeper_rig_ask(r, verb, args);
	json_t *error = json_object_get(answer, "error");
	const char *got = json_string_value(json_object_get(error, "code"));

	assert_non_null(got);
	assert_string_equal(got, code);
	json_decref(answer);
}

int64_t
keeper_rig_spool(struct keeper_rig *r, const char *key)
{
	json_t *result = keeper_rig_result(r, "status", NULL);
	json_t *spool = json_object_get(result, "spool");
	int64_t x = json_integer_value(json_object_get(spool, key));

	json_decref(result);
	return x;
}

int64_t
keeper_rig_target(struct keeper_rig *r, const char *target, const char *key)
{
	json_t *answer =
	    keeper_rig_ask(r, "target", json_pack("{s:s}", "name", target));
	json_t *row =
	    json_object_get(json_object_get(answer, "result"), "target");
	int64_t x = row ? json_integer_value(json_object_get(row, key)) : -1;

	json_decref(answer);
	return x;
}

/* Whoever polls waits here; false when it has been long enough. */
static bool
wait_on(uint64_t begun_us)
{
	struct timespec tick = {.tv_nsec = TICK_US * 1000};

	if (clock_now().mono_us > begun_us + KEEPER_RIG_WAIT_MS * 1000ull)
		return false;
	nanosleep(&tick, NULL);
	return true;
}

void
keeper_rig_wait_spool(struct keeper_rig *r, const char *key, int64_t at_most)
{
	uint64_t begun = clock_now().mono_us;
	int64_t x;

	while ((x = keeper_rig_spool(r, key)) > at_most)
		if (!wait_on(begun))
			fail_msg("%s is %lld, not at most %lld", key,
			    (long long)x, (long long)at_most);
}

void
keeper_rig_wait_target(
    struct keeper_rig *r, const char *target, const char *key, int64_t value)
{
	uint64_t begun = clock_now().mono_us;
	int64_t x;

	while ((x = keeper_rig_target(r, target, key)) != value)
		if (!wait_on(begun))
			fail_msg("%s of %s is %lld, not %lld", key, target,
			    (long long)x, (long long)value);
}

void
keeper_rig_prove(struct keeper_rig *r)
{
	json_t *answer = keeper_rig_ask(r, "prove", NULL);
	char *text = json_dumps(answer, 0);

	if (!json_is_true(
		json_object_get(json_object_get(answer, "result"), "ok")))
		fail_msg("prove: %s", text);
	free(text);
	json_decref(answer);
}
