/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoold-resolver - names to addresses, for the forwarders.
 *
 * Started by spoold with its channel as descriptor 3.
 */
#include <fcntl.h>
#include <netdb.h>
#include <stddef.h>
#include <unistd.h>

#include "forwarder/resolver/resolver.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/role/role.h"

/* Where the C library reads how to look names up, and who runs that. */
static const char *const places[] = {
    "/etc", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager"};
#define PLACES (sizeof(places) / sizeof(*places))

struct program {
	struct loop *loop;
	struct role *role;
	struct resolver *resolver;
	struct sandbox_dir dirs[PLACES];
	size_t n_dirs;
};

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
	struct program *p = arg;
	struct addrinfo *all = NULL;

	/* Its modules are loaded now, while that is possible. */
	if (!getaddrinfo("localhost", NULL, NULL, &all))
		freeaddrinfo(all);
	for (size_t i = 0; i < PLACES; i++) {
		int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			p->dirs[p->n_dirs++] = (struct sandbox_dir){.fd = fd};
	}
	profile->dirs = p->dirs;
	profile->dir_count = p->n_dirs;
	return 0;
}

static int
on_ready(void *arg)
{
	struct program *p = arg;

	for (size_t i = 0; i < p->n_dirs; i++)
		close(p->dirs[i].fd);
	return 0;
}

static void
on_link(const struct ipc_link *link, int fd, void *arg)
{
	struct program *p = arg;
	int rc;

	if (link->role != IPC_ROLE_FORWARDER) {
		close(fd);
		return;
	}
	rc = resolver_connect(p->resolver, fd);
	if (rc)
		log_error(
		    "cannot use the line to a forwarder: %s", err_text(rc));
}

static void
on_stop(uint32_t deadline_ms, void *arg)
{
	(void)deadline_ms;
	/* Threads that wait for name servers would keep the loop. */
	role_end(((struct program *)arg)->role, 0);
}

static const struct role_events events = {
    .on_prepare = on_prepare,
    .on_switch = on_switch,
    .on_sandbox = on_sandbox,
    .on_ready = on_ready,
    .on_link = on_link,
    .on_stop = on_stop,
};

int
main(void)
{
	struct program p = {0};
	int rc;

	log_setup("spoold-resolver", LOG_LEVEL_INFO, false);
	rc = loop_work_threads(RESOLVER_THREADS);
	if (!rc)
		rc = loop_new(&p.loop);
	if (!rc)
		rc = resolver_new(p.loop, lookup_run, &p.resolver);
	if (!rc)
		rc = role_start(p.loop, IPC_ROLE_RESOLVER, SANDBOX_RESOLVER, "",
		    &events, &p, &p.role);
	if (rc) {
		log_error(rc == ERR_NOENT
			? "this program is started by spoold, not by hand"
			: "cannot start: %s",
		    err_text(rc));
		return 1;
	}
	loop_run(p.loop);
	/*
	 * At once: loop_free would wait for look-ups, which may take longer
	 * than spoold gives us.  There is nothing here to be kept.
	 */
	_exit(role_exit_status(p.role));
}
