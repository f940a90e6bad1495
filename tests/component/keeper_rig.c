/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/component/keeper_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/codec/kv.h"
#include "lib/link/chan.h"
#include "tests/helpers/cmocka_all.h"

/* ---- the process ------------------------------------------------------------
 */

void
keeper_rig_init(struct keeper_rig *r)
{
	*r = (struct keeper_rig){.pid = -1, .supervisor = -1, .control = -1};
	snprintf(r->dir, sizeof(r->dir), "%s/spoold-keeper-XXXXXX",
	    getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(r->dir));
	r->address.sun_family = AF_UNIX;
	snprintf(r->address.sun_path, sizeof(r->address.sun_path), "%.80s/ctl",
	    r->dir);
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
give_fds(struct keeper_rig *r)
{
	char path[192];
	int run;

	unlink(r->address.sun_path);
	r->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->control, (struct sockaddr *)&r->address,
			     sizeof(r->address)),
	    0);
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
