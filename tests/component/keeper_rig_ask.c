/* SPDX-License-Identifier: Apache-2.0 */
/* What a person asks the keeper of the rig at its control socket. */
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/codec/ctl.h"
#include "tests/component/keeper_rig.h"
#include "tests/helpers/cmocka_all.h"

#define TICK_US 2000

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

int
keeper_rig_call(struct keeper_rig *r)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(
	    connect(fd, (struct sockaddr *)&r->address, sizeof(r->address)), 0);
	return fd;
}

json_t *
keeper_rig_ask(struct keeper_rig *r, const char *verb, json_t *args)
{
	json_t *request = json_pack("{s:i, s:s, s:o}", "v", 1, "verb", verb,
	    "args", args ? args : json_object());
	char *text = json_dumps(request, JSON_COMPACT);
	struct buf out;
	json_t *answer;
	int fd = keeper_rig_call(r);

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
