/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoold-forwarder - network out: one process for each target.
 *
 * Started by spoold with its channel as descriptor 3.  The pump does the work.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forwarder/pump.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"
#include "lib/role/role.h"
#include "lib/tls/tls.h"

struct program {
	struct loop *loop;
	struct role *role;
	struct pump *pump;
	struct kv *prepared;
	char name[33];
	int dir_fd;
	struct stat dir; /* the directory that is used */
	bool dir_moved; /* another one was given */
	const struct target_class *class; /* of the pump */
	int keeper_fd, resolver_fd; /* came before the pump was there */
};

static const struct target_class *
class_of(const struct kv *kv)
{
	const char *protocol = "";

	kv_get_str(kv, "protocol", &protocol);
	return pump_class(protocol);
}

static int
on_prepare(
    struct kv *kv, uint32_t generation, char *why, size_t why_size, void *arg)
{
	struct program *p = arg;
	const struct target_class *class = class_of(kv);
	int rc;

	(void)generation;
	if (!class) {
		snprintf(why, why_size, "its protocol is not known");
		return ERR_NOENT;
	}
	rc = class->prepare(kv, why, why_size);
	if (rc)
		return rc;
	kv_free(p->prepared);
	p->prepared = kv;
	return 0;
}

static int
make_pump(struct program *p)
{
	int rc = pump_new(p->loop, p->name, p->prepared, p->dir_fd, &p->pump);

	if (rc)
		return rc;
	if (p->resolver_fd >= 0)
		pump_connect_resolver(p->pump, p->resolver_fd);
	if (p->keeper_fd >= 0)
		pump_connect(p->pump, p->keeper_fd);
	p->dir_fd = p->keeper_fd = p->resolver_fd = -1;
	p->class = class_of(p->prepared);
	return 0;
}

static int
on_switch(uint32_t generation, void *arg)
{
	struct program *p = arg;

	(void)generation;
	/* The sandbox knows the old one only. */
	if (p->dir_moved || (p->pump && class_of(p->prepared) != p->class)) {
		log_info("the %s is another one: starting anew",
		    p->dir_moved ? "directory" : "protocol");
		role_end(p->role, 0);
		return 0;
	}
	/* The first time there is no pump yet: on_ready makes it. */
	return p->pump ? pump_configure(p->pump, p->prepared) : 0;
}

static int
on_sandbox(struct sandbox_profile *profile, void *arg)
{
	static struct sandbox_dir dir;
	struct program *p = arg;
	int rc = digest_warm_up();

	profile->role = class_of(p->prepared)->sandbox;
	if (p->dir_fd >= 0) {
		dir = (struct sandbox_dir){.fd = p->dir_fd, .write = true};
		profile->dirs = &dir;
		profile->dir_count = 1;
	}
	return rc ? rc : tls_warm_up();
}

static int
on_ready(void *arg)
{
	return make_pump(arg);
}

static void
keep_fd(int *place, int fd)
{
	if (*place >= 0)
		close(*place);
	*place = fd;
}

static void
on_link(const struct ipc_link *link, int fd, void *arg)
{
	struct program *p = arg;
	bool keeper = link->role == IPC_ROLE_KEEPER;

	if (!p->pump)
		keep_fd(keeper ? &p->keeper_fd : &p->resolver_fd, fd);
	else if (keeper)
		pump_connect(p->pump, fd);
	else
		pump_connect_resolver(p->pump, fd);
}

static void
on_fd(const struct ipc_fd *what, int fd, void *arg)
{
	struct program *p = arg;

	struct stat st;

	if (what->kind != IPC_FD_DIRECTORY || fstat(fd, &st)) {
		close(fd);
	} else if (!p->pump) {
		p->dir = st;
		keep_fd(&p->dir_fd, fd);
	} else {
		p->dir_moved =
		    st.st_dev != p->dir.st_dev || st.st_ino != p->dir.st_ino;
		close(fd);
	}
}

static void
on_stop(uint32_t deadline_ms, void *arg)
{
	struct program *p = arg;

	/* What is not settled stays with the keeper. */
	(void)deadline_ms;
	role_end(p->role, 0);
}

static const struct role_events events = {
    .on_prepare = on_prepare,
    .on_switch = on_switch,
    .on_sandbox = on_sandbox,
    .on_ready = on_ready,
    .on_link = on_link,
    .on_fd = on_fd,
    .on_stop = on_stop,
};

static void
take_name(struct program *p, int argc, char **argv)
{
	/* --role-name forwarder-NAME */
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "--role-name") &&
		    !strncmp(argv[i + 1], "forwarder-", 10))
			snprintf(
			    p->name, sizeof(p->name), "%s", argv[i + 1] + 10);
}

int
main(int argc, char **argv)
{
	struct program p = {.dir_fd = -1, .keeper_fd = -1, .resolver_fd = -1};
	char program[64];
	int rc, status;

	take_name(&p, argc, argv);
	snprintf(program, sizeof(program), "spoold-forwarder-%s", p.name);
	log_setup(program, LOG_LEVEL_INFO, false);
	rc = loop_new(&p.loop);
	if (!rc)
		rc = role_start(p.loop, IPC_ROLE_FORWARDER, SANDBOX_FORWARDER,
		    p.name, &events, &p, &p.role);
	if (rc) {
		log_error(rc == ERR_NOENT
			? "this program is started by spoold, not by hand"
			: "cannot start: %s",
		    err_text(rc));
		return 1;
	}
	loop_run(p.loop);
	status = role_exit_status(p.role);
	pump_free(p.pump);
	role_free(p.role);
	kv_free(p.prepared);
	loop_free(p.loop);
	return status;
}
