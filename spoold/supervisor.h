/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor - starts the roles, hands them sockets, restarts them, reloads.
 *
 * Glue.  The usual course: supervisor_start binds everything and starts the
 * keeper (after the inspector has looked at what an unclean stop left), the
 * receivers, the forwarders and the resolver; when keeper and receivers are
 * READY the service manager is told.  A role that dies is started again and
 * linked anew with its peers.  SIGHUP reloads in two phases; SIGTERM stops
 * receivers first, then the rest, all within ten seconds.
 *
 * What can go wrong: a bad file at a reload (the old one stays, status says
 * why); a keeper that refuses its spool (everything ends, exit 9); addresses
 * in use, by the roles of a spoold that was killed: tried again for ten
 * seconds.
 */
#ifndef SPOOLD_SUPERVISOR_H
#define SPOOLD_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/config/config.h"
#include "lib/loop/loop.h"
#include "spoold/blame.h"
#include "spoold/child.h"
#include "spoold/sockets.h"

#define SUPERVISOR_DEADLINE_MS 8000u
#define SUPERVISOR_KILL_MS 9500u
#define SUPERVISOR_REFUSED 9 /* exit status: the spool or file is refused */
#define SUPERVISOR_BUSY_TRIES 8 /* of a keeper whose spool is in use: 12 s */
#define SUPERVISOR_OPEN_MS 10000u /* for addresses that are in use */
#define SUPERVISOR_OPEN_EVERY_MS 100u
#define SUPERVISOR_BAD_MAX 64
#define SUPERVISOR_ERROR_SIZE 8192 /* of the last reload, for the status */

struct inspect;

struct supervisor_options {
	const char *config_path;
	bool sandbox_off;
};

/* A descriptor with a name: a listener or a file target's directory. */
struct named_fd {
	char name[33];
	char *text; /* address as configured, or path */
	int fd;
	bool used; /* by the configuration in use */
};

enum supervisor_state {
	SUPERVISOR_STARTING,
	SUPERVISOR_RUNNING,
	SUPERVISOR_STOPPING,
};

struct supervisor {
	struct loop *loop;
	struct supervisor_options options;
	enum supervisor_state state;
	struct config *config;
	struct config *next_config; /* while a reload goes on */
	uint32_t generation;
	uint32_t next_generation; /* 0: no reload goes on */
	bool reload_again;
	struct loop_timer *reload_timer;
	struct child *children;
	struct named_fd listeners[CONFIG_ITEMS_MAX * 2];
	struct named_fd directories[CONFIG_ITEMS_MAX * 2];
	int control_fd, run_fd, page_fd;
	volatile uint64_t *page;
	struct loop_signal *signals[5];
	struct loop_timer *tick;
	struct loop_timer *stop_timer;
	struct loop_timer *watchdog;
	struct loop_timer *open_timer;
	uint64_t open_until_ms; /* 0: everything is open */
	uint64_t stop_at_ms;
	int64_t since_ns;
	bool keeper_was_ready;
	bool told_ready;
	unsigned ticks;
	int status;
	char reload_error[SUPERVISOR_ERROR_SIZE];
	struct buf warnings; /* JSON strings, comma separated */
	uint64_t bad[SUPERVISOR_BAD_MAX];
	size_t n_bad;
	bool meta_is_bad; /* as the inspector saw it before this keeper */
	struct blame blame;
	struct inspect *inspect;
};

/*
 * Take over the configuration and start; why (SOCKETS_WHY bytes) on failure.
 */
int supervisor_start(struct supervisor *s, struct loop *loop,
    const struct supervisor_options *options, struct config *config, char *why);
void supervisor_fini(struct supervisor *s);

/* The exit status that tells of a start that failed. */
int supervisor_start_status(int rc);

/* A child has become READY: is that everybody? */
void supervisor_check_ready(struct supervisor *s);
void supervisor_on_death(struct supervisor *s, struct child *c, int status);

struct child *supervisor_find(struct supervisor *s, enum ipc_role role,
    uint32_t slot, const char *target);

/* Free the children that are neither wanted nor alive. */
void supervisor_forget_unwanted(struct supervisor *s);

/* ---- roles.c: which roles there are to be, and what they are told -----------
 */

/* Add the children that `config` wants and mark those it does not want. */
int supervisor_plan(struct supervisor *s, const struct config *config);

/* The user a role is to become; "" if it stays what the starter is. */
const char *supervisor_user(
    struct supervisor *s, const struct config *config, const struct child *c);

/* The configuration of one child, encoded, in *out. */
int supervisor_kv(struct supervisor *s, const struct config *config,
    const struct child *c, struct buf *out, struct buf *why);

/* ---- wiring.c: descriptors and links
 * ------------------------------------------ */

/* Bind and open what `config` needs and is not there yet. */
int supervisor_open(
    struct supervisor *s, const struct config *config, char *why);
/* Close what the configuration in use does not need. */
void supervisor_close_unused(struct supervisor *s);

/* Give the control socket the permissions of the configuration in use. */
void supervisor_set_mode(struct supervisor *s);

/* The socket of a listener; NULL if it is not open. */
struct named_fd *supervisor_listener(
    struct supervisor *s, const struct config_listener *l);

/* Send a child that has said HELLO everything but its configuration. */
void supervisor_wire(struct supervisor *s, struct child *c);

/* Send a child the listeners and directories, again, after a reload. */
void supervisor_give_new(struct supervisor *s, struct child *c);

/* Send the keeper the list of receivers that live. */
void supervisor_tell_receivers(struct supervisor *s);

/* ---- reload.c
 * ------------------------------------------------------------------ */

void supervisor_reload(struct supervisor *s);
/* A child has answered PREPARE, or died meanwhile. */
void supervisor_reload_answer(struct supervisor *s, struct child *c,
    uint32_t generation, bool ready, struct bytes why);

/* Not everybody has answered in time. */
void supervisor_reload_timeout(struct supervisor *s);

/* ---- report.c
 * ------------------------------------------------------------------ */

/* Tell the keeper what `status` shows of the processes. */
void supervisor_report(struct supervisor *s);
void supervisor_warn(struct supervisor *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for each line of a text. */
void supervisor_warn_lines(struct supervisor *s, struct bytes lines);
/* Log as the configuration says. */
void supervisor_set_log(const struct config *config);

/* ---- inspect.c
 * ----------------------------------------------------------------- */

/*
 * Let the inspector look at the newest segments and meta, then start the
 * keeper; what is bad goes to s->bad.
 */
void supervisor_inspect(struct supervisor *s);
bool supervisor_inspect_reap(struct supervisor *s);
/* Once a second: does it hang? */
void supervisor_inspect_check(struct supervisor *s);
void supervisor_inspect_cancel(struct supervisor *s);

/* The keeper died, by this signal or 0: who is to blame (RULES.md 3)? */
void supervisor_blame(struct supervisor *s, int signum);

#endif
