/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and links: who is given what, and who is joined to whom. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "spoold/supervisor.h"

#define NAMED_MAX (CONFIG_ITEMS_MAX * 2)
#define ADDRESS_MAX 128

/* ---- opening
 * -------------------------------------------------------------------- */

/*
 * The descriptor of a name as one configuration has it.  During a reload the
 * old and the new one may give one name two addresses: both stay open until
 * one of the configurations goes.
 */
static struct named_fd *
find_named(struct named_fd *rows, const char *name, const char *text)
{
	for (size_t i = 0; i < NAMED_MAX; i++)
		if (rows[i].fd > 0 && !strcmp(rows[i].name, name) &&
		    !strcmp(rows[i].text, text))
			return &rows[i];
	return NULL;
}

/* What is open there already, under another name. */
static struct named_fd *
find_text(struct named_fd *rows, const char *text)
{
	for (size_t i = 0; i < NAMED_MAX; i++)
		if (rows[i].fd > 0 && !strcmp(rows[i].text, text))
			return &rows[i];
	return NULL;
}

static struct named_fd *
free_row(struct named_fd *rows)
{
	for (size_t i = 0; i < NAMED_MAX; i++)
		if (rows[i].fd <= 0)
			return &rows[i];
	return NULL;
}

static void
owner_of(const char *user, uid_t *uid, gid_t *gid)
{
	struct passwd *p = getuid() == 0 && user ? getpwnam(user) : NULL;

	*uid = p ? p->pw_uid : (uid_t)-1;
	*gid = p ? p->pw_gid : (gid_t)-1;
}

static void
address_text(const struct config_listener *l, char out[static ADDRESS_MAX])
{
	snprintf(out, ADDRESS_MAX, "%s %u", l->address.host, l->address.port);
}

/* Keep what was opened; on failure it is closed. */
static int
keep(struct named_fd *rows, const char *name, const char *text, int fd)
{
	struct named_fd *row = free_row(rows);
	char *copy = row ? strdup(text) : NULL;

	if (!copy) {
		close(fd);
		return row ? ERR_NOMEM : ERR_LIMIT;
	}
	*row = (struct named_fd){.text = copy, .fd = fd};
	snprintf(row->name, sizeof(row->name), "%s", name);
	return 0;
}

/* A listener that is only renamed goes on with the same socket. */
static int
open_listener(struct supervisor *s, const struct config_listener *l, char *why)
{
	char text[ADDRESS_MAX];
	const struct named_fd *same;
	int fd, rc;

	address_text(l, text);
	if (find_named(s->listeners, l->item.name, text))
		return 0;
	same = l->address.port ? find_text(s->listeners, text) : NULL;
	if (same) {
		fd = fcntl(same->fd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return err_of_errno(errno);
	} else {
		rc = sockets_bind(l, &fd, why);
		if (rc)
			return rc;
	}
	return keep(s->listeners, l->item.name, text, fd);
}

static struct named_fd *
directory_of(struct supervisor *s, const struct config_target *t)
{
	return t->protocol == WORD_FILE
	    ? find_named(s->directories, t->item.name, t->directory)
	    : NULL;
}

/* Has the directory been made anew since it was opened? */
static bool
is_another(const struct named_fd *row)
{
	struct stat ours, theirs;

	return !fstat(row->fd, &ours) && !stat(row->text, &theirs) &&
	    (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino);
}

static int
open_target(struct supervisor *s, const struct config *config,
    const struct config_target *t, char *why)
{
	struct named_fd *row = directory_of(s, t);
	char key[64];
	uid_t uid;
	gid_t gid;
	int fd, rc;

	if (t->protocol != WORD_FILE || (row && !is_another(row)))
		return 0;
	owner_of(config->users_forwarder, &uid, &gid);
	snprintf(key, sizeof(key), "targets.%s.directory", t->item.name);
	rc = sockets_directory(key, t->directory, uid, gid, &fd, why);
	if (rc)
		return rc;
	if (!row)
		return keep(s->directories, t->item.name, t->directory, fd);
	close(row->fd);
	row->fd = fd;
	return 0;
}

static int
open_fixed(struct supervisor *s, const struct config *config, char *why)
{
	char path[512];
	int spool = -1, rc = 0;
	uid_t uid;
	gid_t gid;

	owner_of(config->users_keeper, &uid, &gid);
	rc = sockets_directory(
	    "spool.directory", config->spool_directory, uid, gid, &spool, why);
	if (spool >= 0)
		close(spool);
	if (!rc && s->run_fd < 0)
		rc = sockets_directory("run_directory", config->run_directory,
		    uid, gid, &s->run_fd, why);
	if (rc || s->control_fd >= 0)
		return rc;
	snprintf(path, sizeof(path), "%s/control.sock", config->run_directory);
	return sockets_control(
	    config->control_socket ? config->control_socket : path,
	    (uint32_t)config->control_mode, &s->control_fd, why);
}

void
supervisor_set_mode(struct supervisor *s)
{
	if (chmod(s->config->control_socket, (mode_t)s->config->control_mode))
		supervisor_warn(
		    s, "control.mode: cannot be set: %s", strerror(errno));
}

int
supervisor_open(struct supervisor *s, const struct config *config, char *why)
{
	int rc = open_fixed(s, config, why);

	for (size_t i = 0; i < config->listener_count && !rc; i++)
		rc = open_listener(s, &config->listeners[i], why);
	for (size_t i = 0; i < config->target_count && !rc; i++)
		rc = open_target(s, config, &config->targets[i], why);
	return rc;
}

static void
close_rows(struct named_fd *rows)
{
	for (size_t i = 0; i < NAMED_MAX; i++)
		if (rows[i].fd > 0 && !rows[i].used) {
			close(rows[i].fd);
			free(rows[i].text);
			rows[i] = (struct named_fd){.fd = -1};
		}
}

struct named_fd *
supervisor_listener(struct supervisor *s, const struct config_listener *l)
{
	char text[ADDRESS_MAX];

	address_text(l, text);
	return find_named(s->listeners, l->item.name, text);
}

static void
use(struct named_fd *row)
{
	if (row)
		row->used = true;
}

void
supervisor_close_unused(struct supervisor *s)
{
	for (size_t i = 0; i < NAMED_MAX; i++)
		s->listeners[i].used = s->directories[i].used = false;
	for (size_t i = 0; s->config && i < s->config->listener_count; i++)
		use(supervisor_listener(s, &s->config->listeners[i]));
	for (size_t i = 0; s->config && i < s->config->target_count; i++)
		use(directory_of(s, &s->config->targets[i]));
	close_rows(s->listeners);
	close_rows(s->directories);
}

/* ---- handing out
 * ------------------------------------------------------------------ */

static void
give(struct child *c, enum ipc_fd_kind kind, const char *name, int fd)
{
	struct ipc_msg m = {.type = IPC_FD};

	if (fd < 0)
		return;
	m.u.fd.kind = (uint8_t)kind;
	m.u.fd.name = bytes_of_str(name);
	child_send(c, &m, fd);
}

static void
give_end(struct child *to, const struct child *peer, int fd)
{
	struct ipc_msg m = {.type = IPC_LINK};

	m.u.link.role = (uint8_t)peer->role;
	m.u.link.slot = peer->slot;
	m.u.link.name = bytes_of_str(peer->target);
	child_send(to, &m, fd);
}

static bool
are_peers(const struct child *a, const struct child *b)
{
	if (a->role == IPC_ROLE_FORWARDER)
		return b->role == IPC_ROLE_KEEPER ||
		    b->role == IPC_ROLE_RESOLVER;
	return b->role == IPC_ROLE_KEEPER &&
	    (a->role == IPC_ROLE_RECEIVER || a->role == IPC_ROLE_WORKER);
}

static void
join(struct child *a, struct child *b)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		log_error("cannot join %s and %s: %s", a->name, b->name,
		    strerror(errno));
		return;
	}
	give_end(a, b, pair[0]);
	give_end(b, a, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static void
give_named(struct child *c, enum ipc_fd_kind kind, const struct named_fd *row)
{
	if (row)
		give(c, kind, row->name, row->fd);
}

static void
give_descriptors(struct supervisor *s, struct child *c)
{
	const struct config *config = s->config;

	if (c->role == IPC_ROLE_KEEPER) {
		give(c, IPC_FD_CONTROL, "", s->control_fd);
		give(c, IPC_FD_RUN, "", s->run_fd);
		give(c, IPC_FD_BLAME, "", s->page_fd);
	}
	for (size_t i = 0; i < config->listener_count; i++)
		if (c->role == IPC_ROLE_RECEIVER)
			give_named(c, IPC_FD_LISTENER,
			    supervisor_listener(s, &config->listeners[i]));
	for (size_t i = 0; i < config->target_count; i++)
		if (c->role == IPC_ROLE_FORWARDER &&
		    !strcmp(config->targets[i].item.name, c->target))
			give_named(c, IPC_FD_DIRECTORY,
			    directory_of(s, &config->targets[i]));
}

void
supervisor_give_new(struct supervisor *s, struct child *c)
{
	if (c->role != IPC_ROLE_KEEPER)
		give_descriptors(s, c);
}

void
supervisor_wire(struct supervisor *s, struct child *c)
{
	if (c->role == IPC_ROLE_KEEPER)
		supervisor_tell_receivers(s);
	give_descriptors(s, c);
	for (struct child *x = s->children; x; x = x->next)
		if (x != c && x->chan && x->greeted &&
		    (are_peers(c, x) || are_peers(x, c)))
			join(c, x);
	FAILPOINT("supervisor-wired");
	if (c->role == IPC_ROLE_RECEIVER)
		supervisor_tell_receivers(s);
}

void
supervisor_tell_receivers(struct supervisor *s)
{
	struct child *keeper = supervisor_find(s, IPC_ROLE_KEEPER, 0, "");
	struct ipc_msg m = {.type = IPC_RECEIVERS};
	struct buf slots;

	if (!keeper || !keeper->chan)
		return;
	buf_init(&slots, 65536);
	for (struct child *c = s->children; c; c = c->next)
		if (c->role == IPC_ROLE_RECEIVER && c->pid) {
			cursor_put_be32(&slots, c->slot);
			m.u.receivers.n++;
		}
	m.u.receivers.slots = buf_bytes(&slots);
	child_send(keeper, &m, -1);
	buf_fini(&slots);
}
