/* SPDX-License-Identifier: Apache-2.0 */
/* Whole commands against a control socket that answers from a script. */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/json.h"
#include "tests/unit/admin/fake.h"
#include "tests/unit/admin/peek_made.h"

#define STATUS(ready, targets)                                                \
	"{\"schema\":\"spoold.status\",\"schema_version\":1,\"ready\":" ready \
	",\"listeners\":[{\"name\":\"agents\",\"state\":\"ok\"}],"            \
	"\"targets\":[" targets "]}"
#define SIEM(pending) \
	"{\"name\":\"siem\",\"state\":\"ok\",\"pending\":" pending "}"

/* An answer as a reply; the buf must outlive it. */
static struct fake_reply
result(struct buf *b, const char *json)
{
	buf_init(b, 1 << 20);
	fake_put_result(b, json);
	return (struct fake_reply){.bytes = buf_bytes(b)};
}

static struct fake_reply
failure(struct buf *b, const char *code, int exit)
{
	char json[256];

	buf_init(b, 4096);
	snprintf(json, sizeof(json),
	    "{\"ok\":false,\"error\":{\"code\":\"%s\",\"message\":\"no\","
	    "\"cause\":\"why\",\"hint\":\"how\",\"exit\":%d}}",
	    code, exit);
	fake_put(b, CTL_JSON, json);
	return (struct fake_reply){.bytes = buf_bytes(b)};
}

/* One command, one answer: what must come out. */
static const struct {
	const char *line;
	const char *result; /* of the daemon */
	const char *request; /* verb and args */
	int status;
	const char *out; /* NULL: not looked at */
} runs[] = {
    {"status --quiet", STATUS("true", ""), "\"status\",\"args\":{}", 0, ""},
    {"status", "{\"schema\":\"spoold.status\",\"schema_version\":2}",
	"\"status\",\"args\":{}", 1, ""},
    {"listener ls --no-headers --columns name,state", STATUS("true", ""),
	"\"status\",\"args\":{}", 0, "agents  ok\n"},
    {"listener show agents --columns state", STATUS("true", ""),
	"\"status\",\"args\":{}", 0, "STATE                ok\n"},
    {"listener show none", STATUS("true", ""), "\"status\",\"args\":{}", 3, ""},
    {"target ls -o csv --columns name,pending", STATUS("true", SIEM("7")),
	"\"status\",\"args\":{}", 0, "name,pending\nsiem,7\n"},
    {"target ls -o ndjson --limit 1", STATUS("true", SIEM("7") "," SIEM("8")),
	"\"status\",\"args\":{}", 0, SIEM("7") "\n"},
    {"target show siem -o json", "{\"target\":" SIEM("7") "}",
	"\"target\",\"args\":{\"name\":\"siem\"}", 0,
	"{\n  \"name\": \"siem\",\n  \"state\": \"ok\",\n  \"pending\": 7\n}"
	"\n"},
    {"target pause siem --reason test", "{\"target\":\"siem\"}",
	"\"target.pause\",\"args\":{\"name\":\"siem\",\"reason\":\"test\"}", 0,
	"siem is paused; what it is owed stays in the spool.\n"},
    {"target resume siem -o json", "{\"target\":\"siem\",\"state\":\"ok\"}",
	"\"target.resume\",\"args\":{\"name\":\"siem\"}", 0,
	"{\n  \"target\": \"siem\",\n  \"state\": \"ok\"\n}\n"},
    {"target retry siem", "{}", "\"target.retry\",\"args\":{\"name\":\"siem\"}",
	0, "siem is tried now.\n"},
    {"target rename a b", "{}",
	"\"target.rename\",\"args\":{\"old\":\"a\",\"new\":\"b\"}", 0,
	"a is now b; change it in the configuration too.\n"},
    {"target remove old --dry-run",
	"{\"target\":\"old\",\"records\":12345,\"bytes\":1258291}",
	"\"target.remove\",\"args\":{\"name\":\"old\",\"yes\":false,"
	"\"dry_run\":true}",
	0,
	"Removing old would give up 12,345 records (1,258,291 bytes, 1.20 "
	"MiB).\n"},
    {"target remove old", "{\"records\":1,\"bytes\":2}",
	"\"target.remove\",\"args\":{\"name\":\"old\",\"yes\":false,"
	"\"dry_run\":true}",
	2, ""},
    {"queue ls --no-headers",
	"{\"queues\":[{\"target\":\"siem\",\"state\":\"ok\",\"records\":7,"
	"\"bytes\":4096,\"oldest\":\"2026-11-26T04:15:00.1Z\"}]}",
	"\"queue.ls\",\"args\":{}", 0,
	"siem  ok  7  4.00 KiB  2026-11-26 04:15:00Z\n"},
    {"stream ls --listener agents", "{\"streams\":0}",
	"\"streams\",\"args\":{\"listener\":\"agents\"}", 0, "No streams.\n"},
    {"verify", "{\"ok\":true,\"batches\":3,\"records\":9,\"bad\":[]}",
	"\"verify\",\"args\":{}", 0, "9 records in 3 batches were read\n"},
    {"verify",
	"{\"ok\":false,\"batches\":3,\"records\":9,\"bad\":[{\"segment\":1,"
	"\"batch\":2,\"rec\":5,\"text\":\"digest\"}]}",
	"\"verify\",\"args\":{}", 9,
	"DAMAGED segment 1, batch 2, rec 5: digest\n"
	"9 records in 3 batches were read\n"},
    {"verify",
	"{\"ok\":true,\"batches\":3,\"records\":9,\"inspected\":2,"
	"\"unchecked\":0,\"bad\":[]}",
	"\"verify\",\"args\":{}", 0,
	"9 records in 3 batches were read\n"
	"2 batches of records were unpacked and compared\n"},
    {"verify",
	"{\"ok\":null,\"batches\":3,\"records\":9,\"inspected\":0,"
	"\"unchecked\":2,\"bad\":[]}",
	"\"verify\",\"args\":{}", 8,
	"9 records in 3 batches were read\n"
	"0 batches of records were unpacked and compared\n"},
    {"prove",
	"{\"ok\":true,\"equations\":[{\"name\":\"target siem\",\"holds\":true,"
	"\"terms\":{\"stored\":9000,\"delivered\":8000,\"shed\":0,"
	"\"quarantined\":5,\"pending\":995}}],\"streams\":{\"hold\":2}}",
	"\"prove\",\"args\":{\"streams\":false}", 0,
	"holds   target siem: 9,000 stored = 8,000 delivered + 5 quarantined "
	"+ 995 pending\n"
	"holds   2 streams: received = stored + duplicate + refused, for "
	"each\n"},
    {"prove",
	"{\"ok\":false,\"equations\":[{\"name\":\"listener a\",\"holds\":false,"
	"\"terms\":{\"received\":9,\"stored\":7,\"duplicate\":2,\"refused\":0,"
	"\"stored_counter\":8}}],\"unreadable\":4,\"not_set_aside\":1}",
	"\"prove\",\"args\":{\"streams\":false}", 9,
	"BROKEN  listener a: 9 received = 7 stored + 2 duplicate + 0 refused; "
	"but 8 were counted as they were stored\n"
	"4 records cannot be read: known by number, not by whom; 3 of them "
	"are set aside as quarantined\n"},
    {"prove", "{\"ok\":null,\"streams\":{\"hold\":0,\"untold\":1}}",
	"\"prove\",\"args\":{\"streams\":false}", 8,
	"holds   0 streams: received = stored + duplicate + refused, for "
	"each\n"},
    {"prove -o csv",
	"{\"ok\":true,\"equations\":[{\"name\":\"target siem\",\"left\":9000,"
	"\"right\":9000,\"holds\":true}],\"streams\":{\"hold\":0}}",
	"\"prove\",\"args\":{\"streams\":true}", 0,
	"name,left,right,holds\n"
	"\"target siem\",9000,9000,true\n"},
    {"prove --quiet", "{}", "\"prove\",\"args\":{\"streams\":false}", 8, ""},
    {"wait --ready", STATUS("true", ""), "\"status\",\"args\":{}", 0, ""},
    {"wait --drained --target none", STATUS("true", SIEM("0")),
	"\"status\",\"args\":{}", 3, ""},
    {"wait --drained --timeout 1ms", STATUS("true", SIEM("1")),
	"\"status\",\"args\":{}", 6, ""},
    {"wait --ready --timeout 1ms", STATUS("false", ""),
	"\"status\",\"args\":{}", 6, ""},
    {"version -o csv", "{}", NULL, 0, NULL},
    {"wait", "{}", NULL, 2, ""},
    {"target ls --columns nome", "{}", NULL, 2, ""},
    {"target show siem --columns nome", "{}", NULL, 2, ""},
    {"listener ls --columns pending", "{}", NULL, 2, ""},
    {"listener show a --columns pending", "{}", NULL, 2, ""},
    {"queue ls --columns nome", "{}", NULL, 2, ""},
    {"queue peek --columns nome", "{}", NULL, 2, ""},
    {"stream ls --columns nome", "{}", NULL, 2, ""},
    {"stream show app --columns nome", "{}", NULL, 2, ""},
    {"status --columns name,nome", "{}", NULL, 2, ""},
    {"status --columns name,pending -o json", STATUS("true", SIEM("7")),
	"\"status\"", 0, NULL},
    {"queue ls -o csv --columns target,bytes", "{\"queues\":[]}",
	"\"queue.ls\"", 0, "target,bytes\n"},
    {"queue ls -o csv --no-headers", "{\"queues\":[]}", "\"queue.ls\"", 0, ""},
    {"queue peek -o csv --columns rec,text", "{}", "\"queue.peek\"", 0,
	"rec,text\n"},
    {"stream ls -o csv --columns stream,peer", "{}", "\"streams\"", 0,
	"stream,peer\n"},
    {"target ls -o csv --columns name", STATUS("true", ""), "\"status\"", 0,
	"name\n"},
    {"config check /nonexistent/spoold.yaml", "{}", NULL, 3, ""},
    {"config show /nonexistent/spoold.yaml", "{}", NULL, 3, ""},
    {"help target", "{}", NULL, 0, NULL},
    {"help frobnicate", "{}", NULL, 2, ""},
    {"completion tcsh", "{}", NULL, 2, ""},
};

static void
each_command_asks_and_prints_and_ends_as_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct buf b;
		struct fake_reply reply = result(&b, runs[i].result);
		struct fake *f = fake_start(&reply, 1);
		struct fake_run r = fake_spoolctl(f, runs[i].line);

		fake_stop(f);
		if (r.status != runs[i].status)
			fail_msg("%s: %d %s", runs[i].line, r.status, r.err);
		if (runs[i].out)
			assert_string_equal(r.out, runs[i].out);
		assert_int_equal(*r.err != '\0', r.status != 0);
		if (runs[i].request &&
		    !strstr(fake_request(f, 0), runs[i].request))
			fail_msg("%s: %s", runs[i].line, fake_request(f, 0));
		if (!runs[i].request)
			assert_int_equal(fake_connections(f), 0);
		fake_run_fini(&r);
		fake_free(f);
		buf_fini(&b);
	}
}

static void
every_exit_status_of_the_daemon_is_handed_on(void **state)
{
	(void)state;
	for (int exit = 1; exit <= 10; exit++) {
		struct buf b;
		struct fake_reply reply = failure(&b, "SOME_CODE", exit);
		struct fake *f = fake_start(&reply, 1);
		struct fake_run r = fake_spoolctl(f, "queue ls");

		assert_int_equal(r.status, exit);
		assert_string_equal(r.err,
		    "spoolctl: no (SOME_CODE)\n"
		    "  cause: why\n"
		    "  hint: how\n");
		fake_run_fini(&r);
		r = fake_spoolctl(f, "queue ls -o json");
		assert_int_equal(r.status, exit);
		assert_non_null(strstr(r.err,
		    "{\"error\":{\"code\":\"SOME_CODE\",\"message\":\"no\","
		    "\"cause\":\"why\",\"hint\":\"how\",\"exit\":"));
		fake_run_fini(&r);
		fake_free(f);
		buf_fini(&b);
	}
}

static void
remove_with_yes_shows_the_figures_of_what_was_done(void **state)
{
	struct buf dry, done;
	struct fake_reply replies[2];
	struct fake *f;
	struct fake_run r;

	(void)state;
	replies[0] = result(&dry, "{\"records\":10,\"bytes\":20}");
	replies[1] = result(&done, "{\"records\":11,\"bytes\":22}");
	f = fake_start(replies, 2);
	r = fake_spoolctl(f, "target remove old --yes --reason gone");
	fake_stop(f);
	assert_int_equal(r.status, 0);
	assert_string_equal(
	    r.out, "old is removed; 11 records (22 bytes) given up.\n");
	assert_non_null(strstr(fake_request(f, 1),
	    "{\"name\":\"old\",\"yes\":true,\"dry_run\":false,"
	    "\"reason\":\"gone\"}"));
	fake_run_fini(&r);
	fake_free(f);
	buf_fini(&dry);
	buf_fini(&done);
}

static void
nothing_is_destroyed_where_nobody_can_be_asked(void **state)
{
	struct buf b;
	struct fake_reply reply = result(&b, "{\"records\":10,\"bytes\":20}");
	struct fake *f = fake_start(&reply, 1);
	struct fake_run r = fake_spoolctl(f, "target remove old");

	(void)state;
	fake_stop(f);
	assert_int_equal(r.status, 2);
	assert_int_equal(fake_connections(f), 1); /* the dry run */
	assert_non_null(strstr(r.err, "CONFIRMATION_NEEDED"));
	assert_non_null(strstr(r.err, "10 records (20 bytes)"));
	fake_run_fini(&r);
	fake_free(f);
	buf_fini(&b);
}

/* Slammed, cut, absent states, then ready: all but the last are "not yet". */
static void
wait_takes_a_breaking_socket_as_not_yet(void **state)
{
	struct buf cut, no, busy, yes;
	struct fake_reply replies[5] = {{.is_slammed = true}};
	struct fake *f;
	struct fake_run r;

	(void)state;
	replies[1] = result(&cut, STATUS("true", ""));
	replies[1].bytes.len -= 5;
	replies[2] = failure(&busy, "CONTROL_BUSY", 5);
	replies[3] = result(&no, STATUS("false", ""));
	replies[4] = result(&yes, STATUS("true", ""));
	f = fake_start(replies, 5);
	r = fake_spoolctl(f, "wait --ready --timeout 1m");
	fake_stop(f);
	assert_int_equal(r.status, 0);
	assert_int_equal(fake_connections(f), 5);
	fake_run_fini(&r);
	fake_free(f);
	buf_fini(&cut);
	buf_fini(&busy);
	buf_fini(&no);
	buf_fini(&yes);
}

static void
wait_ends_at_once_when_it_is_refused(void **state)
{
	struct buf b;
	struct fake_reply reply = failure(&b, "DENIED", 4);
	struct fake *f = fake_start(&reply, 1);
	struct fake_run r = fake_spoolctl(f, "wait --ready");

	(void)state;
	assert_int_equal(r.status, 4);
	fake_run_fini(&r);
	fake_free(f);
	buf_fini(&b);
}

static void
wait_says_what_was_missing_when_the_time_is_over(void **state)
{
	struct fake *f = fake_absent();
	struct fake_run r = fake_spoolctl(f, "wait --ready --timeout 10ms");

	(void)state;
	assert_int_equal(r.status, 6);
	assert_non_null(strstr(r.err, "cause: the daemon does not answer"));
	fake_run_fini(&r);
	fake_free(f);
}

static void
prove_asks_again_while_the_keeper_restarts(void **state)
{
	struct buf b;
	struct fake_reply replies[3] = {
	    {.is_slammed = true}, {.is_slammed = true}};
	struct fake *f;
	struct fake_run r;

	(void)state;
	replies[2] = result(&b, "{\"ok\":true}");
	f = fake_start(replies, 3);
	r = fake_spoolctl(f, "prove");
	fake_stop(f);
	assert_int_equal(r.status, 0);
	assert_int_equal(fake_connections(f), 3);
	fake_run_fini(&r);
	fake_free(f);
	buf_fini(&b);
}

static void
write_status_file(const struct fake *f, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/status.json", fake_dir(f));
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
the_last_status_is_shown_as_old_when_nobody_answers(void **state)
{
	struct fake *f = fake_absent();
	struct fake_run r;
	json_t *o = NULL;

	(void)state;
	write_status_file(f, STATUS("true", SIEM("7")));
	r = fake_spoolctl(f, "status");
	assert_int_equal(r.status, 5);
	assert_ptr_equal(
	    strstr(r.out, "OLD: the daemon does not answer; written "), r.out);
	assert_non_null(strstr(r.out, "was READY"));
	assert_non_null(strstr(r.out, "siem"));
	assert_non_null(strstr(r.err, "what is shown is the status file, "));
	fake_run_fini(&r);

	r = fake_spoolctl(f, "status -o json");
	assert_int_equal(r.status, 5);
	assert_int_equal(json_read(bytes_of_str(r.out), &o, NULL), 0);
	assert_non_null(json_at(o, "stale_seconds"));
	json_decref(o);
	fake_run_fini(&r);

	write_status_file(f, "{\"schema\":\"another\"}");
	r = fake_spoolctl(f, "status");
	assert_int_equal(r.status, 5);
	assert_string_equal(r.out, "");
	fake_run_fini(&r);
	fake_free(f);
}

static void
streams_are_filtered_and_limited(void **state)
{
	struct buf b;
	struct fake_reply reply = {.piece = 7};
	struct fake *f;
	struct fake_run r;

	(void)state;
	buf_init(&b, 65536);
	fake_put(&b, CTL_STREAM, PEEK_MADE_STREAM("1", "app"));
	fake_put(&b, CTL_STREAM, PEEK_MADE_STREAM("2", "sys"));
	fake_put(&b, CTL_STREAM, PEEK_MADE_STREAM("3", "net"));
	fake_put_result(&b, "{\"streams\":3}");
	reply.bytes = buf_bytes(&b);
	f = fake_start(&reply, 1);
	r = fake_spoolctl(f, "stream ls --limit 2 --columns stream -o csv");
	assert_string_equal(r.out, "stream\napp\nsys\n");
	fake_run_fini(&r);
	r = fake_spoolctl(f, "stream show net --columns stream -o csv");
	assert_string_equal(r.out, "stream\nnet\n");
	assert_int_equal(r.status, 0);
	fake_run_fini(&r);
	r = fake_spoolctl(f, "stream show nothing");
	assert_int_equal(r.status, 3);
	fake_run_fini(&r);
	fake_free(f);
	buf_fini(&b);
}

static void
peek_prints_records_and_nothing_acts_on_a_terminal(void **state)
{
	struct buf b;
	struct fake_reply reply = {.piece = 11};
	struct fake *f;
	struct fake_run r;

	(void)state;
	buf_init(&b, 65536);
	fake_put(&b, CTL_STREAM, PEEK_MADE_STREAM("7", "app"));
	fake_put(&b, CTL_STREAM, PEEK_MADE_STREAM("8", "sys"));
	peek_made_batch(PEEK_MADE_HEAD(""), &b);
	fake_put_result(&b, "{\"records\":4}");
	reply.bytes = buf_bytes(&b);
	f = fake_start(&reply, 1);
	r = fake_spoolctl(f, "queue peek --limit 3");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out,
	    "REC  RECEIVED              STREAM  BYTES  TEXT\n"
	    "100  2026-11-26 04:15:00Z  app         5  first\n"
	    "101  2026-11-26 04:15:00Z  sys         2  -\n"
	    "102  2026-11-26 04:15:02Z  app        11  日本 \\x1b[2J\n");
	fake_run_fini(&r);
	r = fake_spoolctl(
	    f, "queue peek --target siem --from 5 -o ndjson --columns rec,seq");
	fake_stop(f);
	assert_string_equal(r.out,
	    "{\"rec\":100,\"seq\":41}\n{\"rec\":101,\"seq\":1}\n"
	    "{\"rec\":102,\"seq\":42}\n{\"rec\":103,\"seq\":2}\n");
	assert_non_null(strstr(fake_request(f, 1),
	    "{\"limit\":10,\"target\":\"siem\",\"from_rec\":5}"));
	fake_run_fini(&r);
	fake_free(f);
	buf_fini(&b);
}

static void
a_batch_without_its_stream_is_a_fault(void **state)
{
	struct buf b;
	struct fake_reply reply = {.piece = 0};
	struct fake *f;
	struct fake_run r;

	(void)state;
	buf_init(&b, 65536);
	peek_made_batch(PEEK_MADE_HEAD(""), &b);
	reply.bytes = buf_bytes(&b);
	f = fake_start(&reply, 1);
	r = fake_spoolctl(f, "queue peek -o ndjson");
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "");
	fake_run_fini(&r);
	fake_free(f);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_command_asks_and_prints_and_ends_as_it_says),
	    cmocka_unit_test(every_exit_status_of_the_daemon_is_handed_on),
	    cmocka_unit_test(
		remove_with_yes_shows_the_figures_of_what_was_done),
	    cmocka_unit_test(nothing_is_destroyed_where_nobody_can_be_asked),
	    cmocka_unit_test(wait_takes_a_breaking_socket_as_not_yet),
	    cmocka_unit_test(wait_ends_at_once_when_it_is_refused),
	    cmocka_unit_test(wait_says_what_was_missing_when_the_time_is_over),
	    cmocka_unit_test(prove_asks_again_while_the_keeper_restarts),
	    cmocka_unit_test(
		the_last_status_is_shown_as_old_when_nobody_answers),
	    cmocka_unit_test(streams_are_filtered_and_limited),
	    cmocka_unit_test(
		peek_prints_records_and_nothing_acts_on_a_terminal),
	    cmocka_unit_test(a_batch_without_its_stream_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
