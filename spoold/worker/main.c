/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoold-worker - unpacks what the keeper may not.
 *
 * The usual course: started by spoold with its channel as descriptor 3; a LINK
 * to the keeper comes; each INSPECT on it is answered by INSPECTED, in order.
 * What can go wrong: a batch that the decompressor dies of.  Then spoold starts
 * us again, and the keeper knows which one it was.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"
#include "lib/link/chan.h"
#include "lib/role/role.h"
#include "spoold/worker/examine.h"

#define ANSWERS_MAX ((size_t)1 << 20) /* bytes that the keeper may not take */

struct program {
	struct loop *loop;
	struct role *role;
	struct chan *keeper; /* NULL while it is away */
	struct examine *examine;
	struct buf out;
};

static void
hang_up(struct program *p)
{
	chan_free(p->keeper);
	p->keeper = NULL;
}

/* ---- the keeper ---- */

static int
answer(struct program *p, const struct ipc_inspect *q)
{
	struct ipc_msg m = {.type = IPC_INSPECTED};
	struct bytes part;

	FAILPOINT("worker-before-answer");
	m.u.inspected = examine_batch(p->examine, q);
	FAILPOINT("worker-examined");
	buf_clear(&p->out);
	ipc_encode(&p->out, &m);
	part = buf_bytes(&p->out);
	return p->out.err ? p->out.err
			  : chan_send(p->keeper, m.type, &part, 1, -1);
}

static void
on_question(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct program *p = arg;
	struct ipc_msg m;
	int rc = ipc_decode(type, payload, &m);

	if (fd >= 0)
		close(fd); /* nobody sends us one */
	if (!rc && type != IPC_INSPECT)
		rc = ERR_UNSUPPORTED;
	if (!rc)
		rc = answer(p, &m.u.inspect);
	if (!rc)
		return;
	if (rc != ERR_CLOSED)
		log_error(
		    "%s of the keeper: %s", ipc_type_name(type), err_text(rc));
	hang_up(p);
}

static void
on_closed(int rc, void *arg)
{
	if (rc != ERR_CLOSED)
		log_error("line to the keeper: %s", err_text(rc));
	hang_up(arg);
}

static const struct chan_events chan_events = {
    .on_message = on_question,
    .on_closed = on_closed,
};

/* ---- the supervisor ---- */

static int
on_prepare(
    struct kv *kv, uint32_t generation, char *why, size_t why_size, void *arg)
{
	(void)generation;
	(void)why;
	(void)why_size;
	(void)arg;
	kv_free(kv); /* the log's level is the role's business */
	return 0;
}

static int
on_switch(uint32_t generation, void *arg)
{
	(void)generation;
	(void)arg;
	return 0;
}

static int
on_sandbox(struct sandbox_profile *profile, void *arg)
{
	(void)profile; /* no directory */
	(void)arg;
	return digest_warm_up();
}

static void
on_link(const struct ipc_link *link, int fd, void *arg)
{
	struct program *p = arg;
	int rc;

	if (link->role != IPC_ROLE_KEEPER) {
		close(fd);
		return;
	}
	hang_up(p); /* who asked on the old one is gone */
	rc = chan_new(p->loop, fd, &chan_events, p, &p->keeper);
	if (rc) {
		log_error(
		    "cannot use the line to the keeper: %s", err_text(rc));
		close(fd);
		return;
	}
	chan_set_limit(p->keeper, ANSWERS_MAX);
}

static void
on_stop(uint32_t deadline_ms, void *arg)
{
	(void)deadline_ms; /* there is nothing to be finished */
	role_end(((struct program *)arg)->role, 0);
}

static const struct role_events events = {
    .on_prepare = on_prepare,
    .on_switch = on_switch,
    .on_sandbox = on_sandbox,
    .on_link = on_link,
    .on_stop = on_stop,
};

int
main(int argc, char **argv)
{
	struct program p = {0};
	int rc;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("spoold-worker %s\n", PACKAGE_VERSION);
		return 0;
	}
	log_setup("spoold-worker", LOG_LEVEL_INFO, false);
	buf_init(&p.out, 4096);
	rc = loop_new(&p.loop);
	if (!rc)
		rc = examine_new(&p.examine);
	if (!rc)
		rc = role_start(p.loop, IPC_ROLE_WORKER, SANDBOX_WORKER,
		    "worker", &events, &p, &p.role);
	if (rc) {
		log_error(rc == ERR_NOENT
			? "this program is started by spoold, not by hand"
			: "cannot start: %s",
		    err_text(rc));
		return 1;
	}
	loop_run(p.loop);
	rc = role_exit_status(p.role);
	hang_up(&p);
	role_free(p.role);
	examine_free(p.examine);
	buf_fini(&p.out);
	loop_free(p.loop);
	return rc;
}
