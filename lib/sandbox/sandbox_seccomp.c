/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: everything is forbidden, then the rows of syscalls.def
 * whose need the role has are allowed, then the calls with conditions.
 *
 * clone3 passes its flags in memory, where a filter cannot look.  It is
 * answered with ENOSYS, upon which the C library falls back to clone, whose
 * flags are in a register.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/sandbox/sandbox_impl.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#define SOCKET_TYPE_MASK 0xfU /* beside SOCK_CLOEXEC and SOCK_NONBLOCK */

struct call {
	const char *name;
	enum sandbox_need need;
};

static const struct call calls[] = {
#define CALL(name, need) {#name, SANDBOX_NEED_##need},
#include "lib/sandbox/syscalls.def"
#undef CALL
};

static bool
has_need(enum sandbox_role role, enum sandbox_need need)
{
	switch (need) {
	case SANDBOX_NEED_LIFE:
		return true;
	case SANDBOX_NEED_OPEN:
		return sandbox_role_may(role, SANDBOX_OPEN);
	case SANDBOX_NEED_CONNECT:
		return sandbox_role_may(role, SANDBOX_CONNECT);
	case SANDBOX_NEED_SOCKET:
		return sandbox_role_may(role, SANDBOX_SOCKET);
	case SANDBOX_NEED_THREAD:
		return sandbox_role_may(role, SANDBOX_THREAD);
	}
	return false;
}

/* A rule for a call that this machine may or may not have. */
static int
add(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned count,
    const struct scmp_arg_cmp *conditions)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr < 0)
		return 0;
	return seccomp_rule_add_array(ctx, action, nr, count, conditions);
}

static int
allow_if(scmp_filter_ctx ctx, const char *name, struct scmp_arg_cmp a)
{
	return add(ctx, SCMP_ACT_ALLOW, name, 1, &a);
}

/* Argument number `arg` is this value. */
static struct scmp_arg_cmp
is(unsigned arg, uint64_t value)
{
	return (struct scmp_arg_cmp){
	    .arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
}

/* Of argument number `arg`, the bits of the mask are these. */
static struct scmp_arg_cmp
has(unsigned arg, uint64_t mask, uint64_t bits)
{
	return (struct scmp_arg_cmp){.arg = arg,
	    .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = mask,
	    .datum_b = bits};
}

static int
allow_table(scmp_filter_ctx ctx, enum sandbox_role role)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (has_need(role, calls[i].need))
			rc |= add(ctx, SCMP_ACT_ALLOW, calls[i].name, 0, NULL);
	return rc;
}

/* No memory becomes executable any more. */
static int
allow_memory(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp data = has(2, PROT_EXEC, 0);

	return allow_if(ctx, "mmap", data) | allow_if(ctx, "mprotect", data);
}

static int
allow_ioctls(scmp_filter_ctx ctx)
{
	static const unsigned long requests[] = {
	    FIONBIO, FIOCLEX, FIONREAD, TIOCOUTQ /* SIOCOUTQ */, TCGETS};
	int rc = 0;

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		rc |= allow_if(ctx, "ioctl", is(1, requests[i]));
	return rc;
}

/* Itself only: its name, its limits, a signal of abort(). */
static int
allow_itself(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp look[] = {is(0, 0), is(2, 0)};

	return allow_if(ctx, "prctl", is(0, PR_SET_NAME)) |
	    allow_if(ctx, "prctl", is(0, PR_GET_NAME)) |
	    allow_if(ctx, "prctl", is(0, PR_GET_PDEATHSIG)) |
	    allow_if(ctx, "prctl", is(0, PR_GET_DUMPABLE)) |
	    allow_if(ctx, "prctl", is(0, PR_SET_VMA)) |
	    add(ctx, SCMP_ACT_ALLOW, "prlimit64", 2, look) |
	    allow_if(ctx, "tgkill", is(0, (uint64_t)getpid())) |
	    /* fstat() of the C library; of descriptors only */
	    allow_if(ctx, "newfstatat", has(3, AT_EMPTY_PATH, AT_EMPTY_PATH));
}

static int
allow_sockets(scmp_filter_ctx ctx)
{
	static const unsigned families[] = {AF_INET, AF_INET6};
	static const unsigned types[] = {SOCK_STREAM, SOCK_DGRAM};
	int rc = 0;

	for (size_t f = 0; f < 2; f++) {
		for (size_t t = 0; t < 2; t++) {
			struct scmp_arg_cmp both[] = {is(0, families[f]),
			    has(1, SOCKET_TYPE_MASK, types[t])};

			rc |= add(ctx, SCMP_ACT_ALLOW, "socket", 2, both);
		}
	}
	return rc;
}

static int
allow_threads(scmp_filter_ctx ctx)
{
	return allow_if(ctx, "clone", has(0, CLONE_THREAD, CLONE_THREAD));
}

static int
fill(scmp_filter_ctx ctx, enum sandbox_role role)
{
	int rc;

	rc = allow_table(ctx, role);
	rc |= allow_memory(ctx);
	rc |= allow_ioctls(ctx);
	rc |= allow_itself(ctx);
	rc |= add(ctx, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	if (has_need(role, SANDBOX_NEED_SOCKET))
		rc |= allow_sockets(ctx);
	if (has_need(role, SANDBOX_NEED_THREAD))
		rc |= allow_threads(ctx);
	return rc;
}

int
sandbox_seccomp_enter(enum sandbox_role role, bool kill)
{
	scmp_filter_ctx ctx =
	    seccomp_init(kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (!ctx)
		return ERR_NOMEM;
	/* A binary search instead of a walk of all rows for each call. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	rc = fill(ctx, role);
	if (!rc)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc ? ERR_SYS : 0;
}
