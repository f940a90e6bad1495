/* SPDX-License-Identifier: Apache-2.0 */
/* The client against answers that are late, cut, too long, or lies. */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "admin/client.h"
#include "admin/json.h"
#include "tests/unit/admin/fake.h"

#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}
#define DEEP "[[[[[[[[[[[[[[[[[[[[[[[[[[[["

static const struct {
	struct bytes answer; /* then the connection ends */
	const char *code; /* "" if it is a result */
	int exit;
} answers[] = {
    {BYTES(""), "DAEMON_BROKE_OFF", 5},
    {BYTES("\0\0\0"), "DAEMON_BROKE_OFF", 5},
    {BYTES("\0\0\0\x40\1{\"ok\":tr"), "DAEMON_BROKE_OFF", 5},
    {BYTES("\xff\xff\xff\xff\1"), "ANSWER_MALFORMED", 1},
    {BYTES("\0\x80\0\2\1"), "ANSWER_MALFORMED", 1}, /* 8 MiB and 1 */
    {BYTES("\0\0\0\1\1"), "ANSWER_MALFORMED", 1},
    {BYTES("HTTP/1.1 400 Bad Request\r\n"), "ANSWER_MALFORMED", 1},
    {BYTES("\0\0\0\3\1[]"), "ANSWER_MALFORMED", 1},
    {BYTES("\0\0\0\x1e\1" DEEP "]"), "ANSWER_MALFORMED", 1},
    {BYTES("\0\0\0\3\1{}"), "ANSWER_MALFORMED", 1},
    {BYTES("\0\0\0\x0d\1{\"ok\":true}x"), "ANSWER_MALFORMED", 1},
    {BYTES("\0\0\0\x18\1{\"ok\":true,\"result\":[]}"), "ANSWER_MALFORMED", 1},
    {BYTES("\0\0\0\x1d\1{\"ok\":true,\"ok\":true,\"r\":{}}"),
	"ANSWER_MALFORMED", 1},
    {BYTES("\0\0\0\3\2{}"), "ANSWER_MALFORMED", 1}, /* not asked for */
    {BYTES("\0\0\0\x18\1{\"ok\":true,\"result\":{}}"), "", 0},
};

static int
ask(const struct fake *f, uint64_t timeout_ms, json_t **result,
    struct fault *fault)
{
	struct client *c = NULL;
	int rc = client_open(fake_socket(f), timeout_ms, &c, fault);

	if (!rc)
		rc = client_ask(c, "status", NULL, NULL, NULL, result, fault);
	client_close(c);
	return rc;
}

static void
each_answer_is_a_result_or_a_fault_with_its_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct fake_reply r = {.bytes = answers[i].answer};
		struct fake *f = fake_start(&r, 1);
		struct fault fault = {.exit = FAULT_OK};
		json_t *result = NULL;
		int rc = ask(f, 10000, &result, &fault);

		if (rc != answers[i].exit ||
		    strcmp(fault.code, answers[i].code) != 0)
			fail_msg("answer %zu: %d %s", i, rc, fault.code);
		assert_int_equal(result != NULL, rc == 0);
		json_decref(result);
		fake_stop(f);
		assert_string_equal(fake_request(f, 0),
		    "{\"v\":1,\"verb\":\"status\",\"args\":{}}");
		fake_free(f);
	}
}

static const struct {
	const char *error;
	const char *code, *message;
	int exit;
} errors[] = {
    {"{\"code\":\"TARGET_UNKNOWN\",\"message\":\"no\",\"cause\":\"c\","
     "\"hint\":\"h\",\"exit\":3}",
	"TARGET_UNKNOWN", "no", 3},
    {"{\"code\":\"DENIED\",\"message\":\"no\",\"exit\":4}", "DENIED", "no", 4},
    {"{\"code\":\"small\",\"exit\":0}", "UNKNOWN", "the daemon refused", 1},
    {"{\"code\":\"\",\"exit\":11}", "UNKNOWN", "the daemon refused", 1},
    {"{\"code\":\"\\u001b[2J\",\"exit\":-1}", "UNKNOWN", "the daemon refused",
	1},
    {"{\"code\":7,\"message\":{},\"exit\":\"3\"}", "UNKNOWN",
	"the daemon refused", 1},
    {"7", "ANSWER_MALFORMED", "the answer does not follow the protocol", 1},
};

static void
each_error_of_the_daemon_becomes_a_fault(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct fault fault = {.exit = FAULT_OK};
		struct fake_reply r = {.piece = 3};
		json_t *result = NULL;
		char json[512];
		struct buf b;
		struct fake *f;

		buf_init(&b, 4096);
		snprintf(json, sizeof(json), "{\"ok\":false,\"error\":%s}",
		    errors[i].error);
		fake_put(&b, CTL_JSON, json);
		r.bytes = buf_bytes(&b);
		f = fake_start(&r, 1);
		assert_int_equal(
		    ask(f, 10000, &result, &fault), errors[i].exit);
		assert_string_equal(fault.code, errors[i].code);
		assert_string_equal(fault.message, errors[i].message);
		fake_free(f);
		buf_fini(&b);
	}
}

static int
count_frame(const struct ctl_frame *frame, void *arg, struct fault *fault)
{
	size_t *n = arg;

	(void)fault;
	assert_int_equal(frame->kind, CTL_STREAM);
	*n += frame->payload.len;
	return FAULT_OK;
}

/* Frames of up to 8 MiB, a byte or a few at a time, and several at once. */
static void
frames_come_whole_however_they_are_cut(void **state)
{
	static const size_t pieces[] = {1, 4, 5, 4097, 0};
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 300; i++)
		fake_put(&b, CTL_STREAM, "{\"id\":1}");
	fake_put_result(&b, "{\"streams\":300}");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct fake_reply r = {
		    .bytes = buf_bytes(&b), .piece = pieces[i]};
		struct fake *f = fake_start(&r, 1);
		struct client *c = NULL;
		struct fault fault;
		json_t *result = NULL;
		size_t bytes = 0;

		assert_int_equal(
		    client_open(fake_socket(f), 10000, &c, &fault), 0);
		assert_int_equal(client_ask(c, "streams", NULL, count_frame,
				     &bytes, &result, &fault),
		    0);
		assert_int_equal(bytes, 300 * 8);
		assert_int_equal(json_u64(result, "streams", 0), 300);
		json_decref(result);
		client_close(c);
		fake_free(f);
	}
	buf_fini(&b);
}

static void
the_longest_frame_is_taken(void **state)
{
	char *payload = calloc(1, CTL_ANSWER_MAX);
	struct fake_reply r = {.piece = 0};
	struct client *c = NULL;
	struct fault fault;
	json_t *result = NULL;
	size_t bytes = 0;
	struct fake *f;
	struct buf b;

	(void)state;
	assert_non_null(payload);
	buf_init(&b, 2 * (size_t)CTL_ANSWER_MAX);
	ctl_put(&b, CTL_STREAM, bytes_of(payload, CTL_ANSWER_MAX));
	fake_put_result(&b, "{}");
	r.bytes = buf_bytes(&b);
	f = fake_start(&r, 1);
	assert_int_equal(client_open(fake_socket(f), 10000, &c, &fault), 0);
	assert_int_equal(client_ask(c, "streams", NULL, count_frame, &bytes,
			     &result, &fault),
	    0);
	assert_int_equal(bytes, CTL_ANSWER_MAX);
	json_decref(result);
	client_close(c);
	fake_free(f);
	buf_fini(&b);
	free(payload);
}

static void
silence_ends_in_the_time_that_was_given(void **state)
{
	struct fake_reply r = {.is_silent = true};
	struct fake *f = fake_start(&r, 1);
	struct fault fault;
	json_t *result = NULL;

	(void)state;
	assert_int_equal(ask(f, 50, &result, &fault), FAULT_TIMEOUT);
	assert_string_equal(fault.code, "NO_ANSWER");
	assert_true(client_is_away(&fault));
	fake_free(f);
}

static void
absence_and_refusal_are_told_apart(void **state)
{
	struct fake *f = fake_absent();
	struct fault fault;
	json_t *result = NULL;
	char path[256];

	(void)state;
	assert_int_equal(ask(f, 1000, &result, &fault), FAULT_UNREACHABLE);
	assert_string_equal(fault.code, "DAEMON_UNREACHABLE");
	assert_true(client_is_away(&fault));
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	{
		struct client *c = NULL;

		assert_int_equal(
		    client_open(path, 1000, &c, &fault), FAULT_UNREACHABLE);
	}
	fake_free(f);
}

static void
a_request_that_is_too_long_is_not_sent(void **state)
{
	struct fake_reply r = {.bytes = {NULL, 0}};
	struct fake *f = fake_start(&r, 1);
	char *text = malloc(CTL_REQUEST_MAX + 1);
	struct client *c = NULL;
	struct fault fault;
	json_t *result = NULL;

	(void)state;
	memset(text, 'x', CTL_REQUEST_MAX);
	text[CTL_REQUEST_MAX] = '\0';
	assert_int_equal(client_open(fake_socket(f), 1000, &c, &fault), 0);
	assert_int_equal(
	    client_ask(c, "target.pause", json_pack("{s:s}", "reason", text),
		NULL, NULL, &result, &fault),
	    FAULT_USAGE);
	assert_string_equal(fault.code, "REQUEST_TOO_LONG");
	client_close(c);
	client_close(NULL);
	free(text);
	fake_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_answer_is_a_result_or_a_fault_with_its_code),
	    cmocka_unit_test(each_error_of_the_daemon_becomes_a_fault),
	    cmocka_unit_test(frames_come_whole_however_they_are_cut),
	    cmocka_unit_test(the_longest_frame_is_taken),
	    cmocka_unit_test(silence_ends_in_the_time_that_was_given),
	    cmocka_unit_test(absence_and_refusal_are_told_apart),
	    cmocka_unit_test(a_request_that_is_too_long_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
