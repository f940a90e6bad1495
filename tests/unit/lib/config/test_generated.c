/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/agentconfig.h"
#include "lib/config/config.h"
#include "lib/config/load.h"

#define TEXT_MAX ((size_t)1 << 20)

static const struct {
	const char *path;
	void (*write)(struct buf *b);
} texts[] = {
    {"etc/spoold.yaml", config_sample},
    {"etc/agentlink.yaml", agentconfig_sample},
    {"man/spoold.yaml.5", config_man},
    {"man/agentlink.yaml.5", agentconfig_man},
};

static char *
source_path(const char *name)
{
	const char *top = getenv("TOP_SRCDIR");
	char path[4096];

	assert_non_null(top);
	snprintf(path, sizeof(path), "%s/%s", top, name);
	return strdup(path);
}

static void
the_committed_files_are_what_the_tables_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *path = source_path(texts[i].path);
		struct buf made, committed;

		buf_init(&made, TEXT_MAX);
		buf_init(&committed, TEXT_MAX);
		texts[i].write(&made);
		assert_int_equal(made.err, 0);
		assert_int_equal(load_file(path, &committed), 0);
		if (!bytes_equal(buf_bytes(&made), buf_bytes(&committed)))
			fail_msg("%s: run `make update-config`", path);
		buf_fini(&made);
		buf_fini(&committed);
		free(path);
	}
}

static void
the_samples_are_valid(void **state)
{
	struct agentconfig *agent;
	struct config *c;
	char *path;

	(void)state;
	path = source_path("etc/spoold.yaml");
	assert_int_equal(config_load(path, &c), 0);
	assert_string_equal(config_why(c), "");
	assert_int_equal(c->listener_count, 1);
	assert_int_equal(c->target_count, 3);
	config_free(c);
	free(path);
	path = source_path("etc/agentlink.yaml");
	assert_int_equal(agentconfig_load(path, &agent), 0);
	assert_int_equal(agent->input_count, 2);
	agentconfig_free(agent);
	free(path);
}

/* Take the `# ` off each key that shows a default, as a person would. */
static void
uncomment(const struct buf *sample, struct buf *out)
{
	const char *text = (const char *)sample->mem + sample->start;
	const char *end = text + sample->len;

	while (text < end) {
		size_t len = strcspn(text, "\n"), blank = strspn(text, " ");
		size_t key =
		    strspn(text + blank + 2, "abcdefghijklmnopqrstuvwxyz_");

		if (text[blank] == '#' && key > 0 &&
		    !strncmp(text + blank + 2 + key, ": ", 2) &&
		    !strchr(" \n", text[blank + 4 + key])) {
			buf_add(out, text, blank);
			buf_add(out, text + blank + 2, len - blank - 2);
		} else {
			buf_add(out, text, len);
		}
		buf_add_u8(out, '\n');
		text += len + 1;
	}
}

static void
the_defaults_that_the_sample_shows_are_the_defaults(void **state)
{
	struct buf sample, full, a, b;
	struct config *x, *y;

	(void)state;
	buf_init(&sample, TEXT_MAX);
	buf_init(&full, TEXT_MAX);
	buf_init(&a, TEXT_MAX);
	buf_init(&b, TEXT_MAX);
	config_sample(&sample);
	buf_add_u8(&sample, '\0');
	sample.len--;
	uncomment(&sample, &full);
	assert_true(full.len < sample.len);
	assert_int_equal(config_parse("s", buf_bytes(&sample), &x), 0);
	if (config_parse("f", buf_bytes(&full), &y))
		fail_msg("%s", config_why(y));
	config_print(x, &a);
	config_print(y, &b);
	assert_int_equal(a.err, 0);
	assert_true(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
	config_free(x);
	config_free(y);
	buf_fini(&sample);
	buf_fini(&full);
	buf_fini(&a);
	buf_fini(&b);
}

static void
what_is_printed_is_read_back_the_same(void **state)
{
	struct buf sample, first, second;
	struct config *x, *y;

	(void)state;
	buf_init(&sample, TEXT_MAX);
	buf_init(&first, TEXT_MAX);
	buf_init(&second, TEXT_MAX);
	config_sample(&sample);
	assert_int_equal(config_parse("s", buf_bytes(&sample), &x), 0);
	config_print(x, &first);
	if (config_parse("p", buf_bytes(&first), &y))
		fail_msg("%s", config_why(y));
	config_print(y, &second);
	assert_int_equal(first.err, 0);
	assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
	config_free(x);
	config_free(y);
	buf_fini(&sample);
	buf_fini(&first);
	buf_fini(&second);
}

static void
what_is_printed_for_the_agent_is_read_back_the_same(void **state)
{
	struct buf sample, first, second;
	struct agentconfig *x, *y;

	(void)state;
	buf_init(&sample, TEXT_MAX);
	buf_init(&first, TEXT_MAX);
	buf_init(&second, TEXT_MAX);
	agentconfig_sample(&sample);
	assert_int_equal(agentconfig_parse("s", buf_bytes(&sample), &x), 0);
	agentconfig_print(x, &first);
	if (agentconfig_parse("p", buf_bytes(&first), &y))
		fail_msg("%s", agentconfig_why(y));
	agentconfig_print(y, &second);
	assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
	assert_string_equal(y->inputs[0].stream, "app");
	assert_int_equal(y->inputs[0].files.count, 1);
	assert_true(y->inputs[1].is_stdin);
	assert_int_equal(y->outbox, 1 << 30);
	agentconfig_free(x);
	agentconfig_free(y);
	buf_fini(&sample);
	buf_fini(&first);
	buf_fini(&second);
}

/* Runs mandoc where it is there; its notes on other pages do not count. */
static void
the_manual_pages_are_clean(void **state)
{
	static const char *const pages[] = {
	    "man/spoold.yaml.5", "man/agentlink.yaml.5"};

	(void)state;
	if (system("command -v mandoc >/dev/null 2>&1") != 0)
		skip();
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		char *path = source_path(pages[i]);
		char command[4096];

		snprintf(command, sizeof(command),
		    "mandoc -T lint -W warning '%s'", path);
		assert_int_equal(system(command), 0);
		free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_committed_files_are_what_the_tables_say),
	    cmocka_unit_test(the_samples_are_valid),
	    cmocka_unit_test(
		the_defaults_that_the_sample_shows_are_the_defaults),
	    cmocka_unit_test(what_is_printed_is_read_back_the_same),
	    cmocka_unit_test(
		what_is_printed_for_the_agent_is_read_back_the_same),
	    cmocka_unit_test(the_manual_pages_are_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
