/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/codec/kv.h"
#include "lib/config/config.h"
#include "lib/config/roleconf.h"

#define TEXT_MAX ((size_t)1 << 20)

/* A directory of files, and a configuration that names them. */
struct place {
	char dir[64];
	struct config *c;
	struct kv *kv;
	struct buf why;
};

static void
write_file(const struct place *p, const char *name, size_t len, char fill)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	for (size_t i = 0; i < len; i++)
		fputc(fill, f);
	assert_int_equal(fclose(f), 0);
}

static const char *const names[] = {"spool.crt", "spool.key", "own.crt",
    "own.key", "ca", "crl", "denied", "secret"};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/test-roleconf-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		write_file(p, names[i], 3 + i, (char)('a' + (int)i));
	buf_init(&p->why, TEXT_MAX);
	assert_int_equal(kv_new(&p->kv), 0);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
		unlink(path);
	}
	rmdir(p->dir);
	config_free(p->c);
	kv_free(p->kv);
	buf_fini(&p->why);
	free(p);
	return 0;
}

/* Each @ stands for the directory. */
static void
parse(struct place *p, const char *text)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	for (; *text; text++) {
		if (*text == '@')
			buf_add_str(&b, p->dir);
		else
			buf_add_u8(&b, (uint8_t)*text);
	}
	if (config_parse("f", buf_bytes(&b), &p->c))
		fail_msg("%s", config_why(p->c));
	buf_fini(&b);
}

static const char usual[] =
    "spool: { quota: 2GiB, encryption: { key: file:@/secret } }\n"
    "log: { level: warn }\n"
    "control: { admins: [adm, wheel] }\n"
    "identity: { certificate: @/spool.crt, key: @/spool.key }\n"
    "listeners:\n"
    "  a: { protocol: agentlink, address: \"[::1]:0\", client_ca: @/ca }\n"
    "  b: { protocol: agentlink, address: \"127.0.0.1:7614\", client_ca: "
    "@/ca, certificate: @/own.crt, key: @/own.key, crl: @/crl, deny_list: "
    "@/denied, max_per_source: 65536 }\n"
    "targets:\n"
    "  up: { protocol: chain, address: \"hq:1\", ca: @/ca, bandwidth: 8Mbit/s "
    "}\n"
    "  siem: { protocol: syslog, transport: tcp, address: \"s:1\" }\n"
    "  disk: { protocol: file, directory: /d, streams: [app, \"sys*\"] }\n";

static void
has_str(const struct kv *kv, const char *key, const char *expected)
{
	const char *text = "(nothing)";

	if (kv_get_str(kv, key, &text) || strcmp(text, expected) != 0)
		fail_msg("%s is %s, not %s", key, text, expected);
}

static void
has_u64(const struct kv *kv, const char *key, uint64_t expected)
{
	uint64_t number = 0;

	if (kv_get_u64(kv, key, &number) || number != expected)
		fail_msg("%s is %llu", key, (unsigned long long)number);
}

static void
lacks(const struct kv *kv, const char *key)
{
	struct bytes value;

	if (kv_get_bytes(kv, key, &value) != ERR_NOENT)
		fail_msg("%s is there", key);
}

static void
a_receiver_gets_its_listeners_with_the_contents_of_files(void **state)
{
	struct place *p = *state;

	parse(p, usual);
	assert_int_equal(
	    roleconf_receiver(p->c, ROLECONF_ALL, p->kv, &p->why), 0);
	has_u64(p->kv, "listener_count", 2);
	has_str(p->kv, "log.level", "warn");
	has_u64(p->kv, "limits.memory", 64 << 20);
	has_str(p->kv, "listeners.0.name", "a");
	has_str(p->kv, "listeners.0.protocol", "agentlink");
	has_str(p->kv, "listeners.0.address", "[::1]:0");
	has_str(p->kv, "listeners.0.certificate", "aaa");
	has_str(p->kv, "listeners.0.key", "bbbb");
	has_u64(p->kv, "listeners.0.max_connections", 10000);
	has_str(p->kv, "listeners.1.certificate", "ccccc");
	has_str(p->kv, "listeners.1.key", "dddddd");
	has_str(p->kv, "listeners.1.client_ca", "eeeeeee");
	has_str(p->kv, "listeners.1.crl", "ffffffff");
	has_str(p->kv, "listeners.1.deny_list", "ggggggggg");
	has_u64(p->kv, "listeners.1.max_per_source", 65536);
	lacks(p->kv, "listeners.0.crl");
	lacks(p->kv, "spool.directory");
	lacks(p->kv, "spool.encryption.key");
}

static void
a_receiver_of_one_listener_gets_no_other(void **state)
{
	struct place *p = *state;

	parse(p, usual);
	assert_int_equal(roleconf_receiver(p->c, 1, p->kv, &p->why), 0);
	has_u64(p->kv, "listener_count", 1);
	has_str(p->kv, "listeners.0.name", "b");
	lacks(p->kv, "listeners.1.name");
	assert_int_equal(roleconf_receiver(p->c, 2, p->kv, &p->why), ERR_INVAL);
}

static void
a_forwarder_gets_its_target_alone(void **state)
{
	struct place *p = *state;

	parse(p, usual);
	assert_int_equal(roleconf_forwarder(p->c, 0, p->kv, &p->why), 0);
	has_str(p->kv, "name", "up");
	has_str(p->kv, "protocol", "chain");
	has_str(p->kv, "address", "hq:1");
	has_str(p->kv, "ca", "eeeeeee");
	has_str(p->kv, "certificate", "aaa");
	has_str(p->kv, "key", "bbbb");
	has_u64(p->kv, "bandwidth", 8000000);
	has_u64(p->kv, "retry_max", 30000);
	has_u64(p->kv, "timeout", 30000);
	has_str(p->kv, "start", "next");
	lacks(p->kv, "directory");
	lacks(p->kv, "spool.directory");
}

static void
a_forwarder_in_the_clear_gets_no_key(void **state)
{
	struct place *p = *state;

	parse(p, usual);
	assert_int_equal(roleconf_forwarder(p->c, 1, p->kv, &p->why), 0);
	has_str(p->kv, "transport", "tcp");
	has_str(p->kv, "format", "raw");
	lacks(p->kv, "certificate");
	lacks(p->kv, "key");
}

static void
lists_are_repeated_keys(void **state)
{
	struct place *p = *state;
	const char *text;

	parse(p, usual);
	assert_int_equal(roleconf_forwarder(p->c, 2, p->kv, &p->why), 0);
	has_str(p->kv, "directory", "/d");
	has_u64(p->kv, "rotate.size", 256 << 20);
	has_u64(p->kv, "rotate.every", 86400000);
	has_str(p->kv, "rotate.compress", "off");
	assert_int_equal(kv_get_nth(p->kv, "streams", 1, &text), 0);
	assert_string_equal(text, "sys*");
	assert_int_equal(kv_get_nth(p->kv, "streams", 2, &text), ERR_NOENT);
}

static void
the_keeper_gets_the_spool_and_names_but_no_private_key(void **state)
{
	struct place *p = *state;
	const char *text;

	parse(p, usual);
	assert_int_equal(roleconf_keeper(p->c, p->kv, &p->why), 0);
	has_str(p->kv, "spool.directory", "/var/lib/spoold");
	has_u64(p->kv, "spool.quota", 2ull << 30);
	has_str(p->kv, "spool.encryption.mode", "key");
	has_str(p->kv, "spool.encryption.key", "hhhhhhhhhh");
	has_str(p->kv, "control.socket", "/run/spoold/control.sock");
	has_u64(p->kv, "control.mode", 0660);
	assert_int_equal(kv_get_nth(p->kv, "control.admins", 1, &text), 0);
	assert_string_equal(text, "wheel");
	has_u64(p->kv, "listener_count", 2);
	has_str(p->kv, "listeners.1.name", "b");
	has_u64(p->kv, "target_count", 3);
	has_str(p->kv, "targets.2.name", "disk");
	has_str(p->kv, "targets.2.start", "next");
	lacks(p->kv, "spool.quota_percent");
	for (size_t i = 0; i < kv_count(p->kv); i++) {
		const char *key = kv_key_at(p->kv, i);

		assert_null(strstr(key, ".certificate"));
		assert_null(strstr(key, ".ca"));
		if (strcmp(key, "spool.encryption.key") != 0)
			assert_null(strstr(key, ".key"));
	}
}

static void
the_keeper_is_told_how_the_spool_is_encrypted(void **state)
{
	struct place *p = *state;

	parse(p, "log: {}\n");
	assert_int_equal(roleconf_keeper(p->c, p->kv, &p->why), 0);
	has_str(p->kv, "spool.encryption.mode", "key-beside-data");
	has_u64(p->kv, "spool.quota_percent", 80);
	lacks(p->kv, "spool.encryption.key");
	lacks(p->kv, "spool.quota");
}

static void
encryption_that_is_off_is_said(void **state)
{
	struct place *p = *state;

	parse(p, "spool: { encryption: { key: off } }\n");
	assert_int_equal(roleconf_keeper(p->c, p->kv, &p->why), 0);
	has_str(p->kv, "spool.encryption.mode", "off");
}

static void
a_credential_is_read_from_its_directory(void **state)
{
	struct place *p = *state;

	parse(p, "spool: { encryption: { key: credential:secret } }\n");
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(roleconf_keeper(p->c, p->kv, &p->why), ERR_INVAL);
	buf_add_u8(&p->why, '\0');
	assert_string_equal((char *)buf_ptr(&p->why),
	    "f:1:29: spool.encryption.key: CREDENTIALS_DIRECTORY is not set; "
	    "allowed: credential: only in a unit with LoadCredential=\n");
	kv_free(p->kv);
	assert_int_equal(kv_new(&p->kv), 0);
	setenv("CREDENTIALS_DIRECTORY", p->dir, 1);
	assert_int_equal(roleconf_keeper(p->c, p->kv, &p->why), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
	has_str(p->kv, "spool.encryption.key", "hhhhhhhhhh");
}

static void
files_that_cannot_be_read_are_all_named_with_their_keys(void **state)
{
	struct place *p = *state;
	char expected[1024];

	parse(p,
	    "identity: { certificate: @/spool.crt, key: /nonexistent/k }\n"
	    "listeners:\n"
	    "  a: { protocol: agentlink, address: \"[::1]:0\", client_ca: @ "
	    "}\n");
	assert_int_equal(roleconf_receiver(p->c, 0, p->kv, &p->why), ERR_INVAL);
	buf_add_u8(&p->why, '\0');
	snprintf(expected, sizeof(expected),
	    "f:3:60: listeners.a.client_ca: %s: Is a directory\n"
	    "f:1:%zu: identity.key: /nonexistent/k: No such file or "
	    "directory\n",
	    p->dir, 43 + strlen(p->dir));
	assert_string_equal((char *)buf_ptr(&p->why), expected);
}

static void
a_file_has_at_most_512_kib(void **state)
{
	struct place *p = *state;

	parse(p, usual);
	for (int over = -1; over <= 1; over++) {
		write_file(
		    p, "denied", (size_t)((long)ROLECONF_FILE_MAX + over), 'g');
		kv_free(p->kv);
		assert_int_equal(kv_new(&p->kv), 0);
		buf_clear(&p->why);
		assert_int_equal(roleconf_receiver(p->c, 1, p->kv, &p->why),
		    over > 0 ? ERR_INVAL : 0);
	}
	buf_add_u8(&p->why, '\0');
	assert_non_null(strstr((char *)buf_ptr(&p->why),
	    "/denied: too long; allowed: a file of at most 512KiB\n"));
}

static void
all_files_together_have_a_limit_that_is_told(void **state)
{
	struct place *p = *state;

	parse(p, usual);
	write_file(p, "denied", ROLECONF_FILE_MAX, 'g');
	write_file(p, "crl", ROLECONF_FILE_MAX, 'f');
	assert_int_equal(roleconf_receiver(p->c, 1, p->kv, &p->why), ERR_INVAL);
	buf_add_u8(&p->why, '\0');
	assert_non_null(strstr((char *)buf_ptr(&p->why),
	    "listeners.b.deny_list: too much for one role; allowed: 1MiB in "
	    "all\n"));
}

static void
the_quota_of_a_file_system_is_at_least_1_gib(void **state)
{
	struct place *p = *state;
	uint64_t bytes = 7;

	parse(p, "spool: { quota: 50% }\n");
	assert_int_equal(
	    config_quota_bytes(p->c, (2ull << 30) - 200, &bytes), ERR_RANGE);
	assert_int_equal(bytes, 7);
	assert_int_equal(config_quota_bytes(p->c, 100ull << 30, &bytes), 0);
	assert_int_equal(bytes, 50ull << 30);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_receiver_gets_its_listeners_with_the_contents_of_files),
	    CASE(a_receiver_of_one_listener_gets_no_other),
	    CASE(a_forwarder_gets_its_target_alone),
	    CASE(a_forwarder_in_the_clear_gets_no_key),
	    CASE(lists_are_repeated_keys),
	    CASE(the_keeper_gets_the_spool_and_names_but_no_private_key),
	    CASE(the_keeper_is_told_how_the_spool_is_encrypted),
	    CASE(encryption_that_is_off_is_said),
	    CASE(a_credential_is_read_from_its_directory),
	    CASE(files_that_cannot_be_read_are_all_named_with_their_keys),
	    CASE(a_file_has_at_most_512_kib),
	    CASE(all_files_together_have_a_limit_that_is_told),
	    CASE(the_quota_of_a_file_system_is_at_least_1_gib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
